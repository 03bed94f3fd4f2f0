"""The panes of a trial's confusion matrix: over the epochs, and class by class."""

from __future__ import annotations

from tuner.render.class_report import CLASS_ORDERS, ClassOrder, class_report_lines
from tuner.render.epoch_strip import epoch_strip_lines
from tuner.render.renderable_lines import Lines
from tuner.results import format as fmt
from tuner.tui.state.trial_scope import TrialScope
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import empty_state_lines, theme_styles
from tuner.tui.widgets.matrix_pane import MatrixPane
from tuner.tui.widgets.scope_pane import ScopePane

_MODE_WORDS = {"counts": "counts", "row": "percent of rows", "column": "percent of columns"}
_EMPTY_STATE = ("The confusion matrix", "it comes with the first evaluation")


# ScopePane first: Textual's queries follow the first base alone, and the view redraws ScopePanes.
class EvaluationsPane(ScopePane, MatrixPane):
    """Several evaluations small, the shown one large below them."""

    @property
    def matrix_scope(self) -> TrialScope:
        """The scope that all panes of the trial share."""
        return self.scope

    def content_lines(self, width: int, height: int) -> Lines:
        scope, styles = self.scope, theme_styles(self)
        if scope.shown_index is None:
            return empty_state_lines(scope.empty_state_text(*_EMPTY_STATE), width, height, styles)
        evaluations = scope.trial.evaluations
        strip: Lines = []
        if len(evaluations) > 1:
            strip = epoch_strip_lines(
                evaluations, scope.shown_index, scope.kept_index, scope.view.metric,
                scope.matrix_mode, width, styles,
            )  # fmt: skip
            strip.append([])
        reference = scope.subtracted_matrix()
        return strip + self.matrix_lines(scope, reference, width, height - len(strip))

    def update_border_text(self) -> None:
        scope, evaluation = self.scope, self.scope.shown_evaluation
        if evaluation is None:
            self.set_border_text("", "")
            return
        difference = "" if scope.subtracted_matrix() is None else f" − #{scope.compared_number}"
        self.set_border_text(
            f"{fmt.format_epoch(evaluation.epoch)}{difference}, {_MODE_WORDS[scope.matrix_mode]}",
            "←/→ epoch   n counts/row/col   d diff with…",
        )


class ReportPane(ScopePane):
    """Precision, recall, F1 and support of every class."""

    BINDINGS = [key("S", "sorting", "report.sort", "Sort", "Sort the classes by F1, support")]

    def __init__(self, scope: TrialScope, heading: str, number: int, id: str) -> None:
        self._sorting: ClassOrder = "worst"
        super().__init__(scope, heading, number, id)

    def content_lines(self, width: int, height: int) -> Lines:
        styles, evaluation = theme_styles(self), self.scope.shown_evaluation
        if evaluation is None or not evaluation.confusion:
            return empty_state_lines(
                self.scope.empty_state_text(*_EMPTY_STATE), width, height, styles
            )
        return class_report_lines(
            evaluation.confusion, self.scope.view.labels, width, styles, self._sorting
        )

    def update_border_text(self) -> None:
        words = {"worst": "worst F1 first", "best": "best F1 first", "label": "as in the data"}
        self.set_border_text("", f"S sort: {words.get(self._sorting, 'most rows first')}")

    def action_sorting(self) -> None:
        self._sorting = CLASS_ORDERS[(CLASS_ORDERS.index(self._sorting) + 1) % len(CLASS_ORDERS)]
        self.redraw_content()
