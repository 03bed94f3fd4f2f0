"""The last line: the keys that apply now, or a question to answer with y or n."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual import events
from textual.binding import ActiveBinding
from textual.keys import format_key
from textual.widget import Widget

from tuner.render.renderable_lines import Lines
from tuner.render.styles import TextRun
from tuner.results.format import sanitize_text
from tuner.tui.widgets.line_widgets import LineBar, theme_styles

MAX_KEYS = 10
LAST_KEYS = ("app.palette", "app.help", "app.leave", "app.back")
"""Kept at the right end, in this order, whatever else there is."""

SPELLED_OUT = ("enter", "backspace", "delete")
"""Keys for which Textual has a sign that few know."""


def display_of_key(key: str) -> str:
    """Write a key as people do: ctrl+k, ?, esc, ↑."""
    *modifiers, key_name = key.split("+")
    return "+".join([*modifiers, key_name if key_name in SPELLED_OUT else format_key(key_name)])


@dataclass(frozen=True)
class DisplayedKey:
    """A key in the bar, and what it does."""

    display: str
    label: str
    action: Callable[[], Awaitable[None]]


class KeyBar(LineBar, can_focus=True):
    """Keys to read and to click; while a question is open, only y, n and esc count.

    `order` names the bindings that come first. `displays` returns by binding how
    keys are written where that changes with what the screen shows.
    """

    DEFAULT_CSS = "KeyBar { height: 1; }"

    def __init__(
        self,
        order: Sequence[str] = (),
        displays: Callable[[], Mapping[str, str]] = dict,
        *,
        id: str = "keys",
    ) -> None:
        super().__init__(id=id)
        self._rank_by_id = {name: rank for rank, name in enumerate(order)}
        self._displays = displays
        self.can_focus = False
        self._question = ""
        self._on_yes: Callable[[], object] | None = None
        self._previous_focus: Widget | None = None
        self._click_ranges: list[tuple[int, DisplayedKey]] = []

    @property
    def is_asking(self) -> bool:
        return self._on_yes is not None

    def displayed_keys(self) -> list[DisplayedKey]:
        """Return the keys that apply now, at most ten, each action once, in the bar's order."""
        active_by_id: dict[str, ActiveBinding] = {}
        for active in self.screen.active_bindings.values():
            if active.binding.show and active.enabled and active.binding.id:
                active_by_id.setdefault(active.binding.id, active)
        last_ids = [name for name in LAST_KEYS if name in active_by_id]
        first_ids = [name for name in active_by_id if name not in last_ids]
        first_ids.sort(key=lambda name: self._rank_by_id.get(name, len(self._rank_by_id)))
        displayed_ids = [*first_ids[: MAX_KEYS - len(last_ids)], *last_ids]
        return [self._displayed_key(name, active_by_id[name]) for name in displayed_ids]

    def _displayed_key(self, binding_id: str, active: ActiveBinding) -> DisplayedKey:
        async def run_bound_action() -> None:
            await self.app.run_action(active.binding.action, active.node)

        binding = active.binding
        display = self._displays().get(binding_id) or binding.key_display
        return DisplayedKey(
            display or display_of_key(binding.key), binding.description, run_bound_action
        )

    def ask_yes_or_no(self, question: str, on_yes: Callable[[], object]) -> None:
        """Ask in the place of the keys, and call back on y alone."""
        self._question, self._on_yes = sanitize_text(question), on_yes
        self._previous_focus = self.screen.focused
        self.can_focus = True
        self.focus()
        self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        styles = theme_styles(self)
        if self.is_asking:
            answers: list[TextRun] = [(" y ", styles.accent), ("Yes ", styles.text)]
            answers += [(" n ", styles.accent), ("No", styles.text)]
            return [[(f" {self._question} ", styles.paused), *answers]]
        return [self._runs_of_keys(width)]

    def _runs_of_keys(self, width: int) -> list[TextRun]:
        styles = theme_styles(self)
        keys = self._keys_that_fit(self.displayed_keys(), width)
        runs: list[TextRun] = []
        self._click_ranges = []
        right_edge = 0
        for key in keys:
            right_edge += cell_len(key.display) + cell_len(key.label) + 3
            self._click_ranges.append((right_edge, key))
            runs += [(f" {key.display} ", styles.accent), (f"{key.label} ", styles.text)]
        return runs

    def _keys_that_fit(self, keys: list[DisplayedKey], width: int) -> list[DisplayedKey]:
        """Leave keys out from before the last ones, which are always kept."""
        fitting = list(keys)
        while (
            sum(cell_len(key.display) + cell_len(key.label) + 3 for key in fitting) > width
            and fitting
        ):
            del fitting[max(len(fitting) - 4, 0)]
        return fitting

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.redraw_content())

    def on_key(self, event: events.Key) -> None:
        """Take an answer; every other key is swallowed while one is awaited."""
        if not self.is_asking:
            return
        event.stop()
        event.prevent_default()
        if event.key in ("y", "Y"):
            self._answer_question(yes=True)
        elif event.key in ("n", "N", "escape"):
            self._answer_question(yes=False)

    def on_blur(self) -> None:
        """Take a focus that moves elsewhere as a no."""
        if self.is_asking:
            self._answer_question(yes=False)

    async def on_click(self, event: events.Click) -> None:
        if self.is_asking:
            question_width = cell_len(self._question) + 2
            if event.x >= question_width:
                self._answer_question(yes=event.x < question_width + 7)
            return
        for end, key in self._click_ranges:
            if event.x < end:
                await key.action()
                return

    def _answer_question(self, *, yes: bool) -> None:
        on_yes, self._on_yes = self._on_yes, None
        self.can_focus = False
        if self._previous_focus is not None and self.has_focus:
            self.screen.set_focus(self._previous_focus)
        self.redraw_content()
        if yes and on_yes is not None:
            on_yes()
