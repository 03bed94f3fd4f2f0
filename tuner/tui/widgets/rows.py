"""A table of many rows: only what is seen is drawn, and what was drawn is remembered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.style import Style
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from tuner.tui.render.styles import Run
from tuner.tui.widgets.lines import StyledOnce, lit, strip_of, styles_of

REMEMBERED = 2000
MARK = "▌"


class RowTable(ScrollView, StyledOnce, can_focus=True):
    """A header that stays, rows below it, a cursor on one row. Rows are known by their keys."""

    DEFAULT_CSS = """
    RowTable { overflow-x: hidden; overflow-y: auto; scrollbar-size-vertical: 1; }
    """
    COMPONENT_CLASSES = {"rows--cursor", "rows--cursor-blurred", "rows--mark"}
    BINDINGS = [
        Binding("down,j", "cursor_by(1)", "Down", show=False, id="move.down", tooltip="Row below"),
        Binding("up,k", "cursor_by(-1)", "Up", show=False, id="move.up", tooltip="Row above"),
        Binding("g,home", "cursor_to(0)", "Top", show=False, id="move.top", tooltip="First row"),
        Binding("G,end", "cursor_to(-1)", "End", show=False, id="move.end", tooltip="Last row"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="move.pageup", tooltip="Page up"),
        Binding(
            "pagedown", "page(1)", "Page down", show=False, id="move.pagedown", tooltip="Page down"
        ),
    ]
    cursor: reactive[int] = reactive(0, repaint=False)

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
        self.heading = heading
        self.number = number
        self._strips: dict[tuple[Any, int], Strip] = {}
        self._highlighted: Any = None
        self._chosen = False
        self.entitle()

    def keys_in_order(self) -> Sequence[Any]:
        """The keys of all rows, in the order in which they are shown."""
        raise NotImplementedError

    def header_runs(self, width: int) -> Sequence[Run]:
        """The heads of the columns."""
        raise NotImplementedError

    def row_runs(self, key: Any, width: int) -> Sequence[Run]:
        """One row in at most `width` cells."""
        raise NotImplementedError

    def empty_lines(self) -> Sequence[str]:
        """What to say while there are no rows."""
        return ()

    def entitle(self, detail: str = "", hint: str | None = None) -> None:
        """The title in the border above, with a detail, and a hint in the border below."""
        number = "" if self.number is None else f"{self.number} "
        self.border_title = Content(f"{number}{self.heading}{'  ' if detail else ''}{detail}")
        if hint is not None:
            self.border_subtitle = Content(hint) if hint else None

    @property
    def room(self) -> int:
        """Cells across, beside the scrollbar."""
        return self.scrollable_content_region.width

    @property
    def selected(self) -> Any:
        """The key under the cursor, None without rows."""
        keys = self.keys_in_order()
        return keys[self.cursor] if self.cursor < len(keys) else None

    def forget(self, key: Any = None) -> None:
        """Draw a row, or all of them, anew."""
        if key is None:
            self._strips.clear()
        else:
            self._strips.pop((key, self.room), None)
        self.refresh()

    def rows_changed(self) -> None:
        """Rows came, went or moved: a cursor that was put on a row stays with it."""
        keys = self.keys_in_order()
        self.virtual_size = Size(self.room, len(keys) + 1)
        if self._chosen and self.selected != self._highlighted:
            self.select(self._highlighted)
        self.cursor = self.validate_cursor(self.cursor)
        self._announce(by_user=False)
        self.refresh()

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

    def validate_cursor(self, cursor: int) -> int:
        """The nearest row there is."""
        return max(0, min(cursor, len(self.keys_in_order()) - 1))

    def watch_cursor(self) -> None:
        """Keep the cursor's row in sight, below the header."""
        self.scroll_to_region(Region(0, self.cursor, 1, 2), animate=False, force=True)
        self.refresh()

    def _go(self, index: int, *, by_user: bool) -> None:
        self._chosen = True
        self.cursor = index
        self._announce(by_user=by_user)

    def _announce(self, *, by_user: bool) -> None:
        if self.selected != self._highlighted:
            self._highlighted = self.selected
            self.post_message(self.RowHighlighted(self, self.selected, by_user=by_user))

    def render_line(self, y: int) -> Strip:
        """The header, or the row that is seen at y."""
        width = self.room
        keys = self.keys_in_order()
        if not keys:
            return self._empty_line(y, width)
        if y == 0:
            return strip_of([(" ", Style.null()), *self.header_runs(width - 1)], width).apply_style(
                self.base_style
            )
        index = y - 1 + self.scroll_offset.y
        if index >= len(keys):
            return Strip.blank(width, self.base_style)
        strip = self._row_strip(keys[index], width)
        return self._under_cursor(strip) if index == self.cursor else strip

    def _row_strip(self, key: Any, width: int) -> Strip:
        remembered = self._strips.get((key, width))
        if remembered is None:
            if len(self._strips) > REMEMBERED:
                self._strips.clear()
            runs = [(" ", Style.null()), *self.row_runs(key, width - 1)]
            remembered = strip_of(runs, width).apply_style(self.base_style)
            self._strips[key, width] = remembered
        return remembered

    def _under_cursor(self, strip: Strip) -> Strip:
        name = "rows--cursor" if self.has_focus else "rows--cursor-blurred"
        look = self.get_component_rich_style(name, partial=True)
        mark = self.get_component_rich_style("rows--mark", partial=True)
        rest = lit(strip.crop(1).apply_style(Style.null()), look)
        return Strip.join([strip_of([(MARK, self.base_style + mark + look)], 1), rest])

    def _empty_line(self, y: int, width: int) -> Strip:
        texts = self.empty_lines()
        above = max((self.size.height - len(texts)) // 2, 0)
        if not above <= y < above + len(texts):
            return Strip.blank(width, self.base_style)
        styles = styles_of(self)
        style = styles.text if y == above else styles.muted
        text = texts[y - above].center(width)
        return strip_of([(text, style)], width).apply_style(self.base_style)

    def on_resize(self) -> None:
        """Everything depends on the width."""
        self._strips.clear()
        self.rows_changed()
        self.watch_cursor()

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        super().notify_style_update()
        self._strips.clear()

    def on_click(self, event: events.Click) -> None:
        """A click selects a row, a second one opens it; the header is for the heirs."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        if offset.y == 0:
            self.header_clicked(offset.x - 1)
            return
        index = offset.y - 1 + self.scroll_offset.y
        keys = self.keys_in_order()
        if index >= len(keys):
            return
        if index == self.cursor and event.chain >= 2:
            self.post_message(self.RowOpened(self, keys[index]))
        self._go(index, by_user=True)

    def header_clicked(self, x: int) -> None:
        """Somebody clicked into the header at this cell; nothing happens unless an heir says so."""

    def action_cursor_by(self, rows: int) -> None:
        """Move the cursor."""
        self._go(self.validate_cursor(self.cursor + rows), by_user=True)

    def action_cursor_to(self, index: int) -> None:
        """Go to a row, −1 is the last."""
        count = len(self.keys_in_order())
        self._go(self.validate_cursor(count - 1 if index < 0 else index), by_user=True)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self.action_cursor_by(pages * max(self.size.height - 2, 1))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Nothing can be opened where there are no rows."""
        return action != "open" or self.selected is not None

    def action_open(self) -> None:
        """Open the row under the cursor."""
        if self.selected is not None:
            self.post_message(self.RowOpened(self, self.selected))
