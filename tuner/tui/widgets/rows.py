"""A table of many rows: only what is seen is drawn, and what was drawn is remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from tuner.tui.render.styles import Run
from tuner.tui.widgets.cursor import CursorRows
from tuner.tui.widgets.lines import Framed, strip_of, styles_of

REMEMBERED = 2000


class RowTable(CursorRows, Framed):
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
            """The table."""
            return self.table

    class RowOpened(Message):
        """Enter or a second click on a row."""

        def __init__(self, table: RowTable, key: Any) -> None:
            super().__init__()
            self.table = table
            self.key = key

        @property
        def control(self) -> RowTable:
            """The table."""
            return self.table

    def __init__(self, heading: str, *, number: int | None = None, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.begin(heading, number)
        self._strips: dict[tuple[Any, int], Strip] = {}
        self._highlighted: Any = None
        self._chosen = False

    def keys_in_order(self) -> Sequence[Any]:
        """The keys of all rows, in the order in which they are shown."""
        raise NotImplementedError

    def row_count(self) -> int:
        """As many as keys."""
        return len(self.keys_in_order())

    def row_runs(self, key: Any, width: int) -> Sequence[Run]:
        """One row in at most `width` cells."""
        raise NotImplementedError

    def empty_lines(self) -> Sequence[str]:
        """What to say while there are no rows."""
        return ()

    @property
    def selected(self) -> Any:
        """The key under the cursor, None without rows."""
        keys = self.keys_in_order()
        return keys[self.cursor] if self.cursor < len(keys) else None

    def forget(self, keys: Iterable[Any] | None = None) -> None:
        """Draw some rows anew, or all of them."""
        if keys is None:
            self._strips.clear()
            self.refresh()
            return
        room, (width, height), above = self.room, self.size, self.scroll_offset.y
        for key in keys:
            self._strips.pop((key, room), None)
            place = self.place_of(key)
            line = -1 if place is None else place + 1 - above
            if 1 <= line < height:
                self.refresh(Region(0, line, width, 1))

    def rows_changed(self) -> None:
        """Rows came, went or moved: a cursor that was put on a row stays with it."""
        if self._chosen and self.selected != self._highlighted:
            self.select(self._highlighted)
        super().rows_changed()
        self._announce(by_user=False)

    def place_of(self, key: Any) -> int | None:
        """The place of a row among all rows, None where there is no such row."""
        try:
            return self.keys_in_order().index(key)
        except ValueError:
            return None

    def select(self, key: Any, *, by_user: bool = False) -> bool:
        """Put the cursor on a row; False where there is no such row."""
        index = self.place_of(key)
        if index is None:
            return False
        self._go(index, by_user=by_user)
        return True

    def go(self, index: int) -> None:
        """By a key or the mouse."""
        self._go(index, by_user=True)

    def _go(self, index: int, *, by_user: bool) -> None:
        self._chosen = True
        self.cursor = index
        self._announce(by_user=by_user)

    def _announce(self, *, by_user: bool) -> None:
        if self.selected != self._highlighted:
            self._highlighted = self.selected
            self.post_message(self.RowHighlighted(self, self.selected, by_user=by_user))

    def render_line(self, y: int) -> Strip:
        """A line of the table; where there are no rows, why."""
        return super().render_line(y) if self.row_count() else self._empty_line(y, self.room)

    def row_strip(self, index: int, width: int) -> Strip:
        """A row as it was drawn before."""
        key = self.keys_in_order()[index]
        remembered = self._strips.get((key, width))
        if remembered is None:
            if len(self._strips) > REMEMBERED:
                self._strips.clear()
            remembered = self._strips[key, width] = self.led(self.row_runs(key, width - 1), width)
        return remembered

    def _empty_line(self, y: int, width: int) -> Strip:
        texts = self.empty_lines()
        above = max((self.size.height - len(texts)) // 2, 0)
        if not above <= y < above + len(texts):
            return Strip.blank(width, self.base_style)
        styles = styles_of(self)
        style = styles.text if y == above else styles.muted
        text = texts[y - above].center(width)
        return strip_of([(text, style)], width).apply_style(self.base_style)

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        super().notify_style_update()
        self._strips.clear()

    def on_click(self, event: events.Click) -> None:
        """A click selects a row, a second one opens it; the header is for the heirs."""
        offset, index = event.get_content_offset(self), self.row_at(event)
        if offset is not None and offset.y == 0:
            self.header_clicked(offset.x - 1)
        elif index is not None:
            if index == self.cursor and event.chain >= 2:
                self.action_open()
            self.go(index)

    def header_clicked(self, x: int) -> None:
        """Somebody clicked into the header at this cell; nothing happens unless an heir says so."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Nothing can be opened where there are no rows."""
        return action != "open" or self.selected is not None

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.selected is not None:
            self.post_message(self.RowOpened(self, self.selected))
