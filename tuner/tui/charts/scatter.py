"""Trials as points: their values in the order they came, and over one setting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from rich.style import Style

from tuner.results.format import GLYPHS, duration
from tuner.session.fold import better
from tuner.session.view import TrialState, TrialView
from tuner.tui.charts.axes import FLOOR, GUTTER, Scale, framed, scale_of
from tuner.tui.charts.raster import Raster
from tuner.tui.charts.sample import Axis, Sample
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Styles

Order = Literal["number", "time", "rank"]
ORDERS: tuple[Order, ...] = ("number", "time", "rank")
DIMMED = "·"
# • complete, × pruned, ⊘ collapsed, and ★ the best of them.
_POINTS = {TrialState.COMPLETE: "•", TrialState.PRUNED: "×", TrialState.COLLAPSED: "⊘"}


class Spot(NamedTuple):
    """One trial on a plot: the share of the width, its value, and its sign."""

    x: float
    y: float
    glyph: str
    style: Style


def draw_history(
    sample: Sample,
    bright: Sequence[bool],
    width: int,
    height: int,
    styles: Styles,
    *,
    order: Order = "number",
    best_line: bool = True,
    pruned: bool = True,
) -> Lines:
    """Every trial's value, and the best one so far as a staircase; trials not `bright` recede."""
    chosen = [
        (trial, lit)
        for trial, lit in zip(sample.trials, bright, strict=True)
        if pruned or trial.state is TrialState.COMPLETE
    ]
    xs, ends = _across(sample, [trial for trial, _ in chosen], order)
    spots = _spots(sample, chosen, xs, styles)
    raster, scale = _plot([spot.y for spot in spots], width, height)
    if best_line and order != "rank":
        _stairs(raster, scale, sample, [trial for trial, _ in chosen], xs, styles)
    _place(raster, scale, spots)
    return framed(raster.lines(), scale, ends, styles)


def draw_slice(
    sample: Sample,
    axis: Axis,
    bright: Sequence[bool],
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool | None = None,
) -> Lines:
    """Every trial's value over one setting; `log` overrules the scale that is searched on."""
    axis = axis if log is None else rescaled(axis, log=log)
    places = sample.places_on(axis)
    placed = [
        (trial, lit, place)
        for trial, lit, place in zip(sample.trials, bright, places, strict=True)
        if place is not None
    ]
    xs = [place for _, _, place in placed]
    spots = _spots(sample, [(trial, lit) for trial, lit, _ in placed], xs, styles)
    raster, scale = _plot([spot.y for spot in spots], width, height)
    _place(raster, scale, spots)
    return framed(raster.lines(), scale, axis.ends, styles)


def rescaled(axis: Axis, *, log: bool) -> Axis:
    """The axis on the other scale; one that begins at zero has no logarithms, and stays."""
    scale = Scale(axis.scale.low, axis.scale.high, log and axis.scale.low > 0)
    return Axis(axis.name, axis.label, scale, axis.choices, axis.whole)


def _across(
    sample: Sample, trials: Sequence[TrialView], order: Order
) -> tuple[list[float], tuple[str, str]]:
    """Where each trial stands from left to right, and what is written at both ends."""
    if not trials:
        return [], ("", "")
    if order == "rank":
        ranked = sorted(range(len(trials)), key=lambda i: _signed(sample, trials[i]))
        xs = [0.0] * len(trials)
        for rank, index in enumerate(ranked):
            xs[index] = rank / max(len(trials) - 1, 1)
        return xs, ("worst", "best")
    if order == "time":
        begin = min(trial.started for trial in trials)
        times = [(trial.ended or begin) - begin for trial in trials]
        last = max(times) or 1.0
        return [time / last for time in times], ("0", duration(last))
    first, last_number = trials[0].number, trials[-1].number
    span = max(last_number - first, 1)
    return [(trial.number - first) / span for trial in trials], (f"#{first}", f"#{last_number}")


def _signed(sample: Sample, trial: TrialView) -> float:
    value = trial.value or 0.0
    return value if sample.maximize else -value


def _spots(
    sample: Sample,
    chosen: Sequence[tuple[TrialView, bool]],
    xs: Sequence[float],
    styles: Styles,
) -> list[Spot]:
    """The points, what is to be seen best last: dimmed, pruned, complete, the best."""
    looks = {
        state: (glyph, styles.trial(state), 2 if state is TrialState.COMPLETE else 1)
        for state, glyph in _POINTS.items()
    }
    layers: tuple[list[Spot], ...] = ([], [], [], [])
    for (trial, lit), x in zip(chosen, xs, strict=True):
        glyph, style, layer = looks[trial.state] if lit else (DIMMED, styles.faint, 0)
        if trial is sample.best:
            glyph, style, layer = GLYPHS["best"], styles.best if lit else styles.faint, 3
        layers[layer].append(Spot(x, trial.value or 0.0, glyph, style))
    return [spot for layer in layers for spot in layer]


def _plot(values: Iterable[float], width: int, height: int) -> tuple[Raster, Scale]:
    return Raster(width - GUTTER, height - FLOOR), scale_of(list(values))


def _dots(raster: Raster, scale: Scale, x: float, y: float) -> tuple[int, int]:
    across = round(x * (raster.width - 1))
    return across, round((1 - scale.share(y)) * (raster.height - 1))


def _place(raster: Raster, scale: Scale, spots: Iterable[Spot]) -> None:
    """Only what is seen is drawn: the last spot of each cell."""
    across, down = raster.width - 1, raster.height - 1
    seen: dict[tuple[int, int], tuple[str, Style]] = {}
    for x, y, glyph, style in spots:
        cell = round(x * across) >> 1, round((1 - scale.share(y)) * down) >> 2
        seen[cell] = (glyph, style)
    for (column, row), (glyph, style) in seen.items():
        raster.mark(2 * column, 4 * row, glyph, style)


def _stairs(
    raster: Raster,
    scale: Scale,
    sample: Sample,
    trials: Sequence[TrialView],
    xs: Sequence[float],
    styles: Styles,
) -> None:
    """The best value so far: flat until a complete trial is better, then straight up."""
    corners: list[tuple[float, float]] = []
    complete = [
        (x, trial.value)
        for x, trial in zip(xs, trials, strict=True)
        if trial.state is TrialState.COMPLETE and trial.value is not None
    ]
    for x, value in sorted(complete, key=lambda item: item[0]):
        so_far = corners[-1][1] if corners else None
        if better(sample.direction, value, so_far):
            corners += [(x, value if so_far is None else so_far), (x, value)]
    if corners:
        corners.append((1.0, corners[-1][1]))
    places = [_dots(raster, scale, x, y) for x, y in corners]
    for start, end in pairwise(places):
        raster.line(start, end, styles.best)
