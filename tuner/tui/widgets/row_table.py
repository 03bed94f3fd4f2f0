"""A table of many rows: only what is seen is drawn, and what was drawn is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tuner.render.styles import TextRun
from tuner.tui.widgets.cursor_rows import CursorRows
from tuner.tui.widgets.line_widgets import (
    TitledFrame,
    empty_state_lines,
    strip_from_runs,
    theme_styles,
)

CACHED_STRIPS = 2000


class RowTable(CursorRows, TitledFrame):
    """A header that stays, rows below it, a cursor on one row. Rows are known by their keys."""

    DEFAULT_CSS = """
    RowTable > .rows--cursor-blurred { background: $block-cursor-blurred-background; }
    """

    class RowHighlighted(Message):
        """The cursor came to another row; `key` is None where there are no rows."""

        def __init__(self, table: RowTable, key: Any, *, by_user: bool) -> None:
            super().__init__()
            self.table = table
            self.key = key
            self.by_user = by_user

        @property
        def control(self) -> RowTable:
            return self.table

    class RowOpened(Message):
        """Enter, or a second click on a row."""

        def __init__(self, table: RowTable, key: Any) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> RowTable:
            return self.table

    def __init__(self, heading: str, *, number: int | None = None, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.set_heading(heading, number)
        self._cached_strips: dict[tuple[Any, int], Strip] = {}
        self._highlighted_key: Any = None
        self._is_cursor_placed = False

    def keys_in_order(self) -> Sequence[Any]:
        """Return the keys of all rows, in the order in which they are shown."""
        raise NotImplementedError

    def row_count(self) -> int:
        return len(self.keys_in_order())

    def runs_of_row(self, key: Any, width: int) -> Sequence[TextRun]:
        """Draw a row in at most `width` cells."""
        raise NotImplementedError

    def empty_state_texts(self) -> Sequence[str]:
        """Return what to say while there are no rows."""
        return ()

    @property
    def selected_key(self) -> Any:
        """The key under the cursor, None without rows."""
        keys = self.keys_in_order()
        return keys[self.cursor] if self.cursor < len(keys) else None

    def redraw_rows(self, keys: Iterable[Any] | None = None) -> None:
        """Draw some rows anew, or all of them."""
        if keys is None:
            self._cached_strips.clear()
            self.refresh()
            return
        width, height = self.size
        for key in keys:
            self._cached_strips.pop((key, self.content_width), None)
            index = self.index_of_key(key)
            screen_line = -1 if index is None else index + self.HEADER - self.scroll_offset.y
            if self.HEADER <= screen_line < height:
                self.refresh(Region(0, screen_line, width, 1))

    def update_rows(self) -> None:
        """Adapt to rows that came, went or moved; a cursor that was put on a row stays with it."""
        if self._is_cursor_placed and self.selected_key != self._highlighted_key:
            self.select_key(self._highlighted_key)
        super().update_rows()
        self._post_highlighted(by_user=False)

    def index_of_key(self, key: Any) -> int | None:
        """Return the index of a row among all rows, None where there is no such row."""
        try:
            return self.keys_in_order().index(key)
        except ValueError:
            return None

    def select_key(self, key: Any, *, by_user: bool = False) -> bool:
        """Put the cursor on a row; return False where there is no such row."""
        index = self.index_of_key(key)
        if index is None:
            return False
        self._place_cursor(index, by_user=by_user)
        return True

    def move_cursor_to(self, index: int) -> None:
        """Move the cursor by a key or the mouse."""
        self._place_cursor(index, by_user=True)

    def _place_cursor(self, index: int, *, by_user: bool) -> None:
        self._is_cursor_placed = True
        self.cursor = index
        self._post_highlighted(by_user=by_user)

    def _post_highlighted(self, *, by_user: bool) -> None:
        if self.selected_key != self._highlighted_key:
            self._highlighted_key = self.selected_key
            self.post_message(self.RowHighlighted(self, self.selected_key, by_user=by_user))

    def render_line(self, y: int) -> Strip:
        return super().render_line(y) if self.row_count() else self._draw_empty_line(y)

    def strip_of_row(self, index: int, width: int) -> Strip:
        key = self.keys_in_order()[index]
        cached = self._cached_strips.get((key, width))
        if cached is None:
            if len(self._cached_strips) > CACHED_STRIPS:
                self._cached_strips.clear()
            cached = self._cached_strips[key, width] = self.strip_with_lead(
                self.runs_of_row(key, width - self.LEAD), width
            )
        return cached

    def _draw_empty_line(self, y: int) -> Strip:
        width, texts = self.content_width, self.empty_state_texts()
        lines = empty_state_lines(texts, width, self.size.height, theme_styles(self))
        runs = lines[y] if y < len(lines) else []
        return strip_from_runs(runs, width).apply_style(self.cached_style)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._cached_strips.clear()

    def on_click(self, event: events.Click) -> None:
        """Select a row, or open it on the second click; the header is for subclasses."""
        offset, index = event.get_content_offset(self), self.row_under_mouse(event)
        if offset is not None and offset.y < self.HEADER:
            self.handle_header_click(offset.x - self.LEAD)
        elif index is not None:
            if index == self.cursor and event.chain >= 2:
                self.action_open()
            self.move_cursor_to(index)

    def handle_header_click(self, x: int) -> None:
        """React to a click into the header at the cell `x`, in subclasses that do."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Offer nothing to open where there are no rows."""
        return action != "open" or self.selected_key is not None

    def action_open(self) -> None:
        if self.selected_key is not None:
            self.post_message(self.RowOpened(self, self.selected_key))
