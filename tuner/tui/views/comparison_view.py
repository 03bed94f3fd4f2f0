"""Candidates side by side: the panes and keys that trials and sessions share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.widget import Widget

from tuner.errors import TunerError
from tuner.render.renderable_lines import Lines
from tuner.render.row_predictions import RowPrediction, row_prediction_lines
from tuner.render.styles import Styles
from tuner.results.format import format_row_number
from tuner.session.comparison import Candidate
from tuner.tui.state.comparison_state import ComparisonState
from tuner.tui.state.session_reader import SessionDelta
from tuner.tui.views.base_view import View
from tuner.tui.widgets.comparison_panes import (
    ComparisonCurves,
    ComparisonDifference,
    ComparisonTable,
    VerdictBar,
)
from tuner.tui.widgets.flipped_rows_table import FlippedRowsTable
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import Pane
from tuner.tui.widgets.row_table import RowTable


class ComparisonView(View):
    """Candidates side by side; subclasses say which, and what the table says without any."""

    PANES = ("comparison-table", "comparison-curves", "comparison-confusion", "comparison-rows")
    TABS = ("1 Table", "2 Curves", "3 Confusion", "4 Rows")
    HEADING: ClassVar[str] = "Marked trials"
    BINDINGS = [
        key("right,l", "column(1)", "compare.next", "Column", "Next column", display="← →"),
        key("left,h", "column(-1)", "compare.previous", "Column", "Previous column", show=False),
        key("c", "baseline", "compare.baseline", "Baseline", "Compare the others with this"),
        key("space", "unmark", "compare.unmark", "Unmark", "Leave this one out"),
        key("=", "differing", "compare.differing", "Differing", "Only rows that differ, or all"),
        key("enter", "rows", "compare.rows", "Rows", "To the rows that flip"),
        key("t", "curves", "compare.curves", "Curves", "The metric, or training loss", show=False),
        key("n", "normalize", "compare.normalize", "Normalize", "Rows, or % per label", show=False),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.board = ComparisonState()

    def comparison_candidates(self) -> Sequence[Candidate]:
        raise NotImplementedError

    def empty_table_texts(self) -> tuple[str, ...]:
        """Return what the table says while there are too few candidates."""
        raise NotImplementedError

    def remove_candidate(self, candidate: Candidate) -> None:
        raise NotImplementedError

    def proposed_pair(self) -> Sequence[int]:
        """Return the trials that enter compares while there is nothing to compare; () for none."""
        return ()

    def accept_proposed_pair(self) -> None:
        """Compare the proposed trials."""

    def compares_sessions(self) -> bool:
        """Return whether the candidates are of several sessions."""
        return False

    def compose_panes(self) -> Iterable[Widget]:
        yield ComparisonTable(self.board, self.HEADING, self.empty_table_texts())
        yield ComparisonCurves(self.board, sessions=self.compares_sessions())
        yield ComparisonDifference(self.board)
        yield FlippedRowsTable(self.board)

    def compose_below(self) -> Iterable[Widget]:
        yield VerdictBar(self.board)

    def show_everything(self) -> None:
        self.board.set_candidates(self.comparison_candidates())
        self.query_one(ComparisonTable).empty_state = self.empty_table_texts()
        self._redraw_panes()

    def redraw_changes(self, delta: SessionDelta) -> None:
        """Redraw where a candidate that still runs has come further."""
        if any(candidate.trial.number in delta.trials for candidate in self.board.candidates):
            self.show_everything()

    def redraw_after_marks(self) -> None:
        if self.display:
            self.show_everything()

    def draw_missed_changes(self) -> None:
        super().draw_missed_changes()
        if self.is_mounted:
            self.show_everything()

    def _redraw_panes(self) -> None:
        for name in self.PANES[:3]:
            self.query_one(f"#{name}", Pane).redraw_content()
        self.query_one(FlippedRowsTable).reload_rows()
        self.query_one(VerdictBar).redraw_content()
        self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse most actions unless there are two candidates."""
        if action in ("column", "baseline", "unmark", "differing", "curves", "normalize"):
            return self.board.is_comparable
        if action == "rows":
            return self.board.is_comparable or bool(self.proposed_pair())
        return super().check_action(action, parameters)

    def action_column(self, step: int) -> None:
        """Move the cursor to another column, and so to another second candidate."""
        self.board.move_cursor(step)
        self._redraw_panes()

    def on_comparison_table_column_clicked(self, event: ComparisonTable.ColumnClicked) -> None:
        event.stop()
        self.action_column(event.step)

    def action_baseline(self) -> None:
        """Make the candidate under the cursor the one that the others are compared with."""
        self.board.make_baseline()
        self._redraw_panes()

    def action_unmark(self) -> None:
        if self.board.candidate_under_cursor is not None:
            self.remove_candidate(self.board.candidate_under_cursor)

    def action_differing(self) -> None:
        """Show only the rows that differ, or all."""
        self.board.only_differing = not self.board.only_differing
        self.query_one(ComparisonTable).redraw_content()

    def action_curves(self) -> None:
        self.query_one(ComparisonCurves).show_next_kind()

    def action_normalize(self) -> None:
        self.query_one(ComparisonDifference).toggle_shares()

    def action_rows(self) -> None:
        """Go to the rows that flip; without candidates, compare what the empty table proposes."""
        if self.board.is_comparable:
            self.focus_pane_number(4)
        else:
            self.accept_proposed_pair()

    # The text of a row

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        """Show the row's text; the other flipped rows are its neighbours."""
        event.stop()
        positions = self.board.flipped_rows()
        pair = self.board.pair_with_other()
        names = [f"Row {format_row_number(pair.first.rows[position])}" for position in positions]

        def draw_row(index: int, width: int, styles: Styles) -> Lines:
            return self._lines_of_row(positions[index], width, styles)

        path = [self.board.candidates[0].session.name]
        self.tuner_app.open_row_screen(path, names, positions.index(event.key), draw_row)

    def _lines_of_row(self, position: int, width: int, styles: Styles) -> Lines:
        board = self.board
        pair, first = board.pair_with_other(), board.candidates[0]
        return row_prediction_lines(
            pair.first.rows[position],
            pair.first.gold[position],
            list(self._predictions_for_row(position)),
            first.view.labels,
            board.baseline_texts(),
            width,
            styles,
        )

    def _predictions_for_row(self, position: int) -> Iterable[RowPrediction]:
        """Yield the predictions of every candidate that was evaluated on the baseline's rows."""
        first = self.board.candidates[0]
        for candidate in self.board.candidates:
            try:
                predictions = self.board.predictions.pair_predictions(first, candidate).second
            except TunerError:
                continue
            yield RowPrediction(
                candidate.name,
                predictions.predicted[position],
                predictions.answer_probability(position),
            )
