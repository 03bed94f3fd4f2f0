"""The rows that a trial gets wrong, and the whole text of the one under the cursor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.binding import Binding

from tuner.results import format as fmt
from tuner.tui.render.errors import (
    WHICH,
    WHICH_WORDS,
    cell_words,
    error_heads,
    error_row,
    row_lines,
)
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import wrapped
from tuner.tui.render.styles import Run
from tuner.tui.trial_scope import TrialScope
from tuner.tui.widgets.cursor import moves
from tuner.tui.widgets.lines import centred, styles_of
from tuner.tui.widgets.rows import RowTable
from tuner.tui.widgets.scope_pane import ScopePane


class ErrorTable(RowTable, inherit_bindings=False):
    """One line a row, the surest mistakes first. Arrows move; j and k are left to the screen."""

    BINDINGS = [
        *moves(letters=False),
        Binding("enter", "open", "Text", id="errors.open", tooltip="The whole text of the row"),
        Binding(
            "w", "which", "Which rows", id="errors.which", tooltip="Wrong, or against the best"
        ),
        Binding(
            "equals_sign",
            "alike",
            "Alike",
            show=False,
            id="errors.alike",
            tooltip="Only rows with the label and the answer of this one, or all",
        ),
    ]

    def __init__(self, scope: TrialScope) -> None:
        self.scope = scope
        super().__init__("Rows", number=1, id="error-rows")

    def keys_in_order(self) -> Sequence[Any]:
        """Positions in the predictions."""
        return self.scope.errors().rows

    def header_runs(self, width: int) -> Sequence[Run]:
        """What stands in a line."""
        return error_heads(self.scope.view.labels, width, styles_of(self))

    def row_runs(self, key: Any, width: int) -> Sequence[Run]:
        """One row."""
        predictions = self.scope.errors().predictions
        if predictions is None:
            return ()
        scope = self.scope
        return error_row(predictions, key, scope.view.labels, scope.texts(), width, styles_of(self))

    def empty_lines(self) -> Sequence[str]:
        """Why there are none."""
        found = self.scope.errors()
        if found.why:
            title = "Which rows were answered wrongly is not known"
            return [title, *wrapped(found.why, max(self.room - 4, 20))]
        return [f"No row is {self._words()}", "w shows others"]

    def redraw(self) -> None:
        """Another trial, evaluation or kind of rows."""
        self.describe()
        self.forget()
        self.rows_changed()

    def describe(self) -> None:
        """How many of which."""
        found, item = self.scope.errors(), self.scope.evaluation
        self.heading = f"Rows {self._words()}"
        epoch = "" if item is None else fmt.epoch(item.epoch)
        whole = (
            "" if found.predictions is None else f"{len(found.rows)} of {len(found.predictions)}"
        )
        keys = "" if found.why else "w which   = alike   enter text" if found.rows else "w which"
        self.entitle("  ".join(part for part in (whole, epoch) if part), keys)

    def _words(self) -> str:
        scope = self.scope
        if scope.cell is None:
            return WHICH_WORDS[scope.which]
        return cell_words(scope.cell, scope.view.labels)

    def action_which(self) -> None:
        """Wrong here; right here and wrong in the best; the other way round."""
        if self.scope.cell is None:
            self.scope.which = WHICH[(WHICH.index(self.scope.which) + 1) % len(WHICH)]
        self.scope.cell = None
        self.redraw()

    def action_alike(self) -> None:
        """The cell of the confusion matrix that the row is in, or all rows again."""
        predictions, position = self.scope.errors().predictions, self.selected
        if self.scope.cell is not None:
            self.scope.cell = None
        elif predictions is not None and position is not None:
            self.scope.cell = (predictions.gold[position], predictions.predicted[position])
        self.redraw()


class RowTextPane(ScopePane):
    """The texts of one row, folded."""

    def __init__(self, scope: TrialScope) -> None:
        self._position: int | None = None
        super().__init__(scope, "Text", 2, "error-text")

    def show_row(self, position: int | None) -> None:
        """Another row."""
        self._position = position
        self.redraw()
        self.scroll_home(animate=False)

    def lines(self, width: int, height: int) -> Lines:
        """The row, or what will be here."""
        scope, styles = self.scope, styles_of(self)
        predictions = scope.errors().predictions
        if predictions is None or self._position not in scope.errors().rows:
            texts = ("The whole text of the row under the cursor", "enter on a row shows it alone")
            return centred(texts, width, height, styles)
        labels = scope.view.labels
        return row_lines(predictions, self._position, labels, scope.texts(), width, styles)
