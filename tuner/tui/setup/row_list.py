"""Rows without a border of their own, redrawn each time: the forms and the group editor."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.message import Message
from textual.strip import Strip

from tuner.render.styles import TextRun
from tuner.tui.widgets.cursor_rows import CursorRows


class InputRefused(Message):
    """A key has no effect here, or what was typed is not valid.

    `reason` is one line, "" once the text is being corrected.
    """

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class RowList(CursorRows):
    """Subclasses say how many rows there are and draw one."""

    DEFAULT_CSS = """
    RowList {
        height: 1fr;
        & > .rows--cursor-blurred { text-style: bold; }
    }
    """
    LEAD = 2

    def runs_of_row(self, index: int, width: int) -> Sequence[TextRun]:
        """Draw one row without its cursor, in at most `width` cells."""
        raise NotImplementedError

    def strip_of_row(self, index: int, width: int) -> Strip:
        return self.strip_with_lead(self.runs_of_row(index, width - self.LEAD), width)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        index = self.row_under_mouse(event)
        if index is not None:
            self.move_cursor_to(index)

    def line_of_cursor(self) -> int:
        """Return the line of the cursor's row, counted from the widget's top."""
        return self.cursor + self.HEADER - self.scroll_offset.y
