"""The tabs of the trial screen: each a view of panes over one scope."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.tui.trial_scope import TrialScope
from tuner.tui.views.base import View
from tuner.tui.widgets.rows import RowTable
from tuner.tui.widgets.scope_pane import ScopePane
from tuner.tui.widgets.trial_charts import ChartPane, GradientPane, LossPane, RatePane
from tuner.tui.widgets.trial_errors import ErrorTable, RowTextPane
from tuner.tui.widgets.trial_facts import (
    FactsPane,
    ParamsPane,
    RungsPane,
    SummaryPane,
    TrainerPane,
    TrialEventsPane,
)
from tuner.tui.widgets.trial_matrix import EpochsPane, ReportPane


class TrialTab(View):
    """A tab. All of it is drawn anew where the trial, the evaluation or the comparison changed."""

    NAME = ""

    def __init__(self, scope: TrialScope) -> None:
        super().__init__(id=self.NAME)
        self.scope = scope

    def show_everything(self) -> None:
        """Every pane."""
        for pane in self.query(ScopePane):
            pane.redraw()

    def to_top(self) -> None:
        """Another trial: from its beginning."""
        for pane in self.query(ScopePane):
            pane.scroll_home(animate=False)

    def toggle_log(self) -> None:
        """The y axis of the chart that has the focus, else of the first."""
        charts = list(self.query(ChartPane))
        focused = [chart for chart in charts if chart.has_focus]
        for chart in (focused or charts)[:1]:
            chart.toggle_log()


class OverviewTab(TrialTab):
    """Values, curves, matrices and decisions at one glance; narrow: values and a summary."""

    NAME = "overview"
    PANES = ("trial-params", "trial-losses", "trial-epochs", "trial-rungs", "trial-summary")

    def panes(self) -> Iterable[Widget]:
        """Four of them, and one that stands for three where there is no room."""
        yield ParamsPane(self.scope, "Parameters", 1, "trial-params", facts=True)
        yield LossPane(self.scope, "Loss", 2, "trial-losses")
        yield EpochsPane(self.scope, "Confusion", 3, "trial-epochs")
        yield RungsPane(self.scope, "Rungs and decisions", 4, "trial-rungs")
        yield SummaryPane(self.scope, "Summary", None, "trial-summary")


class CurvesTab(TrialTab):
    """Loss and metric, gradient norms, learning rates."""

    NAME = "curves"
    PANES = ("curve-losses", "curve-gradients", "curve-rates")
    TABS = ("1 Loss", "2 Gradient norms", "3 Learning rates")

    def panes(self) -> Iterable[Widget]:
        """Three charts."""
        yield LossPane(self.scope, "Loss", 1, "curve-losses")
        yield GradientPane(self.scope, "Gradient norm by layer group", 2, "curve-gradients")
        yield RatePane(self.scope, "Learning rate by layer group", 3, "curve-rates")


class ConfusionTab(TrialTab):
    """The matrix over the epochs, and the report of every class."""

    NAME = "confusion"
    PANES = ("matrix-epochs", "matrix-classes")
    TABS = ("1 Matrix", "2 Classes")

    def panes(self) -> Iterable[Widget]:
        """Two."""
        yield EpochsPane(self.scope, "Matrix", 1, "matrix-epochs")
        yield ReportPane(self.scope, "Classes", 2, "matrix-classes")


class ParamsTab(TrialTab):
    """All values at full width, what is known beside them, and what the recipe fixes."""

    NAME = "params"
    PANES = ("all-params", "all-facts")
    TABS = ("1 Parameters", "2 Facts")

    def panes(self) -> Iterable[Widget]:
        """Two."""
        yield ParamsPane(self.scope, "Parameters", 1, "all-params")
        yield FactsPane(self.scope, "Facts", 2, "all-facts")


class RungsTab(TrialTab):
    """Decisions and events, for narrow screens."""

    NAME = "rungs"
    PANES = ("all-rungs",)

    def panes(self) -> Iterable[Widget]:
        """One."""
        yield RungsPane(self.scope, "Rungs and decisions", 1, "all-rungs")


class ErrorsTab(TrialTab):
    """Rows that were answered wrongly, and the text of one."""

    NAME = "errors"
    PANES = ("error-rows", "error-text")

    def panes(self) -> Iterable[Widget]:
        """Two."""
        yield ErrorTable(self.scope)
        yield RowTextPane(self.scope)

    def show_everything(self) -> None:
        """The rows first: the text is of one of them."""
        self.query_one(ErrorTable).redraw()
        self._show_row()

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        """The text follows the cursor."""
        event.stop()
        self._show_row()

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        """The text alone; esc brings the rows back."""
        event.stop()
        pane = self.query_one(RowTextPane)
        self.zoom(pane)
        pane.focus()

    def step_back(self) -> bool:
        """From the text to its row."""
        if not self.query_one(RowTextPane).has_focus:
            return False
        self.query_one(ErrorTable).focus()
        return True

    def _show_row(self) -> None:
        self.query_one(RowTextPane).show_row(self.query_one(ErrorTable).selected)


class LogTab(TrialTab):
    """The events of the trial, and the last lines of its trainer."""

    NAME = "log"
    PANES = ("trial-events", "trial-trainer")
    TABS = ("1 Events", "2 Trainer")

    def panes(self) -> Iterable[Widget]:
        """Two."""
        yield TrialEventsPane(self.scope, "Events", 1, "trial-events")
        yield TrainerPane(self.scope, "Last lines of the trainer", 2, "trial-trainer")


ALL_TABS: dict[str, type[TrialTab]] = {
    "Overview": OverviewTab,
    "Curves": CurvesTab,
    "Confusion": ConfusionTab,
    "Params": ParamsTab,
    "Rungs": RungsTab,
    "Errors": ErrorsTab,
    "Log": LogTab,
}
WIDE = ("Overview", "Curves", "Confusion", "Params", "Errors", "Log")
NARROW = ("Overview", "Curves", "Confusion", "Rungs", "Errors", "Log")
NARROW_NAMES = ("Params", *NARROW[1:])
