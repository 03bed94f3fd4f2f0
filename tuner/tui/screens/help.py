"""Help, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles
from tuner.tui.views.base import View
from tuner.tui.widgets.keybar import key_text
from tuner.tui.widgets.lines import Pane, styles_of

SECTIONS = {
    "session": "Session",
    "sessions": "Sessions",
    "trial": "Trial",
    "trials": "Trials",
    "curves": "Curves",
    "confusion": "Confusion",
    "move": "Move",
    "view": "Views and panes",
    "filter": "Filter",
    "app": "Anywhere",
}
FILTERS = ("state:pruned", "accuracy>0.78", "lr.head<1e-3", "9,12", "!state:failed")


@dataclass(frozen=True)
class HelpEntry:
    """One action: its keys and what it does."""

    section: str
    keys: str
    text: str


def help_entries(nodes: Iterable[DOMNode]) -> list[HelpEntry]:
    """Every binding with an id of these nodes, once, its keys together."""
    texts: dict[str, str] = {}
    keys: dict[str, list[str]] = {}
    for node in nodes:
        for key, binding in node._bindings:
            if binding.id is None or not (binding.tooltip or binding.description):
                continue
            texts.setdefault(binding.id, binding.tooltip or binding.description)
            if key_text(key) not in keys.setdefault(binding.id, []):
                keys[binding.id].append(key_text(key))
    return [
        HelpEntry(name.split(".")[0], " ".join(keys[name]), text) for name, text in texts.items()
    ]


def nodes_of(screen: Screen[Any]) -> list[DOMNode]:
    """The screen, what can have the focus in the view that shows, tabs too, and the app."""
    hidden = {view for view in screen.query(View) if not view.display}
    focusable = [
        widget
        for widget in screen.walk_children(Widget)
        if widget.can_focus and not hidden.intersection(widget.ancestors)
    ]
    return [*screen.query("FilterBar"), *focusable, screen, screen.app]


def subject_of(screen: Screen[Any]) -> str:
    """What help is about: the view that shows, or the screen."""
    shown = getattr(screen, "view_name", "")
    return shown or type(screen).__name__.removesuffix("Screen")


def help_lines(entries: Sequence[HelpEntry], width: int, styles: Styles) -> Lines:
    """Sections one below the other, in two columns where there is room."""
    blocks = [_section(name, entries, styles) for name in _sections(entries)]
    blocks.append(_filters(styles))
    if width < 84:
        return _stacked(blocks)
    half = (width - 2) // 2
    left, right = _halves(blocks)
    return [_pair(left, right, row, half) for row in range(max(len(left), len(right)))]


def _sections(entries: Sequence[HelpEntry]) -> list[str]:
    found = {entry.section for entry in entries}
    return [name for name in SECTIONS if name in found] + sorted(found - set(SECTIONS))


def _section(name: str, entries: Sequence[HelpEntry], styles: Styles) -> Lines:
    lines: Lines = [[(SECTIONS.get(name, name.capitalize()), styles.heading)]]
    for entry in entries:
        if entry.section == name:
            keys: Run = ("  " + fit(entry.keys, 10), styles.accent)
            lines.append([keys, (entry.text, styles.text)])
    return lines


def _filters(styles: Styles) -> Lines:
    words: Lines = [[("Filters", styles.heading)]]
    words.append([("  " + "   ".join(FILTERS[:3]), styles.accent)])
    words.append([("  " + "   ".join(FILTERS[3:]), styles.accent)])
    return [*words, [("  a blank is and, ! is not", styles.muted)]]


def _stacked(blocks: Sequence[Lines]) -> Lines:
    return [line for block in blocks for line in (*block, [])][:-1]


def _halves(blocks: Sequence[Lines]) -> tuple[Lines, Lines]:
    total = sum(len(block) + 1 for block in blocks)
    left: list[Lines] = []
    height = 0
    for block in blocks:
        if height and height + len(block) / 2 > total / 2:
            break
        left.append(block)
        height += len(block) + 1
    return _stacked(left), _stacked(blocks[len(left) :])


def _pair(left: Lines, right: Lines, row: int, half: int) -> list[Run]:
    runs = list(left[row]) if row < len(left) else []
    used = sum(cell_len(text) for text, _ in runs)
    if used > half:
        text, style = runs[-1]
        runs[-1] = (fit(text, cell_len(text) - (used - half)), style)
        used = half
    gap: Run = (" " * (half - used + 2), runs[-1][1] if runs else right[0][0][1])
    return [*runs, gap, *(right[row] if row < len(right) else [])]


class HelpPane(Pane):
    """The text."""

    def __init__(self, entries: Sequence[HelpEntry], subject: str) -> None:
        self._entries = entries
        super().__init__(f"Help: {subject}", id="help")
        self.entitle(hint="made from the bindings   esc closes")

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """All sections."""
        return help_lines(self._entries, width, styles_of(self))


class HelpScreen(ModalScreen[None]):
    """Over the screen that it is about."""

    BINDINGS = [
        Binding(
            "escape,question_mark,f1,q", "close", "Close", id="help.close", tooltip="Close help"
        )
    ]

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        self._pane = HelpPane(help_entries(nodes_of(about)), subject_of(about))

    def compose(self) -> ComposeResult:
        """One pane."""
        yield self._pane

    def on_mount(self) -> None:
        """Keys scroll."""
        self._pane.focus()

    def action_close(self) -> None:
        """Back."""
        self.dismiss(None)
