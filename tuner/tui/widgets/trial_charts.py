"""The charts of one trial over its schedule, with the shown evaluation marked in all of them."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from tuner.results import format as fmt
from tuner.tui.charts.axes import share_across
from tuner.tui.charts.series import Series
from tuner.tui.render.columns import short_metric
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Styles
from tuner.tui.render.trial_curves import chart_lines, gradient_lines, loss_series, rate_lines
from tuner.tui.trial_scope import TrialScope
from tuner.tui.widgets.lines import centred, styles_of
from tuner.tui.widgets.scope_pane import ScopePane

FEWEST_LINES = 6


class ChartPane(ScopePane):
    """Lines over the steps of the trial."""

    EMPTY = ("", "")
    LOG = False

    def __init__(self, scope: TrialScope, heading: str, number: int, id: str) -> None:
        self.log_scale = self.LOG
        super().__init__(scope, heading, number, id)

    def series(self, styles: Styles) -> Sequence[Series]:
        """What is drawn."""
        raise NotImplementedError

    def lines(self, width: int, height: int) -> Lines:
        """The chart fills the pane."""
        styles = styles_of(self)
        series = self.series(styles)
        if not series or height < FEWEST_LINES:
            return centred(self.scope.nothing(*self.EMPTY), width, height, styles)
        trial, item = self.scope.trial, self.scope.evaluation
        share = None if item is None else item.share
        return chart_lines(
            series, trial, share, width, height, styles, log=self.log_scale, shown=self.shown
        )

    def shown(self, value: float) -> str:
        """A value in the legend."""
        return fmt.number(value)

    def toggle_log(self) -> None:
        """Logarithmic y, or linear."""
        self.log_scale = not self.log_scale
        self.redraw()

    def describe(self) -> None:
        """Which evaluation the line across is, and the keys."""
        item = self.scope.evaluation
        self.entitle("" if item is None else f"at {fmt.epoch(item.epoch)}", self.hint())

    def hint(self) -> str:
        """The keys."""
        return f"l log {'✓' if self.log_scale else '·'}   ←/→ epoch"

    def on_click(self, event: events.Click) -> None:
        """A click shows the nearest evaluation, in all panes."""
        if offset := event.get_content_offset(self):
            self.scope.scrub_to(share_across(offset.x, self.room))
            self.call_next(self.run_action, "screen.scrub(0)")


class LossPane(ChartPane):
    """The metric and the losses."""

    EMPTY = ("Loss and metric", "the first point comes with the first steps")

    def series(self, styles: Styles) -> Sequence[Series]:
        """Evaluation, training or both."""
        return loss_series(self.scope.view, self.scope.trial, self.scope.drawn, styles)

    def describe(self) -> None:
        """The metric's name is the session's."""
        metric = short_metric(self.scope.view.metric)
        self.heading = {"both": f"Loss and {metric}", "eval": f"{metric} and eval loss"}.get(
            self.scope.drawn, "Train loss"
        )
        super().describe()

    def hint(self) -> str:
        """Which lines, and the keys."""
        return f"t {self.scope.drawn}   {super().hint()}"


class GradientPane(ChartPane):
    """The norm of each layer group's gradient."""

    EMPTY = ("The gradient norm of each group", "a point comes with every evaluation")
    LOG = True

    def series(self, styles: Styles) -> Sequence[Series]:
        """One line a group."""
        return gradient_lines(self.scope.trial, styles)


class RatePane(ChartPane):
    """The learning rate of each group over the schedule."""

    EMPTY = ("The learning rates", "they are drawn once the first step was told")
    LOG = True

    def series(self, styles: Styles) -> Sequence[Series]:
        """One line a group, from the recipe's schedule and the trial's own rates."""
        config, trial = self.scope.config(), self.scope.trial
        if config is None or not trial.of:
            return ()
        return rate_lines(trial, config, styles, log=self.log_scale)

    def shown(self, value: float) -> str:
        """As rates are written everywhere."""
        return fmt.rate(value)

    def describe(self) -> None:
        """The schedule by name."""
        super().describe()
        if config := self.scope.config():
            self.entitle(f"{config.schedule}, warmup {fmt.amount(config.warmup)}", self.hint())
