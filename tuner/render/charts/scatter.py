"""Trials as points: their values in the order they came, and over one setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.style import Style

from tuner.render.charts.axes import (
    X_AXIS_LINES,
    Y_AXIS_WIDTH,
    Scale,
    frame_with_axes,
    scale_of_values,
)
from tuner.render.charts.line_chart import staircase, trace_points
from tuner.render.charts.raster import Raster
from tuner.render.charts.trial_sample import Axis, TrialSample
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.results.format import format_duration
from tuner.results.state_glyphs import GLYPHS
from tuner.session.view import TrialState, TrialView

HistoryOrder = Literal["number", "time", "rank"]
HISTORY_ORDERS: tuple[HistoryOrder, ...] = ("number", "time", "rank")
DIM_GLYPH = "·"
_MAX_REACH = 3.0
"""Cells from a point that still mean it."""
# How a trial looks: dim, × pruned, ⊘ collapsed, • complete, ★ the best; and what covers what.
_DIM, _PRUNED, _COLLAPSED, _COMPLETE, _BEST = range(5)
_DEPTHS = np.array((0, 1, 1, 2, 3))

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Spots(NamedTuple):
    """Trials on a plot: the share of the width, the value and the look of each."""

    xs: Floats
    ys: Floats
    looks: Whole


def draw_trial_history(
    sample: TrialSample,
    bright: Sequence[bool],
    width: int,
    height: int,
    styles: Styles,
    *,
    order: HistoryOrder = "number",
    best_line: bool = True,
    pruned: bool = True,
) -> Lines:
    """Draw every trial's value, and the best so far as a staircase; trials not `bright` are dim."""
    drawn_trials = [
        (trial, lit)
        for trial, lit in zip(sample.trials, bright, strict=True)
        if pruned or trial.state is TrialState.COMPLETE
    ]
    trials = [trial for trial, _ in drawn_trials]
    xs, ends = _history_positions(sample, trials, order)
    spots = Spots(xs, _trial_values(trials), _looks_of_trials(sample, drawn_trials))
    raster, scale = _empty_plot(spots, width, height)
    if best_line and order != "rank":
        complete = np.array([_can_be_best(sample, trial) for trial in trials], dtype=bool)
        _draw_best_staircase(
            raster, scale, spots.xs[complete], spots.ys[complete], styles, sample.maximize
        )
    _draw_spots(raster, scale, spots, _glyph_per_look(sample, drawn_trials, styles))
    return frame_with_axes(raster.lines_of_runs(), scale, ends, styles)


def draw_setting_slice(
    sample: TrialSample,
    axis: Axis,
    bright: Sequence[bool],
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool | None = None,
) -> Lines:
    """Draw every trial's value over one setting; `log` overrules the scale it is searched on."""
    axis = axis if log is None else axis_on_scale(axis, log=log)
    positions = sample.positions_on_axis(axis)
    drawn_trials = [
        (trial, lit)
        for trial, lit, position in zip(sample.trials, bright, positions, strict=True)
        if position is not None
    ]
    xs = np.array([position for position in positions if position is not None], dtype=np.float64)
    spots = Spots(
        xs,
        _trial_values([trial for trial, _ in drawn_trials]),
        _looks_of_trials(sample, drawn_trials),
    )
    raster, scale = _empty_plot(spots, width, height)
    _draw_spots(raster, scale, spots, _glyph_per_look(sample, drawn_trials, styles))
    return frame_with_axes(raster.lines_of_runs(), scale, axis.end_labels, styles)


def history_trial_at(
    sample: TrialSample,
    cell: tuple[int, int],
    width: int,
    height: int,
    *,
    order: HistoryOrder,
    pruned: bool,
) -> TrialView | None:
    """Return the trial that `draw_trial_history` draws at or near a cell (from left and top)."""
    trials = [t for t in sample.trials if pruned or t.state is TrialState.COMPLETE]
    xs, _ = _history_positions(sample, trials, order)
    return _nearest_trial(trials, xs, cell, width, height)


def slice_trial_at(
    sample: TrialSample,
    axis: Axis,
    cell: tuple[int, int],
    width: int,
    height: int,
    *,
    log: bool | None,
) -> TrialView | None:
    """Return the trial that `draw_setting_slice` draws at or near a cell."""
    axis = axis if log is None else axis_on_scale(axis, log=log)
    pairs = zip(sample.trials, sample.positions_on_axis(axis), strict=True)
    placed = [(trial, place) for trial, place in pairs if place is not None]
    xs = np.array([place for _, place in placed], dtype=np.float64)
    return _nearest_trial([trial for trial, _ in placed], xs, cell, width, height)


def _nearest_trial(
    trials: Sequence[TrialView], xs: Floats, cell: tuple[int, int], width: int, height: int
) -> TrialView | None:
    if not trials:
        return None
    spots = Spots(xs, _trial_values(trials), np.zeros(len(trials), dtype=np.int64))
    raster, scale = _empty_plot(spots, width, height)
    across, down = _dots_of_spots(raster, scale, spots.xs, spots.ys)
    # A cell is about twice as high as wide.
    apart = np.hypot((across >> 1) - cell[0] + Y_AXIS_WIDTH, 2 * ((down >> 2) - cell[1]))
    nearest = int(np.argmin(apart))
    return trials[nearest] if apart[nearest] <= _MAX_REACH else None


def axis_on_scale(axis: Axis, *, log: bool) -> Axis:
    """Return the axis on the other scale; one that begins at zero has no logarithms, and stays."""
    scale = Scale(axis.scale.low, axis.scale.high, log and axis.scale.low > 0)
    return Axis(axis.name, axis.label, scale, axis.choices, axis.whole)


def _history_positions(
    sample: TrialSample, trials: Sequence[TrialView], order: HistoryOrder
) -> tuple[Floats, tuple[str, str]]:
    """Return the x of each trial, and the labels of both ends."""
    if not trials:
        return np.zeros(0), ("", "")
    if order == "rank":
        values = _trial_values(trials)
        ranked = np.argsort(values if sample.maximize else -values, kind="stable")
        xs = np.empty(len(trials))
        xs[ranked] = np.arange(len(trials)) / max(len(trials) - 1, 1)
        return xs, ("worst", "best")
    if order == "time":
        begin = min(trial.started for trial in trials)
        times = np.array([(trial.ended or begin) - begin for trial in trials])
        last = float(times.max()) or 1.0
        return times / last, ("0", format_duration(last))
    first, last_number = trials[0].number, trials[-1].number
    numbers = np.array([trial.number for trial in trials], dtype=np.float64)
    return (numbers - first) / max(last_number - first, 1), (f"#{first}", f"#{last_number}")


def _trial_values(trials: Sequence[TrialView]) -> Floats:
    return np.array([trial.value or 0.0 for trial in trials], dtype=np.float64)


def _looks_of_trials(sample: TrialSample, drawn_trials: Sequence[tuple[TrialView, bool]]) -> Whole:
    return np.array(
        [_look_of_trial(sample, trial, lit) for trial, lit in drawn_trials], dtype=np.int64
    )


def _look_of_trial(sample: TrialSample, trial: TrialView, lit: bool) -> int:
    if trial is sample.best_trial:
        return _BEST
    if not lit:
        return _DIM
    state = trial.state
    if state is TrialState.COMPLETE:
        return _COMPLETE
    return _PRUNED if state is TrialState.PRUNED else _COLLAPSED


def _glyph_per_look(
    sample: TrialSample, drawn_trials: Sequence[tuple[TrialView, bool]], styles: Styles
) -> list[tuple[str, Style]]:
    """Return glyph and style of each look."""
    best_lit = any(lit for trial, lit in drawn_trials if trial is sample.best_trial)
    return [
        (DIM_GLYPH, styles.faint),
        ("×", styles.trial_style(TrialState.PRUNED)),
        ("⊘", styles.trial_style(TrialState.COLLAPSED)),
        ("•", styles.trial_style(TrialState.COMPLETE)),
        (GLYPHS["best"], styles.best if best_lit else styles.faint),
    ]


def _empty_plot(spots: Spots, width: int, height: int) -> tuple[Raster, Scale]:
    ends = [float(spots.ys.min()), float(spots.ys.max())] if spots.ys.size else []
    return Raster(width - Y_AXIS_WIDTH, height - X_AXIS_LINES), scale_of_values(ends)


def _dots_of_spots(raster: Raster, scale: Scale, xs: Floats, ys: Floats) -> tuple[Whole, Whole]:
    """Return each spot's dot from the left and from the top."""
    shares = np.clip((ys - scale.low) / (scale.high - scale.low), 0.0, 1.0)
    across, down = np.rint(xs * (raster.width - 1)), np.rint((1 - shares) * (raster.height - 1))
    return across.astype(np.int64), down.astype(np.int64)


def _draw_spots(
    raster: Raster, scale: Scale, spots: Spots, signs: Sequence[tuple[str, Style]]
) -> None:
    """Draw only what is seen: of each cell the spot that covers the others."""
    across, down = _dots_of_spots(raster, scale, spots.xs, spots.ys)
    covering = np.argsort(_DEPTHS[spots.looks], kind="stable")[::-1]
    cells = (down >> 2) * raster.columns + (across >> 1)
    _, first_per_cell = np.unique(cells[covering], return_index=True)
    for index in covering[first_per_cell].tolist():
        raster.put_glyph(int(across[index]), int(down[index]), *signs[spots.looks[index]])


def _can_be_best(sample: TrialSample, trial: TrialView) -> bool:
    """One label for every row is no improvement on anything, whatever its score."""
    alone = sample.best_trial is None or sample.best_trial.one_label
    return trial.state is TrialState.COMPLETE and (alone or not trial.one_label)


def _draw_best_staircase(
    raster: Raster, scale: Scale, xs: Floats, ys: Floats, styles: Styles, maximize: bool
) -> None:
    """Draw the best value so far: flat until a complete trial is better, then straight up."""
    if not xs.size:
        return
    order = np.argsort(xs, kind="stable")
    good = ys[order] if maximize else -ys[order]
    so_far = np.maximum.accumulate(good)
    better = order[np.append(True, good[1:] > so_far[:-1])]
    steps = list(zip(xs[better].tolist(), ys[better].tolist(), strict=True))
    trace_points(raster, scale, staircase([*steps, (1.0, steps[-1][1])]), styles.best)
