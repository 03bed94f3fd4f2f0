"""Contestants side by side: the panes and keys that trials and sessions share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.binding import Binding
from textual.widget import Widget

from tuner.errors import TunerError
from tuner.session.contest import Contestant
from tuner.tui.board import Board
from tuner.tui.feed import Reading
from tuner.tui.render.lined import Lines
from tuner.tui.render.row_text import Answer, row_text_lines
from tuner.tui.render.styles import Styles
from tuner.tui.views.base import View
from tuner.tui.widgets.contest_panes import (
    ContestCurves,
    ContestDifference,
    ContestTable,
    VerdictBar,
)
from tuner.tui.widgets.flips import FlipsTable
from tuner.tui.widgets.lines import Pane
from tuner.tui.widgets.rows import RowTable


class ContestView(View):
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
        self.board = Board()

    def contestants(self) -> Sequence[Contestant]:
        """Who is compared."""
        raise NotImplementedError

    def empty_texts(self) -> tuple[str, ...]:
        """What the table says while there are too few."""
        raise NotImplementedError

    def leave_out(self, contestant: Contestant) -> None:
        """Take one out."""
        raise NotImplementedError

    def proposal(self) -> Sequence[int]:
        """The trials that enter compares while there is nothing to compare; () for none."""
        return ()

    def propose(self) -> None:
        """Compare those."""

    def sessions_are_compared(self) -> bool:
        """Whether the contestants are of several sessions."""
        return False

    def panes(self) -> Iterable[Widget]:
        """Four of them."""
        yield ContestTable(self.board, self.HEADING, self.empty_texts())
        yield ContestCurves(self.board, sessions=self.sessions_are_compared())
        yield ContestDifference(self.board)
        yield FlipsTable(self.board)

    def below(self) -> Iterable[Widget]:
        """What the tests say."""
        yield VerdictBar(self.board)

    def show_everything(self) -> None:
        """Who is compared may have changed."""
        self.board.seat(self.contestants())
        self.query_one(ContestTable).empty = self.empty_texts()
        self._redraw()

    def session_read(self, reading: Reading) -> None:
        """A contestant that still runs has come further."""
        if any(each.trial.number in reading.trials for each in self.board.contestants):
            self.show_everything()

    def marks_changed(self) -> None:
        """Others are compared."""
        if self.display:
            self.show_everything()

    def shown(self) -> None:
        """What was marked meanwhile is compared."""
        super().shown()
        if self.is_mounted:
            self.show_everything()

    def _redraw(self) -> None:
        for name in self.PANES[:3]:
            self.query_one(f"#{name}", Pane).redraw()
        self.query_one(FlipsTable).show()
        self.query_one(VerdictBar).redraw()
        self.screen.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Most needs two to compare."""
        if action in ("column", "baseline", "unmark", "differing", "curves", "normalize"):
            return self.board.complete
        if action == "rows":
            return self.board.complete or bool(self.proposal())
        return super().check_action(action, parameters)

    def action_column(self, step: int) -> None:
        """Another column, and another opponent."""
        self.board.move(step)
        self._redraw()

    def on_contest_table_column_clicked(self, event: ContestTable.ColumnClicked) -> None:
        """As with the keys."""
        event.stop()
        self.action_column(event.step)

    def action_baseline(self) -> None:
        """What the others are compared with."""
        self.board.make_baseline()
        self._redraw()

    def action_unmark(self) -> None:
        """The one under the cursor is left out."""
        if self.board.under_cursor is not None:
            self.leave_out(self.board.under_cursor)

    def action_differing(self) -> None:
        """Only what differs."""
        self.board.differing = not self.board.differing
        self.query_one(ContestTable).redraw()

    def action_curves(self) -> None:
        """Other curves."""
        self.query_one(ContestCurves).switch()

    def action_normalize(self) -> None:
        """Rows, or percent."""
        self.query_one(ContestDifference).switch()

    def action_rows(self) -> None:
        """To the rows that flip; where nothing is compared, what the empty table proposes."""
        if self.board.complete:
            self.focus_pane(4)
        else:
            self.propose()

    # The text of a row

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        """The row's texts, with the other flipped rows beside it."""
        from tuner.tui.screens.row_text import RowScreen

        event.stop()
        positions = self.board.flipped()
        pair = self.board.pairing()
        names = [f"Row {pair.first.rows[position]}" for position in positions]

        def draw(at: int, width: int, styles: Styles) -> Lines:
            return self._row_lines(positions[at], width, styles)

        path = [self.board.contestants[0].session.name]
        self.app.push_screen(RowScreen(path, names, positions.index(event.key), draw))

    def _row_lines(self, position: int, width: int, styles: Styles) -> Lines:
        board = self.board
        pair, first = board.pairing(), board.contestants[0]
        return row_text_lines(
            pair.first.rows[position],
            pair.first.gold[position],
            list(self._answers(position)),
            first.view.labels,
            board.texts(),
            width,
            styles,
        )

    def _answers(self, position: int) -> Iterable[Answer]:
        """Of all whose rows are the baseline's."""
        first = self.board.contestants[0]
        for each in self.board.contestants:
            try:
                found = self.board.answers.pairing(first, each).second
            except TunerError:
                continue
            yield Answer(each.name, found.predicted[position], found.confidence(position))
