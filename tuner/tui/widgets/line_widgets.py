"""Widgets that draw themselves line by line, from runs, and remember what they drew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.style import Style
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun, runs_to_segments
from tuner.render.text_fitting import wrap_at_spaces
from tuner.tui.shell.styled_app import StyledApp
from tuner.tui.widgets.key_bindings import movement_keys


def theme_styles(widget: Widget) -> Styles:
    app = widget.app
    assert isinstance(app, StyledApp)
    return app.styles_by_role


def strip_from_runs(runs: Sequence[TextRun], width: int) -> Strip:
    """Return runs as a strip of exactly `width` cells."""
    return Strip(runs_to_segments(runs)).adjust_cell_length(width)


def overlay_style(strip: Strip, style: Style) -> Strip:
    """Return a strip with a style on top of its own."""
    return Strip([segment._replace(style=(segment.style or Style()) + style) for segment in strip])


def update_virtual_size(widget: ScrollView, content_size: Size) -> None:
    """Set the content's size; the screen is laid out anew only where a scrollbar comes or goes."""
    overflows = content_size.height > widget.size.height
    if overflows != widget.show_vertical_scrollbar:
        widget.virtual_size = content_size
        return
    widget.set_reactive(ScrollView.virtual_size, content_size)
    if overflows:
        widget.vertical_scrollbar.window_virtual_size = content_size.height
        widget.scroll_y = widget.validate_scroll_y(widget.scroll_y)


class CachedStyle(Widget):
    """A widget that remembers its own style: computing it costs more than drawing a line."""

    _cached_style: Style | None = None

    @property
    def cached_style(self) -> Style:
        """`rich_style`, computed anew only when a style changed."""
        if self._cached_style is None:
            self._cached_style = self.rich_style
        return self._cached_style

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._cached_style = None


class LineBar(CachedStyle):
    """One or a few lines that are drawn anew on request."""

    def content_lines(self, width: int, height: int) -> Lines:
        """Return what to show in width × height cells."""
        raise NotImplementedError

    def redraw_content(self) -> None:
        """Draw anew; nothing is painted where it says the same."""
        previous: list[Strip] | None = getattr(self, "_drawn", None)
        self._drawn = self._draw_strips() if previous and self.size.width else None
        if self._drawn is None or self._drawn != previous:
            self.refresh()

    def _draw_strips(self) -> list[Strip]:
        width, height = self.size
        return [strip_from_runs(runs, width) for runs in self.content_lines(width, height)]

    def render_line(self, y: int) -> Strip:
        strips: list[Strip] | None = getattr(self, "_drawn", None)
        if strips is None:
            strips = self._drawn = self._draw_strips()
        if y >= len(strips):
            return Strip.blank(self.size.width, self.cached_style)
        return strips[y].apply_style(self.cached_style)

    def on_resize(self) -> None:
        self.redraw_content()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn = None


class TitledFrame(Widget):
    """A border with a number, a title, a detail and a hint. A second click on the title zooms."""

    def set_heading(self, heading: str, number: int | None) -> None:
        self.heading, self.number = heading, number
        self.set_border_text()

    def set_border_text(self, detail: str = "", hint: str | None = None) -> None:
        """Write the title and a detail into the upper border, a hint into the lower one.

        Without a hint, the one that is there stays; "" removes it.
        """
        number = "" if self.number is None else f"{self.number} "
        self.border_title = Content(f"{number}{self.heading}{'  ' if detail else ''}{detail}")
        if hint is not None:
            self.border_subtitle = Content(hint) if hint else None

    def on_click(self, event: events.Click) -> None:
        """Zoom on the second click on the title; the first one has given the focus."""
        if event.chain == 2 and event.y == 0 and event.get_content_offset(self) is None:
            self.call_next(self.run_action, "screen.zoom")


SCROLL_MOVES = (
    ("scroll_down", "Line down"),
    ("scroll_up", "Line up"),
    ("scroll_home", "To the top"),
    ("scroll_end", "To the end"),
    ("page_up", "Page up"),
    ("page_down", "Page down"),
)


class Pane(ScrollView, CachedStyle, TitledFrame, can_focus=True):
    """A bordered, numbered, scrollable pane. Subclasses give its lines, or say what will be there.

    FILLS: it is as high as its room, and drawn once for a frame, whatever calls for it before.
    """

    FILLS: ClassVar[bool] = False
    BINDINGS = movement_keys(SCROLL_MOVES)

    def __init__(self, heading: str, *, number: int | None = None, id: str | None = None) -> None:
        super().__init__(id=id, classes="pane")
        self._cached_strips: list[Strip] | None = None
        self._cached_for: object = None
        self.set_heading(heading, number)

    def content_lines(self, width: int, height: int) -> Lines:
        """Return what to show in a width of cells; may be higher than the pane."""
        raise NotImplementedError

    @property
    def content_width(self) -> int:
        """Width in cells, without the scrollbar."""
        return self.scrollable_content_region.width

    def update_border_text(self) -> None:
        """Say in the border what is drawn, and which keys there are."""

    def redraw_content(self) -> None:
        """Forget what was drawn and draw what is visible."""
        self.update_border_text()
        self._cached_strips = None
        self.refresh()
        if self.is_mounted and self.size.width and not self.FILLS:
            self._update_content_size()

    def line_count(self) -> int:
        return len(self._current_strips())

    def content_strip(self, index: int, width: int) -> Strip:
        strips = self._current_strips()
        return strips[index] if index < len(strips) else Strip.blank(width)

    def render_line(self, y: int) -> Strip:
        width = self.content_width
        index = y + self.scroll_offset.y
        if index >= self.line_count():
            return Strip.blank(width, self.cached_style)
        return self.content_strip(index, width).apply_style(self.cached_style)

    def _current_strips(self) -> list[Strip]:
        cache_key = self._cache_key
        if self._cached_strips is None or self._cached_for != cache_key:
            width, height, _ = self._cached_for = cache_key
            self._cached_strips = [
                strip_from_runs(runs, width) for runs in self.content_lines(width, height)
            ]
            self.call_later(self._update_content_size)
        return self._cached_strips

    @property
    def _cache_key(self) -> tuple[int, int, Styles]:
        """What is drawn is the same where the size and the colours are."""
        return self.content_width, self.size.height, theme_styles(self)

    def _update_content_size(self) -> None:
        update_virtual_size(self, Size(self.content_width, self.line_count()))

    def on_resize(self) -> None:
        """Draw for another size, unless it is painted in it already."""
        self.update_border_text()
        if self._cached_for != self._cache_key:
            self.redraw_content()


def empty_state_lines(texts: Sequence[str], width: int, height: int, styles: Styles) -> Lines:
    """Return an empty state: the first line says what will be here, the rest what to do."""
    wrapped_lines = [
        (line, styles.muted if index else styles.text)
        for index, text in enumerate(texts)
        for line in wrap_at_spaces(text, max(width - 2, 1))
    ]
    lines: Lines = [[] for _ in range(max((height - len(wrapped_lines)) // 2, 0))]
    for line, style in wrapped_lines:
        lines.append([(" " * max((width - cell_len(line)) // 2, 0) + line, style)])
    return lines
