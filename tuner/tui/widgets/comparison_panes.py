"""The panes of a comparison: table, verdict, curves, difference of the matrices."""

from __future__ import annotations

from rich.style import Style
from textual import events
from textual.message import Message

from tuner.errors import TunerError
from tuner.recipe.types import Range
from tuner.render.charts.axes import Scale
from tuner.render.charts.learning_curves import best_value_line, curve_points
from tuner.render.charts.line_chart import ChartLine, draw_lines
from tuner.render.comparison_table import (
    CANDIDATE_LETTERS,
    candidate_index_at,
    candidate_style,
    comparison_table_lines,
    count_fitting_columns,
)
from tuner.render.confusion_difference import difference_lines
from tuner.render.range_text import scale_of_range, searched_settings
from tuner.render.renderable_lines import Lines
from tuner.render.significance_text import agreement_count_lines, significance_lines
from tuner.render.styles import Styles
from tuner.render.trial_columns import metric_abbreviation
from tuner.results.format import sanitize_text
from tuner.results.state_glyphs import GLYPHS
from tuner.session.comparison import Candidate
from tuner.tui.state.comparison_state import ComparisonState
from tuner.tui.widgets.line_widgets import LineBar, Pane, empty_state_lines, theme_styles


class ComparisonTable(Pane):
    """Every fact of every candidate, with the difference from the baseline."""

    class ColumnClicked(Message):
        """The cursor is to go `step` columns to the right."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    def __init__(self, board: ComparisonState, heading: str, empty_state: tuple[str, ...]) -> None:
        self._board = board
        self.empty_state = empty_state
        self._scales: dict[str, Scale] = {}
        self._scales_basis: object = None
        super().__init__(heading, number=1, id="comparison-table")

    def content_lines(self, width: int, height: int) -> Lines:
        board, styles = self._board, theme_styles(self)
        if not board.is_comparable:
            return empty_state_lines(self.empty_state, width, height, styles)
        facts = board.table_facts()
        lines = comparison_table_lines(
            board.candidates,
            facts,
            width - 1,
            styles,
            column=board.cursor_column,
            scales=self._range_scales(),
        )
        return [[(" ", styles.text), *runs] for runs in lines]

    def on_click(self, event: events.Click) -> None:
        board, offset = self._board, event.get_content_offset(self)
        if offset is None or not board.is_comparable:
            return
        facts, width = board.table_facts(), self.content_width - 1
        column_index = candidate_index_at(
            board.candidates, facts, width, board.cursor_column, offset.x - 1
        )
        if column_index is not None:
            self.post_message(self.ColumnClicked(column_index - board.cursor_column))

    def _range_scales(self) -> dict[str, Scale]:
        """Return the scales of the searched ranges, computed once for the sessions compared."""
        view = self._board.candidates[0].view
        basis = (view.name, view.generation, bool(view.recipe))
        if self._scales_basis != basis:
            self._scales_basis = basis
            space = searched_settings(view)
            ranges = {
                name: setting for name, setting in space.items() if isinstance(setting, Range)
            }
            self._scales = {name: scale_of_range(setting) for name, setting in ranges.items()}
        return self._scales

    def update_border_text(self) -> None:
        board = self._board
        if board.is_comparable:
            tick = "✓" if board.only_differing else "·"
            hint = f"←/→ column   space unmark   c baseline   = only differing {tick}"
            count = len(board.candidates)
            fitting_count = count_fitting_columns(
                board.candidates, board.table_facts(), self.content_width - 1
            )
            self.set_border_text(
                f"{count}" if fitting_count >= count else f"{fitting_count} of {count} shown", hint
            )
        else:
            self.set_border_text("", "")


class VerdictBar(LineBar):
    """What the tests say, in as many lines as it takes; none while there is nothing to compare."""

    def __init__(self, board: ComparisonState) -> None:
        self._board = board
        super().__init__(id="verdict")

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        board, styles = self._board, theme_styles(self)
        if not board.is_comparable:
            return []
        verdicts = significance_lines(
            board.predictions, board.candidates, max(width - 2, 10), styles
        )
        return [[(" ", styles.text), *runs] for runs in verdicts]

    def redraw_content(self) -> None:
        """Draw anew, as high as the text."""
        super().redraw_content()
        count = len(self.content_lines(self.size.width, 0)) if self.size.width else 1
        self.styles.height = max(count, 1)
        self.display = self._board.is_comparable


class ComparisonCurves(Pane):
    """The candidates' curves over each other; a key switches to the next kind."""

    def __init__(self, board: ComparisonState, *, sessions: bool = False) -> None:
        self._board = board
        self._kinds = (
            ("best so far", "metric", "train loss") if sessions else ("metric", "train loss")
        )
        self._kind_index = 0
        super().__init__("Curves", number=2, id="comparison-curves")

    def show_next_kind(self) -> None:
        self._kind_index = (self._kind_index + 1) % len(self._kinds)
        self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:
        board, styles = self._board, theme_styles(self)
        if not board.is_comparable:
            return empty_state_lines(
                ("The curves of what is compared", "will be here"), width, height, styles
            )
        lines = [
            self._candidate_line(index, candidate_style(index, styles))
            for index in range(len(board.candidates))
        ]
        if not any(line.points for line in lines):
            return empty_state_lines(
                ("No point yet", "it comes with the first evaluation"), width, height, styles
            )
        ends = ("first", "last trial") if self._shown_kind == "best so far" else ("0 %", "100 %")
        return draw_lines(lines, width, height, styles, end_labels=ends)

    @property
    def _shown_kind(self) -> str:
        return self._kinds[self._kind_index]

    def _candidate_line(self, index: int, style: Style) -> ChartLine:
        candidate = self._board.candidates[index]
        if self._shown_kind == "best so far":
            points = best_value_line(candidate.view, style).points
        else:
            is_loss = self._shown_kind == "train loss"
            points = tuple(curve_points(candidate.view, candidate.trial, is_loss))
        star = f" {GLYPHS['best']}" if candidate.is_highlighted_best else ""
        name = f"{candidate.name}{star}"
        return ChartLine(points, style, name, CANDIDATE_LETTERS[index], "edge")

    def update_border_text(self) -> None:
        self.heading = self._chart_heading()
        next_kind = self._kinds[(self._kind_index + 1) % len(self._kinds)]
        self.set_border_text("", f"t {next_kind}" if self._board.is_comparable else "")

    def _chart_heading(self) -> str:
        if not self._board.candidates or self._shown_kind == "train loss":
            return "Train loss" if self._shown_kind == "train loss" else "Curves"
        metrics = {
            metric_abbreviation(candidate.view.metric) for candidate in self._board.candidates
        }
        metric_name = next(iter(metrics)) if len(metrics) == 1 else "each its own metric"
        return (
            f"{metric_name} over the schedule"
            if self._shown_kind == "metric"
            else f"{metric_name}, best so far"
        )


class ComparisonDifference(Pane):
    """The baseline's confusion matrix less the other one's, and the rows by who is correct."""

    def __init__(self, board: ComparisonState) -> None:
        self._board = board
        self._shows_shares = False
        super().__init__("Confusion difference", number=3, id="comparison-confusion")

    def toggle_shares(self) -> None:
        self._shows_shares = not self._shows_shares
        self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:
        board, styles = self._board, theme_styles(self)
        other_candidate = board.other_candidate
        if other_candidate is None:
            texts = ("Which label wins and which loses", "between the baseline and another")
            return empty_state_lines(texts, width, height, styles)
        first, second = board.candidates[0].counted_evaluation, other_candidate.counted_evaluation
        if first is None or second is None:
            return empty_state_lines(("No evaluation yet",), width, height, styles)
        if board.candidates[0].view.labels != other_candidate.view.labels:
            return empty_state_lines(
                ("The labels differ: no difference can be shown",), width, height, styles
            )
        labels = other_candidate.view.labels
        lines = difference_lines(
            first.confusion, second.confusion, labels, width, styles, shares=self._shows_shares
        )
        return [*lines, [], *self._flip_count_lines(other_candidate, width, styles)]

    def _flip_count_lines(self, other_candidate: Candidate, width: int, styles: Styles) -> Lines:
        try:
            flips = self._board.pair_with_other().flips
        except TunerError:
            return []
        names = (self._board.candidates[0].name, other_candidate.name)
        return agreement_count_lines(names, flips, width, styles)

    def update_border_text(self) -> None:
        other_candidate = self._board.other_candidate
        if other_candidate is None:
            self.set_border_text("", "")
        else:
            names = (self._board.candidates[0].name, other_candidate.name)
            pair = " − ".join(map(sanitize_text, names))
            next_unit = "rows" if self._shows_shares else "percent"
            self.set_border_text(pair, f"n {next_unit}   ←/→ other")
