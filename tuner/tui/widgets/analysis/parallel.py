"""The pane of parallel coordinates, where trials are brushed."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from tuner.results.format import plain
from tuner.tui.charts.brushes import Brush
from tuner.tui.charts.parallel import MOST_LINES, brushed_rows, draw_parallel, spread
from tuner.tui.exploration import ALL, Exploration
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Styles
from tuner.tui.widgets.analysis.chart import ChartPane


def _moved(key: str, action: str, name: str, tooltip: str) -> Binding:
    return Binding(key, action, tooltip, show=False, id=f"parallel.{name}", tooltip=tooltip)


class ParallelPane(ChartPane):
    """One line a trial over all settings; brushes on the axes leave the others dim."""

    LEAST = 2
    WAITING = "Two trials that ended, as lines over all settings, will be here"
    BINDINGS: ClassVar[list[BindingType]] = [
        _moved("right", "axis(1)", "axis_next", "Next axis"),
        _moved("left", "axis(-1)", "axis_previous", "Previous axis"),
        _moved("up,k", "brush(1)", "brush_low_up", "Brush: its low end up"),
        _moved("down,j", "brush(-1)", "brush_low_down", "Brush: its low end down"),
        _moved("shift+up,K", "brush(1, True)", "brush_high_up", "Brush: its high end up"),
        _moved("shift+down,J", "brush(-1, True)", "brush_high_down", "Brush: its high end down"),
        Binding(
            "space",
            "brush_best",
            "Brush",
            id="parallel.brush",
            tooltip="Brush the best part, or unbrush",
        ),
        Binding("enter", "keep", "Keep brush", id="parallel.keep", tooltip="Keep the brush"),
        Binding("i", "invert", "Invert", id="parallel.invert", tooltip="All but the brushed ones"),
        Binding(
            "backspace",
            "clear",
            "Clear",
            show=False,
            id="parallel.clear",
            tooltip="Take the brush off this axis",
        ),
        Binding(
            "a",
            "family",
            "Axes",
            id="parallel.axes",
            tooltip="All axes, rates, one group, others",
        ),
    ]

    def __init__(self, exploration: Exploration) -> None:
        self._from: int | None = None
        super().__init__("Parallel coordinates", exploration, number=3, id="parallel")

    def draw(self, width: int, height: int, styles: Styles) -> Lines:
        """The axes that fit."""
        here = self.exploration
        return draw_parallel(
            here.sample,
            here.axes,
            here.bright,
            here.brushes,
            here.focus,
            width,
            max(height, 4),
            styles,
        )

    def describe(self) -> None:
        """How many are brushed and drawn, and what the keys do now."""
        here = self.exploration
        family = "" if here.family == ALL else plain(here.family)
        details = [family, self._axes_text(), here.count_text(), self._drawn_text()]
        self.entitle(", ".join(detail for detail in details if detail), self._keys())

    def _axes_text(self) -> str:
        axes = self.exploration.axes
        if not self.is_mounted or not axes:
            return ""
        shown = len(spread(axes, self.exploration.focus, self.room).axes)
        return f"{shown} of {len(axes)} axes" if shown < len(axes) else ""

    def _drawn_text(self) -> str:
        total = len(self.exploration.sample.trials)
        return f"{MOST_LINES} drawn" if total > MOST_LINES else ""

    def _keys(self) -> str:
        if not self.ready:
            return ""
        brushes = self.exploration.brushes
        if brushes.draft is not None:
            return "↑/↓ low  ⇧↑/⇧↓ high  enter keep  i invert  esc drop"
        if brushes.kept:
            return "←/→ axis  ↑/↓ brush  i invert  ⌫ clear  Z search here"
        return "←/→ axis  ↑/↓ brush  space best  a axes"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what there is can be kept, inverted and cleared."""
        here = self.exploration
        axis = here.axis
        if action == "keep":
            return here.brushes.draft is not None
        if action in ("invert", "clear"):
            return axis is not None and here.brushes.on(axis.name) is not None
        if action in ("axis", "brush", "brush_best", "family"):
            return self.ready
        return super().check_action(action, parameters)

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """A click chooses the nearest axis, and a brush begins there."""
        offset, here = event.get_content_offset(self), self.exploration
        if offset is None or not self.ready:
            return
        shown = spread(here.axes, here.focus, self.room)
        apart = [abs(column - offset.x) for column in shown.columns]
        here.focus_on(shown.axes[apart.index(min(apart))].name)
        self._from = offset.y
        self.capture_mouse()
        self.explored()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """The brush reaches from where the button went down to where the mouse is."""
        axis = self.exploration.axis
        if self._from is None or axis is None or self._from == event.y - self.gutter.top:
            return
        low, high = brushed_rows(self._from, event.y - self.gutter.top, self.size.height)
        self.exploration.brushes.put(axis.name, Brush(low, high))
        self.explored()

    def on_mouse_up(self) -> None:
        """What was brushed is kept."""
        if self._from is not None:
            self._from = None
            self.release_mouse()
            if self.exploration.brushes.keep():
                self.explored()

    # Keys

    def action_axis(self, steps: int) -> None:
        """The next axis."""
        self.exploration.move_focus(steps)
        self.explored()

    def action_brush(self, steps: int, high: bool = False) -> None:
        """Move an end of the brush."""
        if axis := self.exploration.axis:
            self.exploration.brushes.move(axis, steps, high=high)
            self.explored()

    def action_brush_best(self) -> None:
        """A brush at once."""
        self.exploration.brush_best()
        self.explored()

    def action_keep(self) -> None:
        """From a draft to a brush that stays."""
        self.exploration.brushes.keep()
        self.explored()

    def action_invert(self) -> None:
        """All but what was brushed."""
        if axis := self.exploration.axis:
            self.exploration.brushes.invert(axis.name)
            self.explored()

    def action_clear(self) -> None:
        """No brush on this axis."""
        if axis := self.exploration.axis:
            self.exploration.brushes.clear(axis.name)
            self.explored()

    def action_family(self) -> None:
        """Fewer axes, then others, then all again."""
        self.exploration.next_family()
        self.explored()
