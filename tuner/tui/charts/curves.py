"""Learning curves, and the best value so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.style import Style

from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.charts.axes import FLOOR, GUTTER, Scale, framed, scale_of
from tuner.tui.charts.raster import Raster
from tuner.tui.render.styles import Run, Styles

SHOWN = 40
"""Trials that a chart draws: the newest, and always the best, the selected and the running."""

Point = tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """One line of a chart; later ones are drawn over earlier ones. `end` marks its last point."""

    points: tuple[Point, ...]
    style: Style
    end: str = ""
    end_style: Style | None = None


def learning_curves(
    view: SessionView, styles: Styles, marked: Sequence[int | None] = (), *, loss: bool = False
) -> list[Curve]:
    """The metric (or the training loss) by share of the schedule, the emphasised trials last.

    `marked` are what runs and, at the end, the selected trial: they are drawn over the others.
    """
    selected = marked[-1] if marked else None
    trials = _drawn(view, marked)
    curves = [_curve(view, trial, styles, selected, loss) for trial in trials]
    return [curve for curve in curves if curve.points]


def _drawn(view: SessionView, marked: Sequence[int | None]) -> list[TrialView]:
    front = dict.fromkeys([view.best, *marked])
    newest = [number for number in sorted(view.trials)[-SHOWN:] if number not in front]
    chosen = [*newest, *(number for number in front if number in view.trials)]
    return [view.trials[number] for number in chosen if number is not None]


def _curve(
    view: SessionView, trial: TrialView, styles: Styles, selected: int | None, loss: bool
) -> Curve:
    best = trial.number == view.best
    emphasised = best or trial.number == selected or trial.state is TrialState.RUNNING
    style = styles.faint
    if emphasised:
        style = styles.trial(trial.state, best=best)
    if trial.number == selected and not best and trial.state is TrialState.COMPLETE:
        style = styles.accent
    points = tuple(_points(view, trial, loss))
    return Curve(points, style, _end(trial, best=best), styles.trial(trial.state, best=best))


def _end(trial: TrialView, *, best: bool) -> str:
    ends = {TrialState.PRUNED: "✂", TrialState.COLLAPSED: "⊘", TrialState.FAILED: "✗"}
    if trial.state in (TrialState.RUNNING, TrialState.PAUSED):
        return "●"
    return "★" if best else ends.get(trial.state, "")


def _points(view: SessionView, trial: TrialView, loss: bool) -> Iterable[Point]:
    if loss:
        return [(step / trial.of, value) for step, value in trial.losses if trial.of]
    found = ((item.share, item.metrics.get(view.metric, math.nan)) for item in trial.evaluations)
    return [(share, value) for share, value in found if math.isfinite(value)]


def draw_curves(
    curves: Sequence[Curve],
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool = False,
    ends: tuple[str, str] = ("0 %", "100 %"),
) -> list[list[Run]]:
    """The chart with its axes in width × height cells; x runs from 0 to 1."""
    raster = Raster(width - GUTTER, height - FLOOR)
    scale = scale_of([value for curve in curves for _, value in curve.points], log=log)
    for curve in curves:
        _trace(raster, curve, scale)
    return framed(raster.lines(), scale, ends, styles)


def _trace(raster: Raster, curve: Curve, scale: Scale) -> None:
    places = [
        (round(x * (raster.width - 1)), round((1 - scale.share(y)) * (raster.height - 1)))
        for x, y in curve.points
    ]
    for start, end in pairwise(places):
        raster.line(start, end, curve.style)
    if curve.end:
        raster.mark(*places[-1], curve.end, curve.end_style or curve.style)
    elif len(places) == 1:
        raster.dot(*places[0], curve.style)


def best_so_far(view: SessionView) -> list[Point]:
    """How the best value grew: (trials ended until then, value) at every change and at the end."""
    sign = -1.0 if view.direction == "minimize" else 1.0
    ended = sorted(
        (trial for trial in view.trials.values() if trial.ended is not None),
        key=lambda trial: (trial.ended or 0.0, trial.number),
    )
    points: list[Point] = []
    for count, trial in enumerate(ended, start=1):
        if trial.state is not TrialState.COMPLETE or trial.value is None:
            continue
        if not points or sign * trial.value > sign * points[-1][1]:
            points.append((float(count), trial.value))
    if points:
        points.append((float(max(len(ended), 1)), points[-1][1]))
    return points


def draw_best(points: Sequence[Point], width: int, height: int, styles: Styles) -> list[list[Run]]:
    """`best_so_far` as a staircase in width × height cells."""
    raster = Raster(width - GUTTER, height - FLOOR)
    scale = scale_of([value for _, value in points])
    last = points[-1][0] if points else 1.0
    stairs: list[Point] = []
    for count, value in points:
        if stairs:
            stairs.append((count / last, stairs[-1][1]))
        stairs.append((count / last, value))
    if stairs:
        _trace(raster, Curve(tuple(stairs), styles.best, "★"), scale)
    return framed(raster.lines(), scale, ("0", f"{last:.0f} trials"), styles)
