"""Learning curves, and the best value so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from rich.cells import cell_len
from rich.style import Style

from tuner.results.standing import Standing
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.charts.axes import FLOOR, GUTTER, Scale, framed, scale_of
from tuner.tui.charts.raster import Raster
from tuner.tui.render.marks import trial_glyph
from tuner.tui.render.styles import Run, Styles

SHOWN = 40
"""Trials that a chart draws: the newest, and always the best, the selected and the running."""
LEGEND = 10
"""From this height on a line above the chart names the curves in front."""

Point = tuple[float, float]
Along = Literal["share", "epoch", "step"]


@dataclass(frozen=True)
class Curve:
    """One line of a chart; later ones are drawn over earlier ones. `end` marks its last point.

    `name` is how the legend calls a line that is in front, with its `glyph`.
    """

    points: tuple[Point, ...]
    style: Style
    end: str = ""
    end_style: Style | None = None
    name: str = ""
    glyph: str = ""


@dataclass(frozen=True)
class Drawn:
    """Which trials a chart shows: `others` behind, `front` before them, the `selected` last."""

    others: Sequence[int]
    front: Sequence[int]
    selected: int | None = None

    def trials(self, view: SessionView) -> list[TrialView]:
        """In the order of drawing, each once."""
        front = dict.fromkeys(self.front)
        if self.selected is not None:
            front.pop(self.selected, None)
            front[self.selected] = None
        numbers = [*(number for number in reversed(self.others) if number not in front), *front]
        return [view.trials[number] for number in numbers if number in view.trials]


def learning_curves(
    view: SessionView, styles: Styles, drawn: Drawn, *, loss: bool = False, along: Along = "share"
) -> list[Curve]:
    """The metric (or the training loss) of these trials, the emphasised ones last."""
    curves = [
        _curve(view, trial, styles, drawn, tuple(trial_points(view, trial, loss, along)))
        for trial in drawn.trials(view)
    ]
    return [curve for curve in curves if curve.points]


def span(trials: Iterable[TrialView], view: SessionView, along: Along) -> float:
    """Where the x axis ends: the longest of these schedules."""
    if along == "share":
        return 1.0
    totals = (trial.of if along == "step" else epochs_of(trial, view) for trial in trials)
    return max(totals, default=0.0) or 1.0


def epochs_of(trial: TrialView, view: SessionView) -> float:
    """How many epochs the trial's whole schedule has, 0 where that is not known."""
    if trial.evaluations and trial.evaluations[-1].share > 0:
        return trial.evaluations[-1].epoch / trial.evaluations[-1].share
    training = view.recipe.get("training")
    planned = training.get("epochs") if isinstance(training, dict) else None
    found = trial.params.get("epochs", trial.fixed.get("epochs", planned))
    return float(found) if isinstance(found, int | float) else 0.0


def _curve(
    view: SessionView, trial: TrialView, styles: Styles, drawn: Drawn, points: tuple[Point, ...]
) -> Curve:
    best, selected = trial.number == view.best, trial.number == drawn.selected
    ended = styles.trial(trial.state, best=best)
    emphasised = best or selected or trial.number in drawn.front
    style = ended if emphasised else styles.faint
    if selected and not best and trial.state is TrialState.COMPLETE:
        style = styles.accent
    name = f"#{trial.number}" if emphasised else ""
    glyph = trial_glyph(trial, best=best)
    return Curve(points, style, _end(trial, best=best), ended, name, glyph)


def _end(trial: TrialView, *, best: bool) -> str:
    ends = {TrialState.PRUNED: "✂", TrialState.COLLAPSED: "⊘", TrialState.FAILED: "✗"}
    if trial.state in (TrialState.RUNNING, TrialState.PAUSED):
        return "●"
    return "★" if best else ends.get(trial.state, "")


def trial_points(
    view: SessionView, trial: TrialView, loss: bool = False, along: Along = "share"
) -> Iterable[Point]:
    """The metric, or the training loss; what is no number is left out."""
    if loss:
        unit = {"share": 1.0, "step": float(trial.of), "epoch": epochs_of(trial, view)}[along]
        return [(unit * step / trial.of, value) for step, value in trial.losses if trial.of]
    found = (
        (float(getattr(item, along)), item.metrics.get(view.metric, math.nan))
        for item in trial.evaluations
    )
    return [(place, value) for place, value in found if math.isfinite(value)]


def draw_curves(
    curves: Sequence[Curve],
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool = False,
    end: float = 1.0,
    ends: tuple[str, str] = ("0 %", "100 %"),
    cursor: float | None = None,
) -> list[list[Run]]:
    """The chart with its axes in width × height cells; x runs from 0 to `end`.

    A legend stands above where there is room for one; `cursor` is a vertical line, 0…1.
    """
    legend = legend_runs(curves, width, styles) if height >= LEGEND else []
    raster = Raster(width - GUTTER, height - FLOOR - bool(legend))
    scale = scale_of([value for curve in curves for _, value in curve.points], log=log)
    for curve in curves:
        _trace(raster, curve, scale, end)
    if cursor is not None:
        raster.rule(round(cursor * (raster.width - 1)), styles.accent)
    return [*([legend] if legend else []), *framed(raster.lines(), scale, ends, styles)]


def legend_runs(curves: Sequence[Curve], width: int, styles: Styles) -> list[Run]:
    """The curves in front by their names, as many as fit, the one on top first."""
    runs: list[Run] = [(" " * GUTTER, styles.text)]
    room = width - GUTTER
    for curve in [curve for curve in reversed(curves) if curve.name]:
        text = f"{curve.glyph} {curve.name}  "
        room -= cell_len(text)
        if room < 0:
            break
        runs.append((text, curve.style))
    return runs if len(runs) > 1 else []


def _trace(raster: Raster, curve: Curve, scale: Scale, end: float = 1.0) -> None:
    places = [
        (round(x / end * (raster.width - 1)), round((1 - scale.share(y)) * (raster.height - 1)))
        for x, y in curve.points
    ]
    for start, stop in pairwise(places):
        raster.line(start, stop, curve.style)
    if curve.end:
        raster.mark(*places[-1], curve.end, curve.end_style or curve.style)
    elif len(places) == 1:
        raster.dot(*places[0], curve.style)


def best_so_far(view: SessionView) -> list[Point]:
    """How the best value grew: (trials ended until then, value) at every change and at the end."""
    ended = sorted(
        (trial for trial in view.trials.values() if trial.ended is not None),
        key=lambda trial: trial.finish_order,
    )
    points: list[Point] = []
    best: Standing | None = None
    for count, trial in enumerate(ended, start=1):
        standing = trial.standing() if trial.state is TrialState.COMPLETE else None
        if standing is not None and standing.is_above(best, view.direction):
            best = standing
            points.append((float(count), standing.value))
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
