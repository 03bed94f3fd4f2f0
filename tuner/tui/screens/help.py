"""Help, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, cast

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import Binding
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from tuner.results.format import plain
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit, wrapped
from tuner.tui.render.styles import Run, Styles
from tuner.tui.views.base import View
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.keybar import key_text
from tuner.tui.widgets.lines import Pane, centred, styles_of

if TYPE_CHECKING:
    from tuner.tui.app import TunerApp

SECTIONS = {
    "session": "Session",
    "sessions": "Sessions",
    "trial": "Trial",
    "trials": "Trials",
    "curves": "Curves",
    "confusion": "Confusion",
    "history": "History",
    "parallel": "Parallel coordinates",
    "slice": "Slice and heat map",
    "analysis": "Analysis",
    "compare": "Compare",
    "row": "Row",
    "move": "Move",
    "view": "Views and panes",
    "filter": "Filter",
    "app": "Anywhere",
}
_KEYS = 10
"""Cells of the keys before what they do."""
FILTERS = ("state:pruned", "accuracy>0.78", "lr.head<1e-3", "9,12", "!state:failed")


@dataclass(frozen=True)
class HelpEntry:
    """One action: its keys and what it does."""

    section: str
    keys: str
    text: str

    def has(self, wanted: str) -> bool:
        """Whether it is about these words, or this very key."""
        words = f"{SECTIONS.get(self.section, self.section)} {self.text}".casefold()
        return wanted in self.keys.casefold().split() or wanted in words


def help_entries(nodes: Iterable[DOMNode]) -> list[HelpEntry]:
    """Every binding with an id of these nodes, once, its keys together."""
    texts: dict[str, str] = {}
    keys: dict[str, list[str]] = {}
    for node in nodes:
        for key, binding in node._bindings:
            if binding.id is None or not (binding.tooltip or binding.description):
                continue
            name = binding.id.rstrip("0123456789")  # One line for all panes.
            texts.setdefault(name, binding.tooltip or binding.description)
            if key_text(key) not in keys.setdefault(name, []):
                keys[name].append(key_text(key))
    return [
        HelpEntry(name.split(".")[0], " ".join(keys[name]), text) for name, text in texts.items()
    ]


def nodes_of(screen: Screen[Any]) -> list[DOMNode]:
    """The screen, what can have the focus in the view that shows, tabs too, and the app."""
    views = list(screen.query(View))
    hidden = {view for view in views if not view.display}
    focusable = [
        widget
        for widget in screen.walk_children(Widget)
        if widget.can_focus and not hidden.intersection(widget.ancestors)
    ]
    shown = [view for view in views if view.display]
    return [*screen.query("FilterBar"), *focusable, *shown, screen, screen.app]


def subject_of(screen: Screen[Any]) -> str:
    """What help is about: the view that shows, or the screen."""
    shown = getattr(screen, "view_name", "")
    return shown or type(screen).__name__.removesuffix("Screen")


def help_lines(entries: Sequence[HelpEntry], width: int, styles: Styles) -> Lines:
    """Sections one below the other, in two columns where there is room."""
    half = (width - 2) // 2 if width >= 84 else width
    blocks = [_section(name, entries, half, styles) for name in _sections(entries)]
    blocks.append(_filters(styles))
    if half == width:
        return _stacked(blocks)
    left, right = _halves(blocks)
    return [_pair(left, right, row, half) for row in range(max(len(left), len(right)))]


def _sections(entries: Sequence[HelpEntry]) -> list[str]:
    found = {entry.section for entry in entries}
    return [name for name in SECTIONS if name in found] + sorted(found - set(SECTIONS))


def _section(name: str, entries: Sequence[HelpEntry], width: int, styles: Styles) -> Lines:
    lines: Lines = [[(SECTIONS.get(name, name.capitalize()), styles.heading)]]
    for entry in (entry for entry in entries if entry.section == name):
        texts = wrapped(entry.text, width - _KEYS - 2)
        keys = wrapped(entry.keys, _KEYS - 1)
        for key, text in zip_longest(keys, texts, fillvalue=""):
            lines.append([("  " + fit(key, _KEYS), styles.accent), (text, styles.text)])
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
    gap: Run = (" " * (half - used + 2), runs[-1][1] if runs else right[0][0][1])
    return [*runs, gap, *(right[row] if row < len(right) else [])]


class HelpPane(Pane):
    """The text."""

    def __init__(self, entries: Sequence[HelpEntry], subject: str) -> None:
        self._entries = entries
        self._wanted = ""
        super().__init__(f"Help: {subject}", id="help")
        self.entitle(hint="made from the bindings   / search   e edit keys   esc closes")

    def narrow(self, wanted: str) -> None:
        """Show only the actions with these words in their keys or their text."""
        self._wanted = wanted.casefold().strip()
        self.entitle(f"/ {plain(wanted)}" if self._wanted else "")
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """All sections, or what was searched for."""
        styles = styles_of(self)
        if not self._wanted:
            return help_lines(self._entries, width, styles)
        found = [entry for entry in self._entries if entry.has(self._wanted)]
        if not found:
            return centred(("no key here does that", "esc shows all again"), width, height, styles)
        return _stacked([_section(name, found, width, styles) for name in _sections(found)])


class HelpScreen(ModalScreen[None]):
    """Over the screen that it is about."""

    BINDINGS = [
        Binding(
            "escape,question_mark,f1,q", "close", "Close", id="help.close", tooltip="Close help"
        ),
        Binding("slash", "search", "Search", id="help.search", tooltip="Search the keys"),
        Binding("e", "edit", "Edit keys", id="help.edit", tooltip="Keys and theme in your editor"),
    ]

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        self._pane = HelpPane(help_entries(nodes_of(about)), subject_of(about))

    def compose(self) -> ComposeResult:
        """One pane, and the line to search with."""
        yield self._pane
        yield FilterBar("pause")

    def on_mount(self) -> None:
        """Keys scroll."""
        self._pane.focus()

    def action_edit(self) -> None:
        """The user's settings in the user's editor; what was changed holds at once."""
        cast("TunerApp", self.app).edit_settings()

    def action_search(self) -> None:
        """Open the line."""
        self.query_one(FilterBar).open()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Live."""
        self._pane.narrow(event.text)
        if event.closed:
            self._pane.focus()

    def action_close(self) -> None:
        """All keys again, or back."""
        bar = self.query_one(FilterBar)
        if bar.text:
            bar.clear()
        else:
            self.dismiss(None)
