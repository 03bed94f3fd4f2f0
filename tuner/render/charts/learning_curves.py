"""Learning curves, and the best value so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from rich.cells import cell_len
from rich.style import Style

from tuner.render.charts.axes import (
    X_AXIS_LINES,
    Y_AXIS_WIDTH,
    Scale,
    frame_with_axes,
    scale_of_values,
)
from tuner.render.charts.raster import Raster
from tuner.render.state_marks import trial_state_glyph
from tuner.render.styles import Styles, TextRun
from tuner.results.standing import Standing
from tuner.session.view import SessionView, TrialState, TrialView

MAX_SHOWN_TRIALS = 40
"""Trials that a chart draws: the newest, and always the best, the selected and the running."""
LEGEND_MIN_HEIGHT = 10
"""From this height on a line above the chart names the curves in front."""

Point = tuple[float, float]
CurveUnit = Literal["share", "epoch", "step"]


@dataclass(frozen=True)
class Curve:
    """One line of a chart; later ones are drawn over earlier ones. `end` marks its last point.

    `name` is how the legend calls a line that is in front, with its `glyph`.
    """

    points: tuple[Point, ...]
    style: Style
    end_glyph: str = ""
    end_style: Style | None = None
    name: str = ""
    glyph: str = ""


@dataclass(frozen=True)
class DrawnTrials:
    """Which trials a chart shows: `others` behind, `front` before them, the `selected` last."""

    others: Sequence[int]
    front: Sequence[int]
    selected: int | None = None

    def trials_in_order(self, view: SessionView) -> list[TrialView]:
        """Return the trials in the order of drawing, each once."""
        front = dict.fromkeys(self.front)
        if self.selected is not None:
            front.pop(self.selected, None)
            front[self.selected] = None
        numbers = [*(number for number in reversed(self.others) if number not in front), *front]
        return [view.trials[number] for number in numbers if number in view.trials]


def build_learning_curves(
    view: SessionView,
    styles: Styles,
    drawn_trials: DrawnTrials,
    *,
    loss: bool = False,
    along: CurveUnit = "share",
) -> list[Curve]:
    """Return the curves of the metric (or the training loss), the emphasised ones last."""
    curves = [
        _curve_of_trial(
            view, trial, styles, drawn_trials, tuple(curve_points(view, trial, loss, along))
        )
        for trial in drawn_trials.trials_in_order(view)
    ]
    return [curve for curve in curves if curve.points]


def x_axis_end(trials: Iterable[TrialView], view: SessionView, along: CurveUnit) -> float:
    """Return where the x axis ends: at the longest of these schedules."""
    if along == "share":
        return 1.0
    totals = (
        trial.total_steps if along == "step" else epochs_of_schedule(trial, view)
        for trial in trials
    )
    return max(totals, default=0.0) or 1.0


def epochs_of_schedule(trial: TrialView, view: SessionView) -> float:
    """Return how many epochs the trial's whole schedule has, 0 where that is not known."""
    if trial.evaluations and trial.evaluations[-1].share > 0:
        return trial.evaluations[-1].epoch / trial.evaluations[-1].share
    training = view.recipe.get("training")
    planned = training.get("epochs") if isinstance(training, dict) else None
    epochs = trial.params.get("epochs", trial.fixed.get("epochs", planned))
    return float(epochs) if isinstance(epochs, int | float) else 0.0


def _curve_of_trial(
    view: SessionView,
    trial: TrialView,
    styles: Styles,
    drawn_trials: DrawnTrials,
    points: tuple[Point, ...],
) -> Curve:
    best, selected = trial.number == view.best, trial.number == drawn_trials.selected
    ended = styles.trial_style(trial.state, best=best)
    emphasised = best or selected or trial.number in drawn_trials.front
    style = ended if emphasised else styles.faint
    if selected and not best and trial.state is TrialState.COMPLETE:
        style = styles.accent
    name = f"#{trial.number}" if emphasised else ""
    glyph = trial_state_glyph(trial, best=best)
    return Curve(points, style, _end_glyph(trial, best=best), ended, name, glyph)


def _end_glyph(trial: TrialView, *, best: bool) -> str:
    ends = {TrialState.PRUNED: "✂", TrialState.COLLAPSED: "⊘", TrialState.FAILED: "✗"}
    if trial.state in (TrialState.RUNNING, TrialState.PAUSED):
        return "●"
    return "★" if best else ends.get(trial.state, "")


def curve_points(
    view: SessionView, trial: TrialView, loss: bool = False, along: CurveUnit = "share"
) -> Iterable[Point]:
    """Return the points of the metric, or of the training loss; NaN is left out."""
    if loss:
        unit = {
            "share": 1.0,
            "step": float(trial.total_steps),
            "epoch": epochs_of_schedule(trial, view),
        }[along]
        return [
            (unit * step / trial.total_steps, value)
            for step, value in trial.losses
            if trial.total_steps
        ]
    points = (
        (float(getattr(item, along)), item.metrics.get(view.metric, math.nan))
        for item in trial.evaluations
    )
    return [(place, value) for place, value in points if math.isfinite(value)]


def draw_learning_curves(
    curves: Sequence[Curve],
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool = False,
    end: float = 1.0,
    ends: tuple[str, str] = ("0 %", "100 %"),
    cursor: float | None = None,
) -> list[list[TextRun]]:
    """Draw the chart with its axes in width × height cells; x runs from 0 to `end`.

    A legend stands above where there is room for one; `cursor` is a vertical line, 0…1.
    """
    legend = curve_legend_runs(curves, width, styles) if height >= LEGEND_MIN_HEIGHT else []
    raster = Raster(width - Y_AXIS_WIDTH, height - X_AXIS_LINES - bool(legend))
    scale = scale_of_values([value for curve in curves for _, value in curve.points], log=log)
    for curve in curves:
        _trace_curve(raster, curve, scale, end)
    if cursor is not None:
        raster.draw_vertical_rule(round(cursor * (raster.width - 1)), styles.accent)
    return [
        *([legend] if legend else []),
        *frame_with_axes(raster.lines_of_runs(), scale, ends, styles),
    ]


def curve_legend_runs(curves: Sequence[Curve], width: int, styles: Styles) -> list[TextRun]:
    """Name the curves in front, as many as fit, the topmost first."""
    runs: list[TextRun] = [(" " * Y_AXIS_WIDTH, styles.text)]
    room = width - Y_AXIS_WIDTH
    for curve in [curve for curve in reversed(curves) if curve.name]:
        text = f"{curve.glyph} {curve.name}  "
        room -= cell_len(text)
        if room < 0:
            break
        runs.append((text, curve.style))
    return runs if len(runs) > 1 else []


def _trace_curve(raster: Raster, curve: Curve, scale: Scale, end: float = 1.0) -> None:
    places = [
        (
            round(x / end * (raster.width - 1)),
            round((1 - scale.share_of_value(y)) * (raster.height - 1)),
        )
        for x, y in curve.points
    ]
    for start, stop in pairwise(places):
        raster.draw_line(start, stop, curve.style)
    if curve.end_glyph:
        raster.put_glyph(*places[-1], curve.end_glyph, curve.end_style or curve.style)
    elif len(places) == 1:
        raster.set_dot(*places[0], curve.style)


def best_value_points(view: SessionView) -> list[Point]:
    """Return (trials ended until then, best value) at every change and at the end."""
    ended = sorted(
        (trial for trial in view.trials.values() if trial.ended is not None),
        key=lambda trial: trial.finish_order_key,
    )
    points: list[Point] = []
    best: Standing | None = None
    for count, trial in enumerate(ended, start=1):
        standing = trial.current_standing() if trial.state is TrialState.COMPLETE else None
        if standing is not None and standing.ranks_above(best, view.direction):
            best = standing
            points.append((float(count), standing.value))
    if points:
        points.append((float(max(len(ended), 1)), points[-1][1]))
    return points


def draw_best_so_far(
    points: Sequence[Point], width: int, height: int, styles: Styles
) -> list[list[TextRun]]:
    """Draw `best_value_points` as a staircase in width × height cells."""
    raster = Raster(width - Y_AXIS_WIDTH, height - X_AXIS_LINES)
    scale = scale_of_values([value for _, value in points])
    last = points[-1][0] if points else 1.0
    stairs: list[Point] = []
    for count, value in points:
        if stairs:
            stairs.append((count / last, stairs[-1][1]))
        stairs.append((count / last, value))
    if stairs:
        _trace_curve(raster, Curve(tuple(stairs), styles.best, "★"), scale)
    return frame_with_axes(raster.lines_of_runs(), scale, ("0", f"{last:.0f} trials"), styles)
