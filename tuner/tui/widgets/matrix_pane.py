"""What the panes that show a confusion matrix have in common."""

from __future__ import annotations

from textual import events

from tuner.render.confusion_cells import cell_from_style
from tuner.render.confusion_matrix import ReferenceMatrix, confusion_lines
from tuner.render.renderable_lines import Lines
from tuner.tui.shell.messages import RowsRequested
from tuner.tui.state.trial_scope import TrialScope
from tuner.tui.widgets.line_widgets import Pane, theme_styles


class MatrixPane(Pane):
    """The matrix of the evaluation that a scope shows; a second click on a cell shows its rows."""

    @property
    def matrix_scope(self) -> TrialScope | None:
        """The trial and its evaluation; None where no trial is selected."""
        raise NotImplementedError

    def matrix_lines(
        self, scope: TrialScope, reference: ReferenceMatrix | None, width: int, height: int
    ) -> Lines:
        assert scope.shown_evaluation is not None
        return confusion_lines(
            scope.shown_evaluation.confusion, scope.view.labels, width, theme_styles(self),
            scope.matrix_mode, height=height, against=reference, max_classes=None,
        )  # fmt: skip

    def on_click(self, event: events.Click) -> None:
        """Ask for the rows of a cell on its second click."""
        cell, scope = cell_from_style(event.style), self.matrix_scope
        if event.chain == 2 and cell and scope and scope.shown_index is not None:
            self.post_message(RowsRequested(scope.number, scope.shown_index, *cell))
