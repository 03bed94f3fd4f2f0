"""The rows that a trial gets wrong, and the whole text of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.render.misclassified import (
    ROW_SELECTION_TEXTS,
    ROW_SELECTIONS,
    cell_description,
    misclassified_heading,
    misclassified_row_runs,
    row_detail_lines,
)
from tuner.render.renderable_lines import Lines
from tuner.render.styles import TextRun
from tuner.results import format as fmt
from tuner.tui.state.trial_scope import TrialScope
from tuner.tui.widgets.cursor_rows import CURSOR_MOVES
from tuner.tui.widgets.key_bindings import hidden_key, key, movement_keys
from tuner.tui.widgets.line_widgets import empty_state_lines, theme_styles
from tuner.tui.widgets.row_table import RowTable
from tuner.tui.widgets.scope_pane import ScopePane


class ErrorTable(RowTable, inherit_bindings=False):
    """One line a row, the surest mistakes first. Arrows move; j and k are left to the screen."""

    BINDINGS = [
        *movement_keys(CURSOR_MOVES, letters=False),
        key("enter", "open", "errors.open", "Text", "The whole text of the row"),
        key("w", "which", "errors.which", "Which rows", "Wrong, or against the best"),
        hidden_key(
            "equals_sign",
            "alike",
            "errors.alike",
            "Alike",
            "Only rows of this label and prediction, or all",
        ),
    ]

    def __init__(self, scope: TrialScope) -> None:
        self.scope = scope
        super().__init__("Rows", number=1, id="error-rows")

    def keys_in_order(self) -> Sequence[Any]:
        """Return positions in the predictions."""
        return self.scope.misclassified_rows().rows

    def header_runs(self, width: int) -> Sequence[TextRun]:
        return misclassified_heading(self.scope.view.labels, width, theme_styles(self))

    def runs_of_row(self, key: Any, width: int) -> Sequence[TextRun]:
        predictions = self.scope.misclassified_rows().predictions
        if predictions is None:
            return ()
        scope = self.scope
        return misclassified_row_runs(
            predictions, key, scope.view.labels, scope.validation_texts(), width, theme_styles(self)
        )

    def empty_state_texts(self) -> Sequence[str]:
        errors = self.scope.misclassified_rows()
        if errors.reason:
            return ["It is not known which rows were predicted wrongly", errors.reason]
        return [f"No row is {self._selection_in_words()}", "w shows others"]

    def redraw_content(self) -> None:
        self.update_border_text()
        self.redraw_rows()
        self.update_rows()

    def update_border_text(self) -> None:
        errors, evaluation = self.scope.misclassified_rows(), self.scope.shown_evaluation
        self.heading = f"Rows {self._selection_in_words()}"
        epoch = "" if evaluation is None else fmt.format_epoch(evaluation.epoch)
        count_text = (
            "" if errors.predictions is None else f"{len(errors.rows)} of {len(errors.predictions)}"
        )
        keys = (
            "" if errors.reason else "w which   = alike   enter text" if errors.rows else "w which"
        )
        self.set_border_text("  ".join(part for part in (count_text, epoch) if part), keys)

    def _selection_in_words(self) -> str:
        scope = self.scope
        if scope.cell is None:
            return ROW_SELECTION_TEXTS[scope.which]
        return cell_description(scope.cell, scope.view.labels)

    def action_which(self) -> None:
        """Switch between rows wrong here, wrong here alone and wrong in the best alone."""
        if self.scope.cell is None:
            self.scope.which = ROW_SELECTIONS[
                (ROW_SELECTIONS.index(self.scope.which) + 1) % len(ROW_SELECTIONS)
            ]
        self.scope.cell = None
        self.redraw_content()

    def action_alike(self) -> None:
        """Show the rows in the same cell of the confusion matrix, or all rows again."""
        predictions, position = self.scope.misclassified_rows().predictions, self.selected_key
        if self.scope.cell is not None:
            self.scope.cell = None
        elif predictions is not None and position is not None:
            self.scope.cell = (predictions.gold[position], predictions.predicted[position])
        self.redraw_content()


class RowTextPane(ScopePane):
    """The texts of one row, folded."""

    def __init__(self, scope: TrialScope) -> None:
        self._position: int | None = None
        super().__init__(scope, "Text", 2, "error-text")

    def show_row_text(self, position: int | None) -> None:
        self._position = position
        self.redraw_content()
        self.scroll_home(animate=False)

    def content_lines(self, width: int, height: int) -> Lines:
        scope, styles = self.scope, theme_styles(self)
        predictions = scope.misclassified_rows().predictions
        if predictions is None or self._position not in scope.misclassified_rows().rows:
            texts = ("The whole text of the row under the cursor", "enter on a row shows it alone")
            return empty_state_lines(texts, width, height, styles)
        labels = scope.view.labels
        return row_detail_lines(
            predictions, self._position, labels, scope.validation_texts(), width, styles
        )
