"""When each trial ran: bars over the wall time, one line for each that ran at the same time."""

from __future__ import annotations

import heapq
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.style import Style

from tuner.results.format import duration
from tuner.session.view import TrialState, TrialView
from tuner.tui.charts.axes import FLOOR, GUTTER
from tuner.tui.charts.sample import ENDED_WITH_VALUE
from tuner.tui.charts.scatter import DIMMED
from tuner.tui.render.lined import Lines
from tuner.tui.render.marks import trial_glyph
from tuner.tui.render.styles import Run, Styles

_BARS = {TrialState.COMPLETE: "━", TrialState.RUNNING: "═"}
_CUT_SHORT = "─"
_IN_A_FOLD = 8
"""Trials of a lane that a fold holds at least."""


class Bar(NamedTuple):
    """One trial from its start to its end, in the first line that was free then."""

    trial: TrialView
    lane: int
    start: float
    end: float


def bars(trials: Sequence[TrialView], now: float) -> list[Bar]:
    """The bars by their start; a trial that has not ended is drawn until `now`."""
    begun = sorted((t for t in trials if t.started), key=lambda t: (t.started, t.number))
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    found: list[Bar] = []
    for trial in begun:
        while busy and busy[0][0] <= trial.started:
            heapq.heappush(free, heapq.heappop(busy)[1])
        lane = heapq.heappop(free) if free else len(busy)
        end = max(now if trial.ended is None else trial.ended, trial.started)
        heapq.heappush(busy, (end, lane))
        found.append(Bar(trial, lane, trial.started, end))
    return found


@dataclass(frozen=True)
class Layout:
    """How the wall time is folded into `folds` bands, of one line or more for each lane."""

    begin: float
    seconds: float
    lanes: int
    columns: int
    folds: int
    apart: int

    @property
    def band(self) -> int:
        """Lines from one fold to the next."""
        return self.lanes * self.apart

    def cell(self, time: float) -> int:
        """How many cells the time is from the beginning."""
        last = self.folds * self.columns - 1
        return min(round((time - self.begin) / self.seconds * last), last)


def layout(placed: Sequence[Bar], columns: int, rows: int) -> Layout:
    """As many folds as there is room for, but none with only a few trials."""
    lanes = max(bar.lane for bar in placed) + 1
    apart = 2 if 2 * lanes <= rows else 1
    folds = max(min(rows // (lanes * apart), math.ceil(len(placed) / (_IN_A_FOLD * lanes))), 1)
    begin = placed[0].start
    seconds = max(bar.end for bar in placed) - begin
    return Layout(begin, seconds or 1.0, lanes, columns, folds, apart)


def draw_timeline(
    trials: Sequence[TrialView],
    bright: Collection[int],
    best: TrialView | None,
    now: float,
    width: int,
    height: int,
    styles: Styles,
) -> Lines:
    """The bars with their numbers where there is room; trials not in `bright` recede."""
    placed = bars(trials, now)
    columns, rows = _room(width, height)
    plan = layout(placed, columns, rows)
    cells: dict[tuple[int, int], Run] = {}
    ends: dict[tuple[int, int], Run] = {}
    for bar in placed:
        trial, start, end = bar.trial, plan.cell(bar.start), plan.cell(bar.end)
        place, is_best = _at(plan, bar, end), bar.trial is best
        if start == end and place in ends and not is_best:
            continue  # it would not be seen
        lit = trial.number in bright or trial.state not in ENDED_WITH_VALUE
        style = styles.trial(trial.state, best=is_best) if lit else styles.faint
        glyph = _BARS.get(trial.state, _CUT_SHORT) if lit else DIMMED
        _draw(cells, bar, plan, (start, end), (glyph, style))
        _number(cells, bar, plan, (start, end), styles.muted)
        if is_best or place not in ends:
            ends[place] = (trial_glyph(trial, best=is_best), style)
    cells |= ends
    blank = (" ", styles.text)
    lines: Lines = []
    for row in range(rows):
        label = _label(plan, row)
        runs = joined([cells.get((row, column), blank) for column in range(columns)])
        lines.append([(f"{label:>6}", styles.muted), ("│", styles.faint), *runs])
    label = duration(plan.seconds)
    lines.append([(" " * 6 + "└" + "─" * columns, styles.faint)])
    lines.append([(" " * GUTTER + label.rjust(columns), styles.muted)])
    return lines


def timeline_trial(
    trials: Sequence[TrialView], now: float, cell: tuple[int, int], width: int, height: int
) -> TrialView | None:
    """The trial whose bar, or number, is drawn at a cell from the left and the top."""
    placed = bars(trials, now)
    columns, rows = _room(width, height)
    plan, column = layout(placed, columns, rows), cell[0] - GUTTER
    fold, line = divmod(cell[1], plan.band)
    if not (0 <= column < columns and fold < plan.folds):
        return None
    at, lane = fold * columns + column, line // plan.apart
    there = (
        bar.trial
        for bar in placed
        if bar.lane == lane and plan.cell(bar.start) <= at <= plan.cell(bar.end)
    )
    return next(there, None)


def _room(width: int, height: int) -> tuple[int, int]:
    """Columns and lines for the bars, beside and above the labels."""
    return max(width - GUTTER, 1), max(height - FLOOR, 1)


def _label(plan: Layout, row: int) -> str:
    """When a fold begins; where there is one fold, the number of the lane."""
    fold, line = divmod(row, plan.band)
    if fold >= plan.folds or line % plan.apart:
        return ""
    if plan.folds == 1:
        return str(line // plan.apart + 1)
    return duration(fold * plan.seconds / plan.folds) if line == 0 else ""


def _at(plan: Layout, bar: Bar, cell: int, line: int = 0) -> tuple[int, int]:
    fold, column = divmod(cell, plan.columns)
    return fold * plan.band + bar.lane * plan.apart + line, column


def _draw(
    cells: dict[tuple[int, int], Run], bar: Bar, plan: Layout, ends: tuple[int, int], sign: Run
) -> None:
    for cell in range(*ends):
        cells[_at(plan, bar, cell)] = sign


def _number(
    cells: dict[tuple[int, int], Run], bar: Bar, plan: Layout, ends: tuple[int, int], style: Style
) -> None:
    """The trial's number under its bar, where it touches no other and is not torn apart."""
    text, (start, end) = f"#{bar.trial.number}", ends
    in_one_fold = start // plan.columns == (start + len(text)) // plan.columns
    if plan.apart > 1 and len(text) < end - start and in_one_fold:
        for place, letter in enumerate(text, start=start + 1):
            cells[_at(plan, bar, place, 1)] = (letter, style)


def joined(cells: Sequence[Run]) -> list[Run]:
    """Cells of the same look as one run."""
    runs: list[Run] = []
    for text, style in cells:
        if runs and runs[-1][1] == style:
            runs[-1] = (runs[-1][0] + text, style)
        else:
            runs.append((text, style))
    return runs
