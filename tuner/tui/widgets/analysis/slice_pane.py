"""The pane of one setting against the metric, or of two against each other."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.reactive import reactive

from tuner.render.charts.brushes import Brush
from tuner.render.charts.heatmap import draw_heatmap, spans_of_heat_cell
from tuner.render.charts.scatter import draw_setting_slice, slice_trial_at
from tuner.render.charts.trial_sample import Axis
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.results.format import sanitize_text
from tuner.session.view import TrialView
from tuner.tui.state.exploration import Exploration
from tuner.tui.widgets.analysis.analysis_pane import AnalysisPane
from tuner.tui.widgets.key_bindings import hidden_key, key
from tuner.tui.widgets.line_widgets import empty_state_lines


class SlicePane(AnalysisPane):
    """Every trial's value over one setting; `v` turns it into a map of two settings."""

    EMPTY_STATE = "Every trial's value over one setting will be here"
    BINDINGS: ClassVar[list[BindingType]] = [
        hidden_key("right", "parameter(1)", "slice.parameter_next", "Next parameter"),
        hidden_key("left", "parameter(-1)", "slice.parameter_previous", "Previous parameter"),
        hidden_key("l", "log", "slice.log", "Log x", "Logarithmic x, or linear"),
        key("v", "map", "slice.heatmap", "Heat map", "Heat map of two parameters, and back"),
        hidden_key(
            "o", "other(1)", "slice.other_next", "Other parameter", "The next second parameter"
        ),
        hidden_key(
            "O",
            "other(-1)",
            "slice.other_previous",
            "Previous other",
            "The previous second parameter",
        ),
    ]
    is_heat_map: reactive[bool] = reactive(False)

    def __init__(self, exploration: Exploration) -> None:
        self._x_index = 0
        self._y_index = 1
        self._log_override: bool | None = None
        super().__init__("Slice", exploration, number=4, id="slice")

    @property
    def x_setting(self) -> Axis | None:
        """The parameter from left to right."""
        settings = self.exploration.sample.setting_axes
        return settings[self._x_index % len(settings)] if settings else None

    @property
    def y_setting(self) -> Axis | None:
        """The heat map's parameter from bottom to top; None where there is one only."""
        settings = self.exploration.sample.setting_axes
        if len(settings) < 2:
            return None
        setting = settings[self._y_index % len(settings)]
        return (
            setting
            if setting is not self.x_setting
            else settings[(self._y_index + 1) % len(settings)]
        )

    def draw_chart(self, width: int, height: int, styles: Styles) -> Lines:
        exploration, x_setting, y_setting = self.exploration, self.x_setting, self.y_setting
        if x_setting is None:
            return empty_state_lines(("The recipe searches nothing",), width, height, styles)
        if self.is_heat_map and y_setting is not None:
            return draw_heatmap(
                exploration.sample,
                x_setting,
                y_setting,
                exploration.brushed_mask,
                width,
                height,
                styles,
            )
        if self._count_outside(x_setting) == len(exploration.sample.trials):
            texts = (
                f"No trial lies in the range of {sanitize_text(x_setting.name)}",
                "→ shows another",
            )
            return empty_state_lines(texts, width, height, styles)
        return draw_setting_slice(
            exploration.sample,
            x_setting,
            exploration.brushed_mask,
            width,
            height,
            styles,
            log=self._log_override,
        )

    def update_border_text(self) -> None:
        x_setting, y_setting = self.x_setting, self.y_setting
        if x_setting is None or not self.has_enough_trials:
            self.set_border_text("", "")
            return
        shows_map = self.is_heat_map and y_setting is not None
        self.heading = "Heat map" if shows_map else "Slice"
        name = sanitize_text(x_setting.name)
        if shows_map and y_setting is not None:
            self.set_border_text(
                f"{name} × {sanitize_text(y_setting.name)}",
                "←/→ across  o up  · worst … █ best  v slice",
            )
            return
        outside_count = self._count_outside(x_setting)
        details = (
            name,
            f"{outside_count} outside" if outside_count else "",
            self.pointed_trial_text(),
        )
        detail = ", ".join(filter(None, details))
        log = (
            f"l log x {'✓' if self._has_log_scale(x_setting) else '·'}  "
            if x_setting.scale.low > 0
            else ""
        )
        self.set_border_text(detail, f"←/→ parameter  {log}v heat map")

    def trial_under_mouse(self, cell: tuple[int, int]) -> TrialView | None:
        x_setting, size = self.x_setting, (self.content_width, self.size.height)
        if x_setting is None or self.is_heat_map:
            return None
        return slice_trial_at(
            self.exploration.sample, x_setting, cell, *size, log=self._log_override
        )

    def on_click(self, event: events.Click) -> None:
        """Brush the two ranges of a heat map's cell, or unbrush them."""
        exploration, x_setting, y_setting = self.exploration, self.x_setting, self.y_setting
        offset = event.get_content_offset(self)
        if not self.is_heat_map or x_setting is None or y_setting is None or offset is None:
            return
        size = (self.content_width, self.size.height)
        spans = spans_of_heat_cell(
            exploration.sample, x_setting, y_setting, (offset.x, offset.y), *size
        )
        if spans is not None and self.has_enough_trials:
            exploration.brushes.toggle_brushes(
                {x_setting.name: Brush(*spans[0]), y_setting.name: Brush(*spans[1])}
            )
            self.announce_exploration()

    def _count_outside(self, axis: Axis) -> int:
        """Count trials that have no position, such as a baseline beyond the range."""
        return sum(position is None for position in self.exploration.sample.positions[axis.name])

    def _has_log_scale(self, axis: Axis) -> bool:
        return axis.scale.log if self._log_override is None else self._log_override

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer a logarithm for numbers above zero, a map for two parameters."""
        x_setting = self.x_setting
        if action == "log":
            return x_setting is not None and x_setting.scale.low > 0 and not self.is_heat_map
        if action == "other":
            return self.is_heat_map and self.y_setting is not None
        if action == "map":
            return self.y_setting is not None
        if action == "parameter":
            return x_setting is not None
        return super().check_action(action, parameters)

    def action_parameter(self, steps: int) -> None:
        self._x_index += steps
        self._log_override = None
        self.redraw_content()

    def action_other(self, steps: int) -> None:
        """Choose another parameter for y, passing over the one on x."""
        settings = self.exploration.sample.setting_axes
        previous_setting = self.y_setting
        while self.y_setting is previous_setting and len(settings) > 2:
            self._y_index += steps
        self.redraw_content()

    def action_log(self) -> None:
        if x_setting := self.x_setting:
            self._log_override = not self._has_log_scale(x_setting)
            self.redraw_content()

    def action_map(self) -> None:
        self.is_heat_map = not self.is_heat_map
        self.redraw_content()
