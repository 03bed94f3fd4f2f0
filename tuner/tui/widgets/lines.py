"""Widgets that draw themselves line by line, from runs, and remember what they drew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len
from rich.style import Style
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tuner.tui.render.lined import Lines
from tuner.tui.render.names import wrapped
from tuner.tui.render.styles import Run, Styles, as_segments

if TYPE_CHECKING:
    from tuner.tui.app import TunerApp


def styles_of(widget: Widget) -> Styles:
    """The styles of the theme that is on."""
    return cast("TunerApp", widget.app).styles_by_role


def strip_of(runs: Sequence[Run], width: int) -> Strip:
    """Runs as a strip of exactly `width` cells."""
    return Strip(as_segments(runs)).adjust_cell_length(width)


def lit(strip: Strip, look: Style) -> Strip:
    """A strip with a cursor's look on top of its own."""
    return Strip([segment._replace(style=(segment.style or Style()) + look) for segment in strip])


class StyledOnce(Widget):
    """Remembers its own style: working it out costs more than drawing a line."""

    _base: Style | None = None

    @property
    def base_style(self) -> Style:
        """`rich_style`, worked out anew only when a style changed."""
        if self._base is None:
            self._base = self.rich_style
        return self._base

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        super().notify_style_update()
        self._base = None


class LineBar(StyledOnce):
    """One or a few lines that are drawn anew whenever `redraw` is called."""

    def lines(self, width: int, height: int) -> Lines:
        """What to show in width × height cells."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Forget what was drawn."""
        self._drawn: list[Strip] | None = None
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """A line from memory, drawn first where nothing is remembered."""
        width, height = self.size
        drawn: list[Strip] | None = getattr(self, "_drawn", None)
        if drawn is None:
            drawn = self._drawn = [strip_of(runs, width) for runs in self.lines(width, height)]
        if y >= len(drawn):
            return Strip.blank(width, self.base_style)
        return drawn[y].apply_style(self.base_style)

    def on_resize(self) -> None:
        """Everything depends on the width."""
        self.redraw()

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        super().notify_style_update()
        self._drawn = None


class Pane(ScrollView, StyledOnce, can_focus=True):
    """A bordered, numbered, scrollable pane. Heirs give its lines, or say what will be there."""

    BINDINGS = [
        Binding("down,j", "scroll_down", "Down", show=False, id="move.down", tooltip="Line down"),
        Binding("up,k", "scroll_up", "Up", show=False, id="move.up", tooltip="Line up"),
        Binding("g,home", "scroll_home", "Top", show=False, id="move.top", tooltip="To the top"),
        Binding("G,end", "scroll_end", "End", show=False, id="move.end", tooltip="To the end"),
        Binding("pageup", "page_up", "Page up", show=False, id="move.pageup", tooltip="Page up"),
        Binding(
            "pagedown",
            "page_down",
            "Page down",
            show=False,
            id="move.pagedown",
            tooltip="Page down",
        ),
    ]

    def __init__(self, heading: str, *, number: int | None = None, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self.number = number
        self.heading = heading
        self._drawn: list[Strip] | None = None
        self._drawn_for = 0
        self.entitle()

    def lines(self, width: int, height: int) -> Lines:
        """What to show in a width of cells; may be higher than the pane."""
        raise NotImplementedError

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

    def redraw(self) -> None:
        """Forget what was drawn and draw what is seen."""
        self._drawn = None
        self.refresh()
        if self.is_mounted and self.size.width:
            self._measure()

    def line_count(self) -> int:
        """How many lines there are."""
        return len(self._remembered())

    def strip(self, index: int, width: int) -> Strip:
        """One line of all of them."""
        drawn = self._remembered()
        return drawn[index] if index < len(drawn) else Strip.blank(width)

    def render_line(self, y: int) -> Strip:
        """The line that is seen at y."""
        width = self.room
        index = y + self.scroll_offset.y
        if index >= self.line_count():
            return Strip.blank(width, self.base_style)
        return self.strip(index, width).apply_style(self.base_style)

    def _remembered(self) -> list[Strip]:
        width, height = self.room, self.size.height
        if self._drawn is None or self._drawn_for != width:
            self._drawn = [strip_of(runs, width) for runs in self.lines(width, height)]
            self._drawn_for = width
            self.call_later(self._measure)
        return self._drawn

    def _measure(self) -> None:
        self.virtual_size = Size(self.room, self.line_count())

    def on_resize(self) -> None:
        """Everything depends on the width."""
        self.redraw()

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        super().notify_style_update()
        self._drawn = None


def centred(texts: Sequence[str], width: int, height: int, styles: Styles) -> Lines:
    """An empty state: the first line says what will be here, the rest what to do."""
    folded = [
        (line, styles.muted if index else styles.text)
        for index, text in enumerate(texts)
        for line in wrapped(text, max(width - 2, 1))
    ]
    lines: Lines = [[] for _ in range(max((height - len(folded)) // 2, 0))]
    for line, style in folded:
        lines.append([(" " * max((width - cell_len(line)) // 2, 0) + line, style)])
    return lines
