"""Learning curves, and the best value so far."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from rich.style import Style

from tuner.render.charts.line_chart import ChartLine, Point, draw_lines, staircase
from tuner.render.renderable_lines import Lines
from tuner.render.state_marks import trial_state_glyph
from tuner.render.styles import Styles
from tuner.results import format as fmt
from tuner.results.standing import Standing
from tuner.results.state_glyphs import GLYPHS
from tuner.session.view import SessionView, TrialState, TrialView

MAX_SHOWN_TRIALS = 40
"""Trials that a chart draws: the newest, and always the best, the selected and the running."""
LEGEND_MIN_HEIGHT = 10
"""From this height on a legend names the curves in front."""

CurveUnit = Literal["share", "epoch", "step"]


@dataclass(frozen=True)
class DrawnTrials:
    """Which trials a chart shows: the `selected` on top, `front` under it, `others` behind."""

    others: Sequence[int]
    front: Sequence[int]
    selected: int | None = None

    def trials_in_order(self, view: SessionView) -> list[TrialView]:
        """Return the trials from the topmost to the hindmost, each once."""
        selected = () if self.selected is None else (self.selected,)
        numbers = dict.fromkeys([*selected, *reversed(self.front), *self.others])
        return [view.trials[number] for number in numbers if number in view.trials]


def build_learning_curves(
    view: SessionView,
    styles: Styles,
    drawn_trials: DrawnTrials,
    *,
    loss: bool = False,
    along: CurveUnit = "share",
) -> list[ChartLine]:
    """Return the curves of the metric (or the training loss), the topmost first."""
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
    planned = None if view.recipe is None else view.recipe.training.epochs
    epochs = trial.params.get("epochs", trial.fixed.get("epochs", planned))
    return float(epochs) if isinstance(epochs, int | float) else 0.0


def _curve_of_trial(
    view: SessionView,
    trial: TrialView,
    styles: Styles,
    drawn_trials: DrawnTrials,
    points: tuple[Point, ...],
) -> ChartLine:
    best, selected = trial.number == view.best, trial.number == drawn_trials.selected
    ended = styles.trial_style(trial.state, best=best)
    emphasised = best or selected or trial.number in drawn_trials.front
    style = ended if emphasised else styles.faint
    if selected and not best and trial.state is TrialState.COMPLETE:
        style = styles.accent
    name = f"#{trial.number}" if emphasised else ""
    glyph = trial_state_glyph(trial, best=best)
    end_glyph = _end_glyph(trial, best=best)
    return ChartLine(points, style, name, glyph, end_glyph=end_glyph, end_style=ended)


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


def best_value_line(view: SessionView, style: Style) -> ChartLine:
    """Return how the best value grew, over the share of the trials that had ended by then."""
    points = best_value_points(view)
    ended = points[-1][0] if points else 1.0
    return ChartLine(tuple(staircase([(count / ended, value) for count, value in points])), style)


def draw_best_so_far(view: SessionView, width: int, height: int, styles: Styles) -> Lines:
    """Draw how the best value grew; [] before a trial is complete."""
    points = best_value_points(view)
    if not points:
        return []
    line = replace(best_value_line(view, styles.best), end_glyph=GLYPHS["best"])
    end_labels = ("0", fmt.count_in_words(round(points[-1][0]), "trial"))
    return draw_lines([line], width, height, styles, end_labels=end_labels)
