"""Which lines a trial's charts have: metric and losses, gradient norms, learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from tuner.recipe.config import TrialConfig
from tuner.results import format as fmt
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.charts.series import (
    Series,
    draw_series,
    gradient_series,
    looks,
    rate_series,
    value_at,
)
from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Styles

Drawn = Literal["both", "eval", "train"]
DRAWN: tuple[Drawn, ...] = ("both", "eval", "train")


def loss_series(view: SessionView, trial: TrialView, drawn: Drawn, styles: Styles) -> list[Series]:
    """The metric and the loss on the validation rows, and the training loss between."""
    metric, loss, train = looks(3, styles)
    found = []
    if drawn != "train":
        dots = len(trial.evaluations) <= 24
        found.append(Series(view.metric, _measured(trial, view.metric), *metric, dots=dots))
        if view.metric != "loss":
            found.append(Series("eval loss", _measured(trial, "loss"), *loss, dots=dots))
    if drawn != "eval":
        found.append(Series("train loss", _trained(trial), *train))
    return [line for line in found if line.points]


def _measured(trial: TrialView, name: str) -> tuple[tuple[float, float], ...]:
    found = ((item.share, item.metrics.get(name, math.nan)) for item in trial.evaluations)
    return tuple((share, value) for share, value in found if math.isfinite(value))


def _trained(trial: TrialView) -> tuple[tuple[float, float], ...]:
    if not trial.of:
        return ()
    found = [(step / trial.of, loss) for step, loss in trial.losses if math.isfinite(loss)]
    return tuple(found)


def chart_lines(
    series: Sequence[Series],
    trial: TrialView,
    share: float | None,
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool,
    shown: Callable[[float], str] = fmt.number,
) -> Lines:
    """Lines over the steps, with the values at a share of the schedule in the legend."""
    noted = [replace(line, note=_note(line, share, shown)) for line in series]
    ends = ("0", f"step {trial.of}" if trial.of else "100 %")
    return draw_series(noted, width, height, styles, log=log, cursor=share, ends=ends)


def _note(line: Series, share: float | None, shown: Callable[[float], str]) -> str:
    value = value_at(line.points, 1.0 if share is None else share)
    return f"{'' if value is None else shown(value)}{line.note}"


def gradient_lines(trial: TrialView, styles: Styles) -> list[Series]:
    """The gradients' norms, a dot an evaluation while those can be told apart."""
    dots = len(trial.evaluations) <= 24
    return [replace(line, dots=dots) for line in gradient_series(trial, styles)]


def rate_lines(trial: TrialView, config: TrialConfig, styles: Styles, *, log: bool) -> list[Series]:
    """The schedule of each group's rate; beside its name what the trainer told last of a running
    trial. On a log scale the way down to 0 is left out from 1/30 of the smallest peak on.
    """
    series = rate_series(config, trial.of, styles)
    peaks = [max(rate for _, rate in line.points) for line in series]
    floor = min((peak for peak in peaks if peak > 0), default=0.0) / 30 if log else 0.0
    trained = [name for name, rate in config.learning_rates.items() if rate is not None]
    return [
        replace(line, floor=floor, note=_said(trial, name))
        for line, name in zip(series, trained, strict=True)
    ]


def _said(trial: TrialView, name: str) -> str:
    rate = trial.learning_rates.get(name)
    if rate is None or trial.state is not TrialState.RUNNING:
        return ""
    return f", told {fmt.rate(rate)}"
