"""Rows of one line each with a cursor on one of them: what tables and forms have in common."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuner.render.styles import TextRun
from tuner.tui.widgets.key_bindings import movement_keys
from tuner.tui.widgets.line_widgets import (
    CachedStyle,
    overlay_style,
    strip_from_runs,
    update_virtual_size,
)

CURSOR_MARK = "▌"


CURSOR_MOVES = (
    ("cursor_by(1)", "Row below"),
    ("cursor_by(-1)", "Row above"),
    ("cursor_to(0)", "First row"),
    ("cursor_to(-1)", "Last row"),
    ("page(-1)", "Page up"),
    ("page(1)", "Page down"),
)


class CursorRows(ScrollView, CachedStyle, can_focus=True):
    """Rows below `HEADER` lines that stay; only what is visible is drawn.

    A row begins with `LEAD` cells, in which the cursor shows; without any, the row alone shows it.
    """

    DEFAULT_CSS = """
    CursorRows {
        overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1;
        & > .rows--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        & > .rows--mark { color: $primary; text-style: bold; }
    }
    """
    COMPONENT_CLASSES = {"rows--cursor", "rows--cursor-blurred", "rows--mark"}
    BINDINGS = movement_keys(CURSOR_MOVES)
    HEADER = 1
    LEAD = 1
    cursor: reactive[int] = reactive(0, repaint=False)

    def row_count(self) -> int:
        raise NotImplementedError

    def header_runs(self, width: int) -> Sequence[TextRun]:  # noqa: ARG002
        return ()

    def strip_of_row(self, index: int, width: int) -> Strip:
        """Draw a row without its cursor, `width` cells wide."""
        raise NotImplementedError

    def strip_with_lead(self, runs: Sequence[TextRun], width: int) -> Strip:
        """Draw a line behind the cells of the cursor."""
        lead: list[TextRun] = [(" " * self.LEAD, Style.null())] if self.LEAD else []
        return strip_from_runs([*lead, *runs], width).apply_style(self.cached_style)

    @property
    def content_width(self) -> int:
        """Width in cells, without the scrollbar."""
        return self.scrollable_content_region.width

    def update_rows(self) -> None:
        """Adapt to rows that came, went or moved; the cursor stays on one."""
        update_virtual_size(self, Size(self.content_width, self.row_count() + self.HEADER))
        self.cursor = self.validate_cursor(self.cursor)
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        return max(0, min(cursor, self.row_count() - 1))

    def watch_cursor(self) -> None:
        self._scroll_to_cursor()

    def _scroll_to_cursor(self) -> None:
        region = Region(0, self.cursor, 1, 1 + self.HEADER)
        self.scroll_to_region(region, animate=False, force=True)
        self.refresh()

    def move_cursor_to(self, index: int) -> None:
        self.cursor = index

    def render_line(self, y: int) -> Strip:
        width = self.content_width
        if y < self.HEADER:
            return self.strip_with_lead(self.header_runs(width - self.LEAD), width)
        index = y - self.HEADER + self.scroll_offset.y
        if index >= self.row_count():
            return Strip.blank(width, self.cached_style)
        strip = self.strip_of_row(index, width)
        return self._strip_with_cursor(strip) if index == self.cursor else strip

    def _strip_with_cursor(self, strip: Strip) -> Strip:
        component = "rows--cursor" if self.has_focus else "rows--cursor-blurred"
        cursor_style = self.get_component_rich_style(component, partial=True)
        if not self.LEAD:
            return overlay_style(strip, cursor_style)
        mark_style = self.get_component_rich_style("rows--mark", partial=True)
        mark = (CURSOR_MARK, self.cached_style + mark_style + cursor_style)
        content = overlay_style(strip.crop(1).apply_style(Style.null()), cursor_style)
        return Strip.join([strip_from_runs([mark], 1), content])

    def on_resize(self) -> None:
        self.update_rows()
        self._scroll_to_cursor()

    def row_under_mouse(self, event: events.MouseEvent) -> int | None:
        """Return the index of the row under the mouse, None where there is none."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < self.HEADER:
            return None
        index = offset.y - self.HEADER + self.scroll_offset.y
        return index if index < self.row_count() else None

    def action_cursor_by(self, rows: int) -> None:
        self.move_cursor_to(self.validate_cursor(self.cursor + rows))

    def action_cursor_to(self, index: int) -> None:
        """Go to a row; -1 is the last one."""
        self.move_cursor_to(self.validate_cursor(self.row_count() - 1 if index < 0 else index))

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self.action_cursor_by(pages * max(self.size.height - self.HEADER - 1, 1))
