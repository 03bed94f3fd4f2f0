"""The pane of one setting against the metric, or of two against each other."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.reactive import reactive

from tuner.results.format import plain
from tuner.session.view import TrialView
from tuner.tui.charts.brushes import Brush
from tuner.tui.charts.heatmap import draw_heatmap, heat_spans
from tuner.tui.charts.sample import Axis
from tuner.tui.charts.scatter import draw_slice, slice_trial
from tuner.tui.exploration import Exploration
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Styles
from tuner.tui.widgets.analysis.chart import ChartPane
from tuner.tui.widgets.lines import centred


class SlicePane(ChartPane):
    """Every trial's value over one setting; `v` turns it into a map of two settings."""

    WAITING = "Every trial's value over one setting will be here"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "right",
            "parameter(1)",
            "Next parameter",
            show=False,
            id="slice.parameter_next",
            tooltip="Next parameter",
        ),
        Binding(
            "left",
            "parameter(-1)",
            "Previous parameter",
            show=False,
            id="slice.parameter_previous",
            tooltip="Previous parameter",
        ),
        Binding(
            "l", "log", "Log x", show=False, id="slice.log", tooltip="Logarithmic x, or linear"
        ),
        Binding(
            "v",
            "map",
            "Heat map",
            id="slice.heatmap",
            tooltip="Heat map of two parameters, and back",
        ),
        Binding(
            "o",
            "other(1)",
            "Other parameter",
            show=False,
            id="slice.other_next",
            tooltip="Heat map: next second parameter",
        ),
        Binding(
            "O",
            "other(-1)",
            "Other before",
            show=False,
            id="slice.other_previous",
            tooltip="Heat map: second parameter before",
        ),
    ]
    mapped: reactive[bool] = reactive(False)

    def __init__(self, exploration: Exploration) -> None:
        self._across = 0
        self._other = 1
        self._log: bool | None = None
        super().__init__("Slice", exploration, number=4, id="slice")

    @property
    def axis(self) -> Axis | None:
        """The parameter from left to right."""
        settings = self.exploration.sample.settings
        return settings[self._across % len(settings)] if settings else None

    @property
    def other(self) -> Axis | None:
        """The heat map's parameter from bottom to top; None where there is one only."""
        settings = self.exploration.sample.settings
        if len(settings) < 2:
            return None
        found = settings[self._other % len(settings)]
        return found if found is not self.axis else settings[(self._other + 1) % len(settings)]

    def draw(self, width: int, height: int, styles: Styles) -> Lines:
        """One of the two."""
        here, axis, other = self.exploration, self.axis, self.other
        if axis is None:
            return centred(("The recipe searches nothing",), width, height, styles)
        if self.mapped and other is not None:
            return draw_heatmap(here.sample, axis, other, here.bright, width, height, styles)
        if self._outside(axis) == len(here.sample.trials):
            texts = (f"No trial lies in the range of {plain(axis.name)}", "→ shows another")
            return centred(texts, width, height, styles)
        return draw_slice(here.sample, axis, here.bright, width, height, styles, log=self._log)

    def describe(self) -> None:
        """What is on the axes."""
        axis, other = self.axis, self.other
        if axis is None or not self.ready:
            self.entitle("", "")
            return
        on_map = self.mapped and other is not None
        self.heading = "Heat map" if on_map else "Slice"
        name = plain(axis.name)
        if on_map and other is not None:
            self.entitle(
                f"{name} × {plain(other.name)}", "←/→ across  o up  · worst … █ best  v slice"
            )
            return
        outside = self._outside(axis)
        details = (name, f"{outside} outside" if outside else "", self.pointed_text())
        detail = ", ".join(filter(None, details))
        log = f"l log x {'✓' if self._is_log(axis) else '·'}  " if axis.scale.low > 0 else ""
        self.entitle(detail, f"←/→ parameter  {log}v heat map")

    def trial_at(self, cell: tuple[int, int]) -> TrialView | None:
        """The nearest point; the map's cells are ranges."""
        axis, size = self.axis, (self.room, self.size.height)
        if axis is None or self.mapped:
            return None
        return slice_trial(self.exploration.sample, axis, cell, *size, log=self._log)

    def on_click(self, event: events.Click) -> None:
        """A click on a cell of the map brushes its two ranges, another one there unbrushes them."""
        here, axis, other = self.exploration, self.axis, self.other
        offset = event.get_content_offset(self)
        if not self.mapped or axis is None or other is None or offset is None:
            return
        size = (self.room, self.size.height)
        spans = heat_spans(here.sample, axis, other, (offset.x, offset.y), *size)
        if spans is not None and self.ready:
            here.brushes.toggle({axis.name: Brush(*spans[0]), other.name: Brush(*spans[1])})
            self.explored()

    def _outside(self, axis: Axis) -> int:
        """Trials that cannot be placed, such as a baseline beyond the range."""
        return sum(place is None for place in self.exploration.sample.places[axis.name])

    def _is_log(self, axis: Axis) -> bool:
        return axis.scale.log if self._log is None else self._log

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A logarithm needs numbers above zero; a map needs two parameters."""
        axis = self.axis
        if action == "log":
            return axis is not None and axis.scale.low > 0 and not self.mapped
        if action == "other":
            return self.mapped and self.other is not None
        if action == "map":
            return self.other is not None
        if action == "parameter":
            return axis is not None
        return super().check_action(action, parameters)

    def action_parameter(self, steps: int) -> None:
        """Another parameter across."""
        self._across += steps
        self._log = None
        self.redraw()

    def action_other(self, steps: int) -> None:
        """Another parameter up; the one across is passed over."""
        settings = self.exploration.sample.settings
        before = self.other
        while self.other is before and len(settings) > 2:
            self._other += steps
        self.redraw()

    def action_log(self) -> None:
        """The other scale."""
        if axis := self.axis:
            self._log = not self._is_log(axis)
            self.redraw()

    def action_map(self) -> None:
        """The map, or back."""
        self.mapped = not self.mapped
        self.redraw()
