"""The panes of a comparison: table, verdict, curves, difference of the matrices."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.message import Message

from tuner.errors import TunerError
from tuner.recipe.types import Range
from tuner.results.format import GLYPHS, plain
from tuner.session.contest import Contestant
from tuner.tui.board import Board
from tuner.tui.charts.axes import Scale
from tuner.tui.charts.curves import Curve, Point, best_so_far, trial_points
from tuner.tui.charts.overlay import draw_overlay
from tuner.tui.render.columns import short_metric
from tuner.tui.render.compare import (
    LETTERS,
    column_at,
    contestant_style,
    fitting_columns,
    table_lines,
)
from tuner.tui.render.difference import difference_lines
from tuner.tui.render.lined import Lines
from tuner.tui.render.space import scale_for, searched
from tuner.tui.render.styles import Styles
from tuner.tui.render.verdict import counts_lines, verdict_lines
from tuner.tui.widgets.lines import LineBar, Pane, centred, styles_of


class ContestTable(Pane):
    """Every fact of every contestant, with the difference from the baseline."""

    class ColumnClicked(Message):
        """The cursor is to go so many columns to the right."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, board: Board, heading: str, empty: tuple[str, ...]) -> None:
        self._board = board
        self.empty = empty
        self._scales: dict[str, Scale] = {}
        self._scaled_for: object = None
        super().__init__(heading, number=1, id="contest-table")

    def lines(self, width: int, height: int) -> Lines:
        """The table and under it what the tests say."""
        board, styles = self._board, styles_of(self)
        if not board.complete:
            return centred(self.empty, width, height, styles)
        facts = board.facts()
        lines = table_lines(
            board.contestants, facts, width - 1, styles, column=board.column, scales=self._ranges()
        )
        return [[(" ", styles.text), *runs] for runs in lines]

    def on_click(self, event: events.Click) -> None:
        """A click into a column is a step of the cursor to it."""
        board, offset = self._board, event.get_content_offset(self)
        if offset is None or not board.complete:
            return
        facts, width = board.facts(), self.room - 1
        place = column_at(board.contestants, facts, width, board.column, offset.x - 1)
        if place is not None:
            self.post_message(self.ColumnClicked(place - board.column))

    def _ranges(self) -> dict[str, Scale]:
        """The scales of the searched ranges, thought over when others are compared."""
        view = self._board.contestants[0].view
        basis = (view.name, view.generation, bool(view.recipe))
        if self._scaled_for != basis:
            self._scaled_for = basis
            space = searched(view)
            found = {name: each for name, each in space.items() if isinstance(each, Range)}
            self._scales = {name: scale_for(each) for name, each in found.items()}
        return self._scales

    def describe(self) -> None:
        """How many, and the keys."""
        board = self._board
        if board.complete:
            shown = "✓" if board.differing else "·"
            hint = f"←/→ column   space unmark   c baseline   = only differing {shown}"
            count = len(board.contestants)
            room = fitting_columns(board.contestants, board.facts(), self.room - 1)
            self.entitle(f"{count}" if room >= count else f"{room} of {count} shown", hint)
        else:
            self.entitle("", "")


class VerdictBar(LineBar):
    """What the tests say, in as many lines as it takes; none while there is nothing to compare."""

    def __init__(self, board: Board) -> None:
        self._board = board
        super().__init__(id="verdict")

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """One test for each of the others, and what follows from all."""
        board, styles = self._board, styles_of(self)
        if not board.complete:
            return []
        found = verdict_lines(board.answers, board.contestants, max(width - 2, 10), styles)
        return [[(" ", styles.text), *runs] for runs in found]

    def redraw(self) -> None:
        """As high as what it says."""
        super().redraw()
        count = len(self.lines(self.size.width, 0)) if self.size.width else 1
        self.styles.height = max(count, 1)
        self.display = self._board.complete


class ContestCurves(Pane):
    """The contestants' curves over each other; `kinds` are switched with a key."""

    def __init__(self, board: Board, *, sessions: bool = False) -> None:
        self._board = board
        self._kinds = (
            ("best so far", "metric", "train loss") if sessions else ("metric", "train loss")
        )
        self._kind = 0
        super().__init__("Curves", number=2, id="contest-curves")

    def switch(self) -> None:
        """The next kind of curve."""
        self._kind = (self._kind + 1) % len(self._kinds)
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """Letters and names above, the chart below."""
        board, styles = self._board, styles_of(self)
        if not board.complete:
            return centred(
                ("The curves of what is compared", "will be here"), width, height, styles
            )
        curves = [
            Curve(tuple(self._points(each)), contestant_style(place, styles), LETTERS[place])
            for place, each in enumerate(board.contestants)
        ]
        if not any(curve.points for curve in curves):
            return centred(
                ("No point yet", "the first evaluation brings it"), width, height, styles
            )
        legend = _legend(board, width, styles)
        ends = ("first", "last trial") if self._what == "best so far" else ("0 %", "100 %")
        room = max(height - len(legend), 4)
        return [*legend, *draw_overlay(curves, width, room, styles, ends=ends)]

    @property
    def _what(self) -> str:
        return self._kinds[self._kind]

    def _points(self, contestant: Contestant) -> list[Point]:
        view = contestant.view
        if self._what != "best so far":
            return list(trial_points(view, contestant.trial, self._what == "train loss"))
        points = best_so_far(view)
        last = points[-1][0] if points else 1.0
        stairs: list[Point] = []
        for count, value in points:
            if stairs:
                stairs.append((count / last, stairs[-1][1]))
            stairs.append((count / last, value))
        return stairs

    def describe(self) -> None:
        """The title names what is drawn."""
        self.heading = self._title()
        other = self._kinds[(self._kind + 1) % len(self._kinds)]
        self.entitle("", f"t {other}" if self._board.complete else "")

    def _title(self) -> str:
        if not self._board.contestants or self._what == "train loss":
            return "Train loss" if self._what == "train loss" else "Curves"
        metrics = {short_metric(each.view.metric) for each in self._board.contestants}
        named = next(iter(metrics)) if len(metrics) == 1 else "each its own metric"
        return f"{named} over the schedule" if self._what == "metric" else f"{named}, best so far"


def _legend(board: Board, width: int, styles: Styles) -> Lines:
    lines: Lines = [[]]
    used = 0
    for place, each in enumerate(board.contestants):
        best = f" {GLYPHS['best']}" if each.stands_out else ""
        text = f"  {LETTERS[place]} {plain(each.name)}{best}"
        if used and used + cell_len(text) > width:
            lines.append([])
            used = 0
        lines[-1].append((text, contestant_style(place, styles)))
        used += cell_len(text)
    return lines


class ContestDifference(Pane):
    """The baseline's confusion matrix less the opponent's, and the rows by who is right."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._shares = False
        super().__init__("Confusion difference", number=3, id="contest-confusion")

    def switch(self) -> None:
        """Rows, or points of each label's rows."""
        self._shares = not self._shares
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:
        """The matrix, or what will be here."""
        board, styles = self._board, styles_of(self)
        other = board.opponent
        if other is None:
            texts = ("Which label wins and which loses", "between the baseline and another")
            return centred(texts, width, height, styles)
        first, second = board.contestants[0].evaluation, other.evaluation
        if first is None or second is None:
            return centred(("No evaluation yet",), width, height, styles)
        if board.contestants[0].view.labels != other.view.labels:
            return centred(("Other labels: no difference can be shown",), width, height, styles)
        labels = other.view.labels
        lines = difference_lines(
            first.confusion, second.confusion, labels, width, styles, shares=self._shares
        )
        return [*lines, [], *self._counts(other, width, styles)]

    def _counts(self, other: Contestant, width: int, styles: Styles) -> Lines:
        try:
            found = self._board.pairing().flips
        except TunerError:
            return []
        names = (self._board.contestants[0].name, other.name)
        return counts_lines(names, found, width, styles)

    def describe(self) -> None:
        """Who less whom."""
        other = self._board.opponent
        if other is None:
            self.entitle("", "")
        else:
            pair = f"{plain(self._board.contestants[0].name)} − {plain(other.name)}"
            what = "rows" if self._shares else "percent"
            self.entitle(pair, f"n {what}   ←/→ other")
