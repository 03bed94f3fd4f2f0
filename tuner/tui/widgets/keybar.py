"""The last line: the keys that apply now, or a question to answer with y or n."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual import events
from textual.app import App
from textual.binding import ActiveBinding, Binding
from textual.screen import Screen
from textual.widget import Widget

from tuner.results.format import plain
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Run
from tuner.tui.widgets.lines import LineBar, styles_of

MOST_KEYS = 10
LAST = ("app.palette", "app.help", "app.leave", "app.back")
"""Kept at the right end, in this order, whatever else there is."""

_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "left_curly_bracket": "{",
    "right_curly_bracket": "}",
    "equals_sign": "=",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "comma": ",",
    "full_stop": ".",
    "plus": "+",
    "minus": "-",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def key_text(key: str) -> str:
    """A key as people write it: ctrl+k, ?, esc, ↑."""
    *held, last = key.split("+")
    return "+".join([*held, _NAMES.get(last, last)])


@dataclass(frozen=True)
class ShownKey:
    """A key in the bar, and what it does."""

    key: str
    text: str
    action: Callable[[], Awaitable[None]]


def shown_keys(app: App[Any], screen: Screen[Any]) -> list[ShownKey]:
    """The keys that apply now, at most ten, each action once, in the order of the screen."""
    found: dict[str, tuple[Binding, ActiveBinding]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.show and active.enabled and binding.id and binding.id not in found:
            found[binding.id] = (binding, active)
    last = [name for name in LAST if name in found]
    first = [name for name in _in_order(screen, found) if name not in last]
    chosen = [*first[: MOST_KEYS - len(last)], *last]
    return [_shown(app, *found[name]) for name in chosen]


def _in_order(screen: Screen[Any], found: Collection[str]) -> list[str]:
    order: Sequence[str] = getattr(screen, "KEY_ORDER", ())
    rank = {name: place for place, name in enumerate(order)}
    return sorted(found, key=lambda name: rank.get(name, len(rank)))


def _shown(app: App[Any], binding: Binding, active: ActiveBinding) -> ShownKey:
    async def act() -> None:
        await app.run_action(binding.action, active.node)

    told = getattr(app.screen, "key_shown", lambda _name: None)(binding.id)
    key = told or binding.key_display or key_text(binding.key)
    return ShownKey(key, binding.description, act)


class KeyBar(LineBar, can_focus=True):
    """Keys to read and to click. While it asks, nothing but y, n and esc is heard."""

    DEFAULT_CSS = "KeyBar { height: 1; }"

    def __init__(self, *, id: str = "keys") -> None:
        super().__init__(id=id)
        self.can_focus = False
        self._question = ""
        self._yes: Callable[[], object] | None = None
        self._before: Widget | None = None
        self._places: list[tuple[int, ShownKey]] = []

    @property
    def asking(self) -> bool:
        """Whether an answer is awaited."""
        return self._yes is not None

    def ask(self, question: str, yes: Callable[[], object]) -> None:
        """Ask in the place of the keys; `yes` is called on y, nothing on n or esc."""
        self._question, self._yes = plain(question), yes
        self._before = self.screen.focused
        self.can_focus = True
        self.focus()
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """The question, or the keys that fit."""
        styles = styles_of(self)
        if self.asking:
            answers: list[Run] = [(" y ", styles.accent), ("Yes ", styles.text)]
            answers += [(" n ", styles.accent), ("No", styles.text)]
            return [[(f" {self._question} ", styles.paused), *answers]]
        return [self._keys(width)]

    def _keys(self, width: int) -> list[Run]:
        styles = styles_of(self)
        keys = self._that_fit(shown_keys(self.app, self.screen), width)
        runs: list[Run] = []
        self._places = []
        at = 0
        for shown in keys:
            at += cell_len(shown.key) + cell_len(shown.text) + 3
            self._places.append((at, shown))
            runs += [(f" {shown.key} ", styles.accent), (f"{shown.text} ", styles.text)]
        return runs

    def _that_fit(self, keys: list[ShownKey], width: int) -> list[ShownKey]:
        """Keys are left out from before the last ones, which are always kept."""
        kept = list(keys)
        while sum(cell_len(key.key) + cell_len(key.text) + 3 for key in kept) > width and kept:
            del kept[max(len(kept) - 4, 0)]
        return kept

    def on_mount(self) -> None:
        """Follow what applies."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.redraw())

    def on_key(self, event: events.Key) -> None:
        """An answer; every other key is swallowed while one is awaited."""
        if not self.asking:
            return
        event.stop()
        event.prevent_default()
        if event.key in ("y", "Y"):
            self._answer(yes=True)
        elif event.key in ("n", "N", "escape"):
            self._answer(yes=False)

    def on_blur(self) -> None:
        """Who turns to something else means no."""
        if self.asking:
            self._answer(yes=False)

    async def on_click(self, event: events.Click) -> None:
        """A click is a key."""
        if self.asking:
            asked = cell_len(self._question) + 2
            if event.x >= asked:
                self._answer(yes=event.x < asked + 7)
            return
        for end, shown in self._places:
            if event.x < end:
                await shown.action()
                return

    def _answer(self, *, yes: bool) -> None:
        wanted, self._yes = self._yes, None
        self.can_focus = False
        if self._before is not None and self.has_focus:
            self.screen.set_focus(self._before)
        self.redraw()
        if yes and wanted is not None:
            wanted()
