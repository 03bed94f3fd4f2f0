"""Which lines a trial's charts have: metric and losses, gradient norms, learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from tuner.recipe.config import TrialConfig
from tuner.render.charts.series import (
    Series,
    distinct_looks,
    draw_named_series,
    gradient_series,
    last_value_until,
    learning_rate_series,
)
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.results import format as fmt
from tuner.session.view import SessionView, TrialState, TrialView

LossChoice = Literal["both", "eval", "train"]
LOSS_CHOICES: tuple[LossChoice, ...] = ("both", "eval", "train")


def metric_and_loss_series(
    view: SessionView, trial: TrialView, choice: LossChoice, styles: Styles
) -> list[Series]:
    """Return the metric and the loss on the validation rows, and the training loss."""
    metric, loss, train = distinct_looks(3, styles)
    series = []
    if choice != "train":
        dots = len(trial.evaluations) <= 24
        series.append(Series(view.metric, _metric_points(trial, view.metric), *metric, dots=dots))
        if view.metric != "loss":
            series.append(Series("eval loss", _metric_points(trial, "loss"), *loss, dots=dots))
    if choice != "eval":
        series.append(Series("train loss", _train_loss_points(trial), *train))
    return [line for line in series if line.points]


def _metric_points(trial: TrialView, name: str) -> tuple[tuple[float, float], ...]:
    points = ((item.share, item.metrics.get(name, math.nan)) for item in trial.evaluations)
    return tuple((share, value) for share, value in points if math.isfinite(value))


def _train_loss_points(trial: TrialView) -> tuple[tuple[float, float], ...]:
    if not trial.total_steps:
        return ()
    points = [
        (step / trial.total_steps, loss) for step, loss in trial.losses if math.isfinite(loss)
    ]
    return tuple(points)


def draw_trial_series(
    series: Sequence[Series],
    trial: TrialView,
    share: float | None,
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool,
    format_value: Callable[[float], str] = fmt.format_number,
) -> Lines:
    """Draw lines over the steps, with the values at a share of the schedule in the legend."""
    noted = [replace(line, note=_legend_note(line, share, format_value)) for line in series]
    ends = ("0", f"step {trial.total_steps}" if trial.total_steps else "100 %")
    return draw_named_series(noted, width, height, styles, log=log, cursor=share, ends=ends)


def _legend_note(line: Series, share: float | None, format_value: Callable[[float], str]) -> str:
    value = last_value_until(line.points, 1.0 if share is None else share)
    return f"{'' if value is None else format_value(value)}{line.note}"


def gradient_norm_lines(trial: TrialView, styles: Styles) -> list[Series]:
    """Return the gradient norms, with a dot for each evaluation while dots can be told apart."""
    dots = len(trial.evaluations) <= 24
    return [replace(line, dots=dots) for line in gradient_series(trial, styles)]


def learning_rate_lines(
    trial: TrialView, config: TrialConfig, styles: Styles, *, log: bool
) -> list[Series]:
    """Return the schedule of each group's rate, with the last reported rate of a running trial.

    On a log scale the decay to 0 is left out below 1/30 of the smallest peak.
    """
    series = learning_rate_series(config, trial.total_steps, styles)
    peaks = [max(rate for _, rate in line.points) for line in series]
    floor = min((peak for peak in peaks if peak > 0), default=0.0) / 30 if log else 0.0
    trained = [name for name, rate in config.learning_rates.items() if rate is not None]
    return [
        replace(line, floor=floor, note=_reported_rate_note(trial, name))
        for line, name in zip(series, trained, strict=True)
    ]


def _reported_rate_note(trial: TrialView, name: str) -> str:
    rate = trial.learning_rates.get(name)
    if rate is None or trial.state is not TrialState.RUNNING:
        return ""
    return f", now {fmt.format_rate(rate)}"
