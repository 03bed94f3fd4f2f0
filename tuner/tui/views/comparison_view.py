"""Contestants side by side: the panes and keys that trials and sessions share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding
from textual.widget import Widget

from tuner.errors import TunerError
from tuner.render.renderable_lines import Lines
from tuner.render.row_predictions import RowPrediction, row_prediction_lines
from tuner.render.styles import Styles
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
from tuner.tui.widgets.line_widgets import Pane
from tuner.tui.widgets.row_table import RowTable


class ComparisonView(View):
    """Heirs say who is compared, and what an empty comparison tells."""

    PANES = ("contest-table", "contest-curves", "contest-confusion", "contest-rows")
    TABS = ("1 Table", "2 Curves", "3 Confusion", "4 Rows")
    HEADING: ClassVar[str] = "Marked trials"
    BINDINGS = [
        Binding(
            "right,l",
            "column(1)",
            "Column",
            key_display="← →",
            id="compare.next",
            tooltip="The cursor to the next column: it is compared row by row",
        ),
        Binding(
            "left,h",
            "column(-1)",
            "Column",
            show=False,
            id="compare.previous",
            tooltip="The cursor to the column before",
        ),
        Binding("c", "baseline", "Baseline", id="compare.baseline", tooltip="Compare with this"),
        Binding("space", "unmark", "Unmark", id="compare.unmark", tooltip="Leave this one out"),
        Binding(
            "equals_sign",
            "differing",
            "Differing",
            id="compare.differing",
            tooltip="Only rows that differ, or all",
        ),
        Binding("enter", "rows", "Rows", id="compare.rows", tooltip="To the rows that flip"),
        Binding(
            "t",
            "curves",
            "Curves",
            show=False,
            id="compare.curves",
            tooltip="Other curves: the metric, or the training loss",
        ),
        Binding(
            "n",
            "normalize",
            "Normalize",
            show=False,
            id="compare.normalize",
            tooltip="The difference in rows, or in percent of each label",
        ),
    ]

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.board = ComparisonState()

    def comparison_candidates(self) -> Sequence[Candidate]:
        """Who is compared."""
        raise NotImplementedError

    def empty_table_texts(self) -> tuple[str, ...]:
        """What the table says while there are too few."""
        raise NotImplementedError

    def remove_candidate(self, candidate: Candidate) -> None:
        """Take one out."""
        raise NotImplementedError

    def proposed_pair(self) -> Sequence[int]:
        """The trials that enter compares while there is nothing to compare; () for none."""
        return ()

    def accept_proposed_pair(self) -> None:
        """Compare those."""

    def compares_sessions(self) -> bool:
        """Whether the contestants are of several sessions."""
        return False

    def compose_panes(self) -> Iterable[Widget]:
        """Four of them."""
        yield ComparisonTable(self.board, self.HEADING, self.empty_table_texts())
        yield ComparisonCurves(self.board, sessions=self.compares_sessions())
        yield ComparisonDifference(self.board)
        yield FlippedRowsTable(self.board)

    def compose_below(self) -> Iterable[Widget]:
        """What the tests say."""
        yield VerdictBar(self.board)

    def show_everything(self) -> None:
        """Who is compared may have changed."""
        self.board.set_candidates(self.comparison_candidates())
        self.query_one(ComparisonTable).empty_state = self.empty_table_texts()
        self._redraw_panes()

    def redraw_changes(self, delta: SessionDelta) -> None:
        """A contestant that still runs has come further."""
        if any(candidate.trial.number in delta.trials for candidate in self.board.candidates):
            self.show_everything()

    def redraw_after_marks(self) -> None:
        """Others are compared."""
        if self.display:
            self.show_everything()

    def draw_missed_changes(self) -> None:
        """What was marked meanwhile is compared."""
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
        """Most needs two to compare."""
        if action in ("column", "baseline", "unmark", "differing", "curves", "normalize"):
            return self.board.is_comparable
        if action == "rows":
            return self.board.is_comparable or bool(self.proposed_pair())
        return super().check_action(action, parameters)

    def action_column(self, step: int) -> None:
        """Another column, and another opponent."""
        self.board.move_cursor(step)
        self._redraw_panes()

    def on_comparison_table_column_clicked(self, event: ComparisonTable.ColumnClicked) -> None:
        """As with the keys."""
        event.stop()
        self.action_column(event.step)

    def action_baseline(self) -> None:
        """What the others are compared with."""
        self.board.make_baseline()
        self._redraw_panes()

    def action_unmark(self) -> None:
        """The one under the cursor is left out."""
        if self.board.candidate_under_cursor is not None:
            self.remove_candidate(self.board.candidate_under_cursor)

    def action_differing(self) -> None:
        """Only what differs."""
        self.board.only_differing = not self.board.only_differing
        self.query_one(ComparisonTable).redraw_content()

    def action_curves(self) -> None:
        """Other curves."""
        self.query_one(ComparisonCurves).show_next_kind()

    def action_normalize(self) -> None:
        """Rows, or percent."""
        self.query_one(ComparisonDifference).toggle_shares()

    def action_rows(self) -> None:
        """To the rows that flip; where nothing is compared, what the empty table proposes."""
        if self.board.is_comparable:
            self.focus_pane_number(4)
        else:
            self.accept_proposed_pair()

    # The text of a row

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        """The row's texts, with the other flipped rows beside it."""
        from tuner.tui.screens.row_screen import RowScreen

        event.stop()
        positions = self.board.flipped_rows()
        pair = self.board.pair_with_other()
        names = [f"Row {pair.first.rows[position]}" for position in positions]

        def draw_row(index: int, width: int, styles: Styles) -> Lines:
            return self._lines_of_row(positions[index], width, styles)

        path = [self.board.candidates[0].session.name]
        self.app.push_screen(RowScreen(path, names, positions.index(event.key), draw_row))

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
        """Of all whose rows are the baseline's."""
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
