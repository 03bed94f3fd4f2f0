"""The charts of one trial over its schedule, with the shown evaluation marked in all of them."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from tuner.render.charts.axes import share_at_column
from tuner.render.charts.line_chart import ChartLine
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.render.trial_columns import metric_abbreviation
from tuner.render.trial_curves import (
    draw_trial_lines,
    gradient_norm_lines,
    learning_rate_lines,
    metric_and_loss_lines,
)
from tuner.results import format as fmt
from tuner.tui.state.trial_scope import TrialScope
from tuner.tui.widgets.line_widgets import empty_state_lines, theme_styles
from tuner.tui.widgets.scope_pane import ScopePane

MIN_CHART_HEIGHT = 6


class TrialChartPane(ScopePane):
    """Lines over the steps of the trial."""

    EMPTY_STATE = ("", "")
    LOG_BY_DEFAULT = False

    def __init__(self, scope: TrialScope, heading: str, number: int, id: str) -> None:
        self.log_scale = self.LOG_BY_DEFAULT
        super().__init__(scope, heading, number, id)

    def lines_to_draw(self, styles: Styles) -> Sequence[ChartLine]:
        raise NotImplementedError

    def content_lines(self, width: int, height: int) -> Lines:
        styles = theme_styles(self)
        lines = self.lines_to_draw(styles)
        if not lines or height < MIN_CHART_HEIGHT:
            return empty_state_lines(
                self.scope.empty_state_text(*self.EMPTY_STATE), width, height, styles
            )
        trial, evaluation = self.scope.trial, self.scope.shown_evaluation
        share = None if evaluation is None else evaluation.share
        return draw_trial_lines(
            lines,
            trial,
            share,
            width,
            height,
            styles,
            log=self.log_scale,
            format_value=self.legend_value,
        )

    def legend_value(self, value: float) -> str:
        return fmt.format_number(value)

    def toggle_log_scale(self) -> None:
        self.log_scale = not self.log_scale
        self.redraw_content()

    def update_border_text(self) -> None:
        evaluation = self.scope.shown_evaluation
        self.set_border_text(
            "" if evaluation is None else f"at {fmt.format_epoch(evaluation.epoch)}",
            self.key_hints(),
        )

    def key_hints(self) -> str:
        return f"l log {'✓' if self.log_scale else '·'}   ←/→ epoch"

    def on_click(self, event: events.Click) -> None:
        """Show the nearest evaluation, in all panes."""
        if offset := event.get_content_offset(self):
            self.scope.show_nearest_evaluation(share_at_column(offset.x, self.content_width))
            self.call_next(self.run_action, "screen.scrub(0)")


class LossPane(TrialChartPane):
    """The metric and the losses."""

    EMPTY_STATE = ("Loss and metric", "the first point comes with the first steps")

    def lines_to_draw(self, styles: Styles) -> Sequence[ChartLine]:
        return metric_and_loss_lines(
            self.scope.view, self.scope.trial, self.scope.drawn_curves, styles
        )

    def legend_value(self, value: float) -> str:
        return fmt.format_score(value)

    def update_border_text(self) -> None:
        metric = metric_abbreviation(self.scope.view.metric)
        self.heading = {"both": f"Loss and {metric}", "eval": f"{metric} and eval loss"}.get(
            self.scope.drawn_curves, "Train loss"
        )
        super().update_border_text()

    def key_hints(self) -> str:
        return f"t {self.scope.drawn_curves}   {super().key_hints()}"


class GradientPane(TrialChartPane):
    """The norm of each layer group's gradient."""

    EMPTY_STATE = ("The gradient norm of each group", "a point comes with every evaluation")
    LOG_BY_DEFAULT = True

    def lines_to_draw(self, styles: Styles) -> Sequence[ChartLine]:
        return gradient_norm_lines(self.scope.trial, styles)


class RatePane(TrialChartPane):
    """The learning rate of each group over the schedule."""

    EMPTY_STATE = ("The learning rates", "they are drawn once the first step is logged")
    LOG_BY_DEFAULT = True

    def lines_to_draw(self, styles: Styles) -> Sequence[ChartLine]:
        config, trial = self.scope.trainer_config(), self.scope.trial
        if config is None or not trial.total_steps:
            return ()
        return learning_rate_lines(trial, config, styles, log=self.log_scale)

    def legend_value(self, value: float) -> str:
        return fmt.format_rate(value)

    def update_border_text(self) -> None:
        super().update_border_text()
        if config := self.scope.trainer_config():
            self.set_border_text(
                f"{config.schedule}, warmup {fmt.format_amount(config.warmup)}", self.key_hints()
            )
