"""A list of one-line rows with a cursor: what the forms and the group editor have in common."""

from __future__ import annotations

from collections.abc import Sequence

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

Run = tuple[str, Style]
"""A piece of one line and how it looks; the text is never read as markup."""

CURSOR_MARK = "▌ "
NO_MARK = "  "


class RowList(ScrollView, can_focus=True):
    """Draws only the lines that are seen. Heirs say how many rows there are and what is in one.

    The first `header_lines` lines stay in place while the rows scroll.
    """

    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        & > .rows--muted { color: $text-muted; }
        & > .rows--faint { color: $foreground 35%; }
        & > .rows--header { color: $text-muted; text-style: bold; }
        & > .rows--cursor { text-style: bold; }
        & > .rows--mark { color: $primary; }
        & > .rows--value { color: $text-accent; }
        & > .rows--searched { color: $text-success; }
        & > .rows--good { color: $text-accent; text-style: bold; }
        & > .rows--warning { color: $text-warning; }
        &:focus > .rows--cursor { background: $block-cursor-blurred-background; text-style: bold; }
    }
    """
    COMPONENT_CLASSES = {
        "rows--muted",
        "rows--faint",
        "rows--header",
        "rows--cursor",
        "rows--mark",
        "rows--value",
        "rows--searched",
        "rows--good",
        "rows--warning",
    }
    BINDINGS = [
        Binding("up,k", "cursor(-1)", "Up", id="move.up", show=False, tooltip="The row above"),
        Binding("down,j", "cursor(1)", "Down", id="move.down", show=False, tooltip="The row below"),
        Binding("home", "cursor(-9999)", "First", id="move.top", show=False, tooltip="First row"),
        Binding("end,G", "cursor(9999)", "Last", id="move.end", show=False, tooltip="Last row"),
        Binding("pageup", "page(-1)", "Page up", id="move.pageup", show=False, tooltip="Page up"),
        Binding("pagedown", "page(1)", "Page down", id="move.pagedown", show=False, tooltip="Page"),
    ]

    header_lines = 0
    cursor: reactive[int] = reactive(0, repaint=True)

    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def row_runs(self, index: int, width: int) -> Sequence[Run]:
        """One row without its cursor mark, in at most `width` cells."""
        raise NotImplementedError

    def header_runs(self, line: int, width: int) -> Sequence[Run]:
        """One line of the header; none unless `header_lines` says so."""
        raise NotImplementedError

    def rows_changed(self) -> None:
        """To be called when rows were added, removed or changed: keeps the cursor on a row."""
        self.virtual_size = Size(self.room, self.header_lines + self.row_count())
        self.cursor = self.validate_cursor(self.cursor)
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """The nearest row that exists."""
        return max(0, min(cursor, self.row_count() - 1))

    def watch_cursor(self, cursor: int) -> None:
        """The cursor's row is in sight."""
        line = cursor + self.header_lines
        self.scroll_to_region(
            Region(0, line - self.header_lines, 1, 1 + self.header_lines), animate=False
        )

    def look(self, name: str) -> Style:
        """The style of a role: muted, faint, header, mark, value, searched, good, warning …"""
        return self.get_component_rich_style(f"rows--{name}", partial=True)

    @property
    def room(self) -> int:
        """Cells across, beside the scrollbar."""
        return self.scrollable_content_region.width

    def render_line(self, y: int) -> Strip:
        """One line of the widget, cursor and all."""
        width = self.room
        if y < self.header_lines:
            return self._strip([(NO_MARK, Style.null()), *self.header_runs(y, width - 2)], width)
        index = y - self.header_lines + self.scroll_offset.y
        if index >= self.row_count():
            return Strip.blank(width, self.rich_style)
        if index != self.cursor:
            return self._strip([(NO_MARK, Style.null()), *self.row_runs(index, width - 2)], width)
        mark = self.look("mark" if self.has_focus else "faint")
        marked = [(CURSOR_MARK, mark), *self.row_runs(index, width - 2)]
        return self._strip(marked, width, self.look("cursor"))

    def _strip(self, runs: Sequence[Run], width: int, over: Style | None = None) -> Strip:
        strip = Strip([Segment(text, style) for text, style in runs]).adjust_cell_length(width)
        base = self.rich_style if over is None else self.rich_style + over
        return strip.apply_style(base)

    def on_resize(self) -> None:
        """The rows are as wide as the widget."""
        self.rows_changed()

    def action_cursor(self, by: int) -> None:
        """Moves the cursor by so many rows."""
        self.cursor += by

    def action_page(self, pages: int) -> None:
        """Moves the cursor by a screenful."""
        self.cursor += pages * max(1, self.size.height - self.header_lines - 1)

    def row_at(self, event: events.MouseEvent) -> int | None:
        """The row under the mouse."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.header_lines:
            return None
        index = offset.y - self.header_lines + self.scroll_offset.y
        return index if index < self.row_count() else None

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click selects the row."""
        index = self.row_at(event)
        if index is not None:
            self.cursor = index

    def cursor_line(self) -> int:
        """Where the cursor's row is drawn, counted from the widget's top."""
        return self.cursor + self.header_lines - self.scroll_offset.y
