"""When each trial ran: bars over the wall time, one line for each that ran at the same time."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.style import Style

from tuner.render.charts.axes import X_AXIS_LINES, Y_AXIS_WIDTH
from tuner.render.charts.scatter import DIM_GLYPH
from tuner.render.charts.trial_sample import ENDED_WITH_VALUE
from tuner.render.renderable_lines import Lines
from tuner.render.state_marks import trial_state_glyph
from tuner.render.styles import Styles, TextRun
from tuner.results.format import format_duration
from tuner.session.view import TrialState, TrialView

_BARS = {TrialState.COMPLETE: "━", TrialState.RUNNING: "═"}
_CUT_SHORT = "─"
_IN_A_FOLD = 8
"""Trials of a lane that a fold holds at least."""


class TrialBar(NamedTuple):
    """One trial from its start to its end, in the first lane that was free then."""

    trial: TrialView
    lane: int
    start: float
    end: float


def lay_out_bars(trials: Sequence[TrialView], now: float) -> list[TrialBar]:
    """Return the bars by their start; a trial that has not ended is drawn until `now`."""
    begun = sorted((t for t in trials if t.started), key=lambda t: (t.started, t.number))
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    placed: list[TrialBar] = []
    for trial in begun:
        while busy and busy[0][0] <= trial.started:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        end = max(now if trial.ended is None else trial.ended, trial.started)
        heapq.heappush(busy, (end, lane))
        placed.append(TrialBar(trial, lane, trial.started, end))
    return placed


@dataclass(frozen=True)
class TimelineLayout:
    """How the wall time is folded into `folds` bands, of one line or more for each lane."""

    begin: float
    seconds: float
    lanes: int
    columns: int
    folds: int
    lines_per_lane: int

    @property
    def lines_per_fold(self) -> int:
        return self.lanes * self.lines_per_lane

    def cell_of_time(self, time: float) -> int:
        """Return how many cells a time is from the beginning."""
        last = self.folds * self.columns - 1
        return min(round((time - self.begin) / self.seconds * last), last)


def fold_timeline(placed: Sequence[TrialBar], columns: int, rows: int) -> TimelineLayout:
    """Choose as many folds as there is room for, but none with only a few trials."""
    lanes = max(bar.lane for bar in placed) + 1
    lines_per_lane = 2 if 2 * lanes <= rows else 1
    folds = max(
        min(rows // (lanes * lines_per_lane), math.ceil(len(placed) / (_IN_A_FOLD * lanes))), 1
    )
    begin = placed[0].start
    seconds = max(bar.end for bar in placed) - begin
    return TimelineLayout(begin, seconds or 1.0, lanes, columns, folds, lines_per_lane)


def draw_timeline(
    trials: Sequence[TrialView],
    bright: Collection[int],
    best: TrialView | None,
    now: float,
    width: int,
    height: int,
    styles: Styles,
) -> Lines:
    """Draw the bars with their numbers where there is room; trials not in `bright` are dim."""
    placed = lay_out_bars(trials, now)
    columns, rows = _plot_size(width, height)
    plan = fold_timeline(placed, columns, rows)
    cells: dict[tuple[int, int], TextRun] = {}
    ends: dict[tuple[int, int], TextRun] = {}
    for bar in placed:
        trial, start, end = bar.trial, plan.cell_of_time(bar.start), plan.cell_of_time(bar.end)
        place, is_best = _cell_position(plan, bar, end), bar.trial is best
        if start == end and place in ends and not is_best:
            continue  # it would not be seen
        lit = trial.number in bright or trial.state not in ENDED_WITH_VALUE
        style = styles.trial_style(trial.state, best=is_best) if lit else styles.faint
        glyph = _BARS.get(trial.state, _CUT_SHORT) if lit else DIM_GLYPH
        _draw_bar(cells, bar, plan, (start, end), (glyph, style))
        _draw_number(cells, bar, plan, (start, end), styles.muted)
        if is_best or place not in ends:
            ends[place] = (trial_state_glyph(trial, best=is_best), style)
    cells |= ends
    blank = (" ", styles.text)
    lines: Lines = []
    for row in range(rows):
        label = _fold_label(plan, row)
        runs = join_equal_looks([cells.get((row, column), blank) for column in range(columns)])
        lines.append([(f"{label:>6}", styles.muted), ("│", styles.faint), *runs])
    label = format_duration(plan.seconds)
    lines.append([(" " * 6 + "└" + "─" * columns, styles.faint)])
    lines.append([(" " * Y_AXIS_WIDTH + label.rjust(columns), styles.muted)])
    return lines


def timeline_trial_at(
    trials: Sequence[TrialView], now: float, cell: tuple[int, int], width: int, height: int
) -> TrialView | None:
    """Return the trial whose bar, or number, is drawn at a cell from the left and the top."""
    placed = lay_out_bars(trials, now)
    columns, rows = _plot_size(width, height)
    plan, column = fold_timeline(placed, columns, rows), cell[0] - Y_AXIS_WIDTH
    fold, line = divmod(cell[1], plan.lines_per_fold)
    if not (0 <= column < columns and fold < plan.folds):
        return None
    time_cell, lane = fold * columns + column, line // plan.lines_per_lane
    covering_trials = (
        bar.trial
        for bar in placed
        if bar.lane == lane
        and plan.cell_of_time(bar.start) <= time_cell <= plan.cell_of_time(bar.end)
    )
    return next(covering_trials, None)


def _plot_size(width: int, height: int) -> tuple[int, int]:
    """Return columns and lines for the bars, beside and above the labels."""
    return max(width - Y_AXIS_WIDTH, 1), max(height - X_AXIS_LINES, 1)


def _fold_label(plan: TimelineLayout, row: int) -> str:
    """Say when a fold begins; where there is one fold, the number of the lane."""
    fold, line = divmod(row, plan.lines_per_fold)
    if fold >= plan.folds or line % plan.lines_per_lane:
        return ""
    if plan.folds == 1:
        return str(line // plan.lines_per_lane + 1)
    return format_duration(fold * plan.seconds / plan.folds) if line == 0 else ""


def _cell_position(
    plan: TimelineLayout, bar: TrialBar, cell: int, line: int = 0
) -> tuple[int, int]:
    fold, column = divmod(cell, plan.columns)
    return fold * plan.lines_per_fold + bar.lane * plan.lines_per_lane + line, column


def _draw_bar(
    cells: dict[tuple[int, int], TextRun],
    bar: TrialBar,
    plan: TimelineLayout,
    ends: tuple[int, int],
    sign: TextRun,
) -> None:
    for cell in range(*ends):
        cells[_cell_position(plan, bar, cell)] = sign


def _draw_number(
    cells: dict[tuple[int, int], TextRun],
    bar: TrialBar,
    plan: TimelineLayout,
    ends: tuple[int, int],
    style: Style,
) -> None:
    """Write the trial's number under its bar, where it touches no other and is not split."""
    text, (start, end) = f"#{bar.trial.number}", ends
    in_one_fold = start // plan.columns == (start + len(text)) // plan.columns
    if plan.lines_per_lane > 1 and len(text) < end - start and in_one_fold:
        for place, letter in enumerate(text, start=start + 1):
            cells[_cell_position(plan, bar, place, 1)] = (letter, style)


def join_equal_looks(cells: Sequence[TextRun]) -> list[TextRun]:
    runs: list[TextRun] = []
    for text, style in cells:
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + text, style)
        else:
            runs.append((text, style))
    return runs
