"""The tabs of the trial screen: each a view of panes over one scope."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.tui.state.trial_scope import TrialScope
from tuner.tui.views.base_view import View
from tuner.tui.widgets.row_table import RowTable
from tuner.tui.widgets.scope_pane import ScopePane
from tuner.tui.widgets.trial_charts import GradientPane, LossPane, RatePane, TrialChartPane
from tuner.tui.widgets.trial_errors import ErrorTable, RowTextPane
from tuner.tui.widgets.trial_matrix import EvaluationsPane, ReportPane
from tuner.tui.widgets.trial_text_panes import (
    FactsPane,
    ParamsPane,
    RungsPane,
    SummaryPane,
    TrainerPane,
    TrialEventsPane,
)


class TrialTab(View):
    """A tab, redrawn as a whole where the trial, the evaluation or the reference changed."""

    NAME = ""

    def __init__(self, scope: TrialScope) -> None:
        super().__init__(id=self.NAME)
        self.scope = scope

    def show_everything(self) -> None:
        for pane in self.query(ScopePane):
            pane.redraw_content()

    def scroll_to_top(self) -> None:
        for pane in self.query(ScopePane):
            pane.scroll_home(animate=False)

    def toggle_log_scale(self) -> None:
        """Switch the y axis of the chart that has the focus, else of the first."""
        charts = list(self.query(TrialChartPane))
        focused = [chart for chart in charts if chart.has_focus]
        for chart in (focused or charts)[:1]:
            chart.toggle_log_scale()


class OverviewTab(TrialTab):
    """Values, curves, matrices and decisions; in the narrow layout values and a summary."""

    NAME = "overview"
    PANES = ("trial-params", "trial-losses", "trial-epochs", "trial-rungs", "trial-summary")

    def compose_panes(self) -> Iterable[Widget]:
        """Yield four panes, and one that stands for three of them in the narrow layout."""
        yield ParamsPane(self.scope, "Parameters", 1, "trial-params", with_facts=True)
        yield LossPane(self.scope, "Loss", 2, "trial-losses")
        yield EvaluationsPane(self.scope, "Confusion", 3, "trial-epochs")
        yield RungsPane(self.scope, "Rungs and decisions", 4, "trial-rungs")
        yield SummaryPane(self.scope, "Summary", None, "trial-summary")


class CurvesTab(TrialTab):
    """Loss and metric, gradient norms, learning rates."""

    NAME = "curves"
    PANES = ("curve-losses", "curve-gradients", "curve-rates")
    TABS = ("1 Loss", "2 Gradient norms", "3 Learning rates")

    def compose_panes(self) -> Iterable[Widget]:
        yield LossPane(self.scope, "Loss", 1, "curve-losses")
        yield GradientPane(self.scope, "Gradient norm by layer group", 2, "curve-gradients")
        yield RatePane(self.scope, "Learning rate by layer group", 3, "curve-rates")


class ConfusionTab(TrialTab):
    """The matrix over the epochs, and the report of every class."""

    NAME = "confusion"
    PANES = ("matrix-epochs", "matrix-classes")
    TABS = ("1 Matrix", "2 Classes")

    def compose_panes(self) -> Iterable[Widget]:
        yield EvaluationsPane(self.scope, "Matrix", 1, "matrix-epochs")
        yield ReportPane(self.scope, "Classes", 2, "matrix-classes")


class ParamsTab(TrialTab):
    """All values at full width, what is known beside them, and what the recipe fixes."""

    NAME = "params"
    PANES = ("all-params", "all-facts")
    TABS = ("1 Parameters", "2 Facts")

    def compose_panes(self) -> Iterable[Widget]:
        yield ParamsPane(self.scope, "Parameters", 1, "all-params")
        yield FactsPane(self.scope, "Facts", 2, "all-facts")


class RungsTab(TrialTab):
    """Decisions and events, for narrow screens."""

    NAME = "rungs"
    PANES = ("all-rungs",)

    def compose_panes(self) -> Iterable[Widget]:
        yield RungsPane(self.scope, "Rungs and decisions", 1, "all-rungs")


class ErrorsTab(TrialTab):
    """The rows that were predicted wrongly, and the text of one of them."""

    NAME = "errors"
    PANES = ("error-rows", "error-text")

    def compose_panes(self) -> Iterable[Widget]:
        yield ErrorTable(self.scope)
        yield RowTextPane(self.scope)

    def show_everything(self) -> None:
        """Redraw the rows first: the text is of one of them."""
        self.query_one(ErrorTable).redraw_content()
        self._show_selected_row()

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        event.stop()
        self._show_selected_row()

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        """Zoom the text; esc brings the rows back."""
        event.stop()
        pane = self.query_one(RowTextPane)
        self.zoom_pane(pane)
        pane.focus()

    def close_inner_layer(self) -> bool:
        """Go from the text back to its row."""
        if not self.query_one(RowTextPane).has_focus:
            return False
        self.query_one(ErrorTable).focus()
        return True

    def _show_selected_row(self) -> None:
        self.query_one(RowTextPane).show_row_text(self.query_one(ErrorTable).selected_key)


class LogTab(TrialTab):
    """The events of the trial, and the last lines of its trainer."""

    NAME = "log"
    PANES = ("trial-events", "trial-trainer")
    TABS = ("1 Events", "2 Trainer")

    def compose_panes(self) -> Iterable[Widget]:
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
WIDE_TABS = ("Overview", "Curves", "Confusion", "Params", "Errors", "Log")
NARROW_TABS = ("Overview", "Curves", "Confusion", "Rungs", "Errors", "Log")
NARROW_TAB_TITLES = ("Params", *NARROW_TABS[1:])
