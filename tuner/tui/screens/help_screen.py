"""Help, made from the bindings themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rich.cells import cell_len
from textual import getters
from textual.app import ComposeResult
from textual.dom import DOMNode
from textual.screen import ModalScreen, Screen
from textual.widget import Widget

from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, wrap_at_spaces
from tuner.results.format import sanitize_text
from tuner.tui.screens.views_screen import ViewsScreen
from tuner.tui.shell.session_app import SessionApp
from tuner.tui.views.base_view import View
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.key_bar import display_of_key
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles

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
_KEY_WIDTH = 10
"""Cells of the keys before what they do."""
FILTERS = ("state:pruned", "accuracy>0.78", "lr.head<1e-3", "9,12", "!state:failed")


@dataclass(frozen=True)
class HelpEntry:
    """One action: its keys and what it does."""

    section: str
    keys: str
    text: str

    def matches_search(self, search_text: str) -> bool:
        """Return whether the entry contains this text, or is about exactly this key."""
        words = f"{SECTIONS.get(self.section, self.section)} {self.text}".casefold()
        return search_text in self.keys.casefold().split() or search_text in words


def collect_help_entries(nodes: Iterable[DOMNode]) -> list[HelpEntry]:
    """Return every binding of these nodes that has an id, once, with all its keys."""
    texts: dict[str, str] = {}
    keys: dict[str, list[str]] = {}
    for node in nodes:
        for pressed, binding in node._bindings:
            if binding.id is None or not (binding.tooltip or binding.description):
                continue
            name = binding.id.rstrip("0123456789")  # One line for all panes.
            texts.setdefault(name, binding.tooltip or binding.description)
            if display_of_key(pressed) not in keys.setdefault(name, []):
                keys[name].append(display_of_key(pressed))
    return [
        HelpEntry(name.split(".")[0], " ".join(keys[name]), text) for name, text in texts.items()
    ]


def nodes_with_bindings(screen: Screen[Any]) -> list[DOMNode]:
    """Return the app, the screen and what can have the focus in its current view, tabs included."""
    views = list(screen.query(View))
    hidden_views = {view for view in views if not view.display}
    focusable = [
        widget
        for widget in screen.walk_children(Widget)
        if widget.can_focus and not hidden_views.intersection(widget.ancestors)
    ]
    visible_views = [view for view in views if view.display]
    return [*screen.query("FilterBar"), *focusable, *visible_views, screen, screen.app]


def help_subject(screen: Screen[Any]) -> str:
    """Return what the help is about: the name of the current view, or of the screen."""
    if isinstance(screen, ViewsScreen):
        return screen.view_name
    return type(screen).__name__.removesuffix("Screen")


def draw_help_lines(entries: Sequence[HelpEntry], width: int, styles: Styles) -> Lines:
    """Draw the sections one below the other, in two columns where there is room."""
    column_width = (width - 2) // 2 if width >= 84 else width
    blocks = [
        _section_lines(name, entries, column_width, styles) for name in _present_sections(entries)
    ]
    blocks.append(_filter_example_lines(styles))
    if column_width == width:
        return _stack_blocks(blocks)
    left_column, right_column = _split_into_columns(blocks)
    return [
        _join_columns(left_column, right_column, row, column_width)
        for row in range(max(len(left_column), len(right_column)))
    ]


def _present_sections(entries: Sequence[HelpEntry]) -> list[str]:
    present = {entry.section for entry in entries}
    return [name for name in SECTIONS if name in present] + sorted(present - set(SECTIONS))


def _section_lines(name: str, entries: Sequence[HelpEntry], width: int, styles: Styles) -> Lines:
    lines: Lines = [[(SECTIONS.get(name, name.capitalize()), styles.heading)]]
    for entry in (entry for entry in entries if entry.section == name):
        texts = wrap_at_spaces(entry.text, width - _KEY_WIDTH - 2)
        keys = wrap_at_spaces(entry.keys, _KEY_WIDTH - 1)
        for key_part, text in zip_longest(keys, texts, fillvalue=""):
            lines.append(
                [("  " + fit_text(key_part, _KEY_WIDTH), styles.accent), (text, styles.text)]
            )
    return lines


def _filter_example_lines(styles: Styles) -> Lines:
    lines: Lines = [[("Filters", styles.heading)]]
    lines.append([("  " + "   ".join(FILTERS[:3]), styles.accent)])
    lines.append([("  " + "   ".join(FILTERS[3:]), styles.accent)])
    return [*lines, [("  a space means and, ! means not", styles.muted)]]


def _stack_blocks(blocks: Sequence[Lines]) -> Lines:
    return [line for block in blocks for line in (*block, [])][:-1]


def _split_into_columns(blocks: Sequence[Lines]) -> tuple[Lines, Lines]:
    total = sum(len(block) + 1 for block in blocks)
    left_blocks: list[Lines] = []
    height = 0
    for block in blocks:
        if height and height + len(block) / 2 > total / 2:
            break
        left_blocks.append(block)
        height += len(block) + 1
    return _stack_blocks(left_blocks), _stack_blocks(blocks[len(left_blocks) :])


def _join_columns(
    left_column: Lines, right_column: Lines, row: int, column_width: int
) -> list[TextRun]:
    runs = list(left_column[row]) if row < len(left_column) else []
    used = sum(cell_len(text) for text, _ in runs)
    gap: TextRun = (" " * (column_width - used + 2), runs[-1][1] if runs else right_column[0][0][1])
    return [*runs, gap, *(right_column[row] if row < len(right_column) else [])]


class HelpPane(Pane):
    def __init__(self, entries: Sequence[HelpEntry], subject: str) -> None:
        self._entries = entries
        self._search_text = ""
        super().__init__(f"Help: {subject}", id="help")
        self.set_border_text(hint="/ search   e edit keys   esc close")

    def filter_entries(self, search_text: str) -> None:
        """Show only the actions with this text in their keys or their description."""
        self._search_text = search_text.casefold().strip()
        self.set_border_text(f"/ {sanitize_text(search_text)}" if self._search_text else "")
        self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:
        """Draw all sections, or what the search matches."""
        styles = theme_styles(self)
        if not self._search_text:
            return draw_help_lines(self._entries, width, styles)
        matching_entries = [
            entry for entry in self._entries if entry.matches_search(self._search_text)
        ]
        if not matching_entries:
            return empty_state_lines(
                ("No key matches", "esc shows all again"), width, height, styles
            )
        return _stack_blocks(
            [
                _section_lines(name, matching_entries, width, styles)
                for name in _present_sections(matching_entries)
            ]
        )


class HelpScreen(ModalScreen[None]):
    """Help over the screen that it is about."""

    tuner_app = getters.app(SessionApp)
    BINDINGS = [
        key("escape,?,f1,q", "close", "help.close", "Close", "Close help"),
        key("/", "search", "help.search", "Search", "Search the keys"),
        key("e", "edit", "help.edit", "Edit keys", "Keys and theme in your editor"),
    ]

    def __init__(self, about: Screen[Any]) -> None:
        super().__init__()
        self._pane = HelpPane(collect_help_entries(nodes_with_bindings(about)), help_subject(about))

    def compose(self) -> ComposeResult:
        yield self._pane
        yield FilterBar("pause")

    def on_mount(self) -> None:
        self._pane.focus()

    def action_edit(self) -> None:
        """Open the user's settings in the user's editor and apply what was changed."""
        self.tuner_app.edit_settings()

    def action_search(self) -> None:
        self.query_one(FilterBar).open_for_typing()

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Search while typing."""
        self._pane.filter_entries(event.text)
        if event.is_closed:
            self._pane.focus()

    def action_close(self) -> None:
        """Show all keys again; without a search, close the help."""
        bar = self.query_one(FilterBar)
        if bar.filter_text:
            bar.clear_filter()
        else:
            self.dismiss(None)
