"""Widgets that draw themselves line by line, from runs, and remember what they drew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
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


def measure(widget: ScrollView, content: Size) -> None:
    """Say how large the content is: the screen is laid out anew only where a scrollbar comes or
    goes.
    """
    overflows = content.height > widget.size.height
    if overflows != widget.show_vertical_scrollbar:
        widget.virtual_size = content
        return
    widget.set_reactive(ScrollView.virtual_size, content)
    if overflows:
        widget.vertical_scrollbar.window_virtual_size = content.height
        widget.scroll_y = widget.validate_scroll_y(widget.scroll_y)


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
        """Draw anew; nothing is painted where it says the same."""
        before: list[Strip] | None = getattr(self, "_drawn", None)
        self._drawn = self._strips() if before and self.size.width else None
        if self._drawn is None or self._drawn != before:
            self.refresh()

    def _strips(self) -> list[Strip]:
        width, height = self.size
        return [strip_of(runs, width) for runs in self.lines(width, height)]

    def render_line(self, y: int) -> Strip:
        """A line from memory, drawn first where nothing is remembered."""
        drawn: list[Strip] | None = getattr(self, "_drawn", None)
        if drawn is None:
            drawn = self._drawn = self._strips()
        if y >= len(drawn):
            return Strip.blank(self.size.width, self.base_style)
        return drawn[y].apply_style(self.base_style)

    def on_resize(self) -> None:
        """Everything depends on the width."""
        self.redraw()

    def notify_style_update(self) -> None:
        """Another theme, other colours."""
        super().notify_style_update()
        self._drawn = None


class Framed(Widget):
    """A border with a number, a title, a detail and a hint. A second click on the title zooms."""

    def begin(self, heading: str, number: int | None) -> None:
        """The title as it is at first."""
        self.heading, self.number = heading, number
        self.entitle()

    def entitle(self, detail: str = "", hint: str | None = None) -> None:
        """The title in the border above, with a detail, and a hint in the border below."""
        number = "" if self.number is None else f"{self.number} "
        self.border_title = Content(f"{number}{self.heading}{'  ' if detail else ''}{detail}")
        if hint is not None:
            self.border_subtitle = Content(hint) if hint else None

    def on_click(self, event: events.Click) -> None:
        """The first click has given the focus."""
        if event.chain == 2 and event.y == 0 and event.get_content_offset(self) is None:
            self.call_next(self.run_action, "screen.zoom")


def scrolls(*, letters: bool = True) -> list[BindingType]:
    """The keys that scroll; without the letters where j and k mean something else."""
    j, k = (",j", ",k") if letters else ("", "")
    told = (
        (f"down{j}", "scroll_down", "move.down", "Line down"),
        (f"up{k}", "scroll_up", "move.up", "Line up"),
        ("g,home", "scroll_home", "move.top", "To the top"),
        ("G,end", "scroll_end", "move.end", "To the end"),
        ("pageup", "page_up", "move.pageup", "Page up"),
        ("pagedown", "page_down", "move.pagedown", "Page down"),
    )
    return [
        Binding(key, action, text, show=False, id=name, tooltip=text)
        for key, action, name, text in told
    ]


class Pane(ScrollView, StyledOnce, Framed, can_focus=True):
    """A bordered, numbered, scrollable pane. Heirs give its lines, or say what will be there.

    FILLS: it is as high as its room, and drawn once for a frame, whatever calls for it before.
    """

    FILLS: ClassVar[bool] = False
    BINDINGS = scrolls()

    def __init__(self, heading: str, *, number: int | None = None, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._drawn: list[Strip] | None = None
        self._drawn_for: object = None
        self.begin(heading, number)

    def lines(self, width: int, height: int) -> Lines:
        """What to show in a width of cells; may be higher than the pane."""
        raise NotImplementedError

    @property
    def room(self) -> int:
        """Cells across, beside the scrollbar."""
        return self.scrollable_content_region.width

    def describe(self) -> None:
        """Say in the border what is drawn, and which keys there are."""

    def redraw(self) -> None:
        """Forget what was drawn and draw what is seen."""
        self.describe()
        self._drawn = None
        self.refresh()
        if self.is_mounted and self.size.width and not self.FILLS:
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
        basis = self._basis
        if self._drawn is None or self._drawn_for != basis:
            width, height, _ = self._drawn_for = basis
            self._drawn = [strip_of(runs, width) for runs in self.lines(width, height)]
            self.call_later(self._measure)
        return self._drawn

    @property
    def _basis(self) -> tuple[int, int, Styles]:
        """What is drawn is the same where the size and the colours are."""
        return self.room, self.size.height, styles_of(self)

    def _measure(self) -> None:
        measure(self, Size(self.room, self.line_count()))

    def on_resize(self) -> None:
        """Another size; it may be painted in it already."""
        self.describe()
        if self._drawn_for != self._basis:
            self.redraw()


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
