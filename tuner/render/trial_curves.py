"""Which lines a trial's charts have: metric and losses, gradient norms, learning rates."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from rich.style import Style

from tuner.recipe.config import TrialConfig
from tuner.recipe.schedule import learning_rate_factor
from tuner.render.charts.line_chart import ChartLine, GlyphPlace, Point, draw_lines
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.render.text_fitting import short_group_name, shorten_distinctly
from tuner.results import format as fmt
from tuner.session.view import SessionView, TrialState, TrialView

LossChoice = Literal["both", "eval", "train"]
LOSS_CHOICES: tuple[LossChoice, ...] = ("both", "eval", "train")
LINE_GLYPHS = "●◆■▲○◇□△"
SCHEDULE_POINTS = 160
"""Points that a schedule is drawn with."""
_MOST_GLYPHS = 24
"""Up to this many evaluations, the glyphs on a line can be told apart."""


def metric_and_loss_lines(
    view: SessionView, trial: TrialView, choice: LossChoice, styles: Styles
) -> list[ChartLine]:
    """Return the metric and the loss on the validation rows, and the training loss."""
    points: dict[str, Sequence[Point]] = {
        view.metric: _metric_points(trial, view.metric),
        "eval loss": _metric_points(trial, "loss") if view.metric != "loss" else (),
        "train loss": _train_loss_points(trial),
    }
    hidden = {"train": (view.metric, "eval loss"), "eval": ("train loss",)}.get(choice, ())
    return [
        ChartLine(
            tuple(points[name]),
            style,
            name,
            glyph,
            "middle" if name == "train loss" else _evaluation_glyphs(trial),
        )
        for name, (glyph, style) in zip(points, distinct_looks(3, styles), strict=True)
        if points[name] and name not in hidden
    ]


def gradient_norm_lines(trial: TrialView, styles: Styles) -> list[ChartLine]:
    """Return each layer group's gradient norm, before clipping, at every evaluation."""
    names = dict.fromkeys(name for item in trial.evaluations for name in item.gradient_norms)
    by_name = {
        name: [
            (item.share, item.gradient_norms[name])
            for item in trial.evaluations
            if math.isfinite(item.gradient_norms.get(name, math.nan))
        ]
        for name in names
    }
    by_name = {name: points for name, points in by_name.items() if points}
    return group_lines(by_name, styles, _evaluation_glyphs(trial))


def learning_rate_lines(
    trial: TrialView, config: TrialConfig, styles: Styles, *, log: bool
) -> list[ChartLine]:
    """Return each trained group's rate over the schedule, as the trainer computes it.

    The note is the last reported rate of a running trial. On a log scale the decay to 0 is left
    out below 1/30 of the smallest peak.
    """
    factors = _schedule_factors(config, trial.total_steps)
    rates = {name: rate for name, rate in config.learning_rates.items() if rate is not None}
    by_name = {name: [(x, rate * y) for x, y in factors] for name, rate in rates.items()}
    peaks = [max(rate for _, rate in points) for points in by_name.values()]
    floor = min((peak for peak in peaks if peak > 0), default=0.0) / 30 if log else -math.inf
    return [
        replace(line, floor=floor, note=_reported_rate_note(trial, name))
        for line, name in zip(group_lines(by_name, styles, "middle"), rates, strict=True)
    ]


def draw_trial_lines(
    lines: Sequence[ChartLine],
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
    noted = [replace(line, note=_legend_note(line, share, format_value)) for line in lines]
    end_labels = ("0", f"step {trial.total_steps}" if trial.total_steps else "100 %")
    return draw_lines(noted, width, height, styles, log=log, cursor=share, end_labels=end_labels)


def distinct_looks(count: int, styles: Styles) -> list[tuple[str, Style]]:
    """Return a glyph and a style for each of `count` lines; glyphs differ before colours repeat."""
    roles = (styles.accent, styles.complete, styles.pruned, styles.paused, styles.failed)
    return [
        (LINE_GLYPHS[index % len(LINE_GLYPHS)], roles[index % len(roles)]) for index in range(count)
    ]


def group_lines(
    points_by_group: Mapping[str, Sequence[Point]], styles: Styles, glyph_place: GlyphPlace
) -> list[ChartLine]:
    """Return a line for each layer group, with a short name and a look of its own."""
    names = shorten_distinctly([short_group_name(name) for name in points_by_group], 14)
    looks = distinct_looks(len(names), styles)
    return [
        ChartLine(tuple(points), style, name, glyph, glyph_place)
        for points, name, (glyph, style) in zip(points_by_group.values(), names, looks, strict=True)
    ]


def last_value_until(points: Sequence[Point], share: float) -> float | None:
    """Return the value of the last point up to a share of the schedule."""
    before = [value for x, value in points if x <= share + 1e-9]
    return before[-1] if before else None


def _schedule_factors(config: TrialConfig, updates: int) -> list[Point]:
    last = updates - 1
    drawn = sorted({round(i * last / SCHEDULE_POINTS) for i in range(SCHEDULE_POINTS + 1)})
    return [
        (
            update / max(last, 1),
            learning_rate_factor(config.schedule, update, updates, config.warmup),
        )
        for update in drawn
    ]


def _evaluation_glyphs(trial: TrialView) -> GlyphPlace:
    return "points" if len(trial.evaluations) <= _MOST_GLYPHS else "middle"


def _metric_points(trial: TrialView, name: str) -> list[Point]:
    points = ((item.share, item.metrics.get(name, math.nan)) for item in trial.evaluations)
    return [(share, value) for share, value in points if math.isfinite(value)]


def _train_loss_points(trial: TrialView) -> list[Point]:
    if not trial.total_steps:
        return []
    return [(step / trial.total_steps, loss) for step, loss in trial.losses if math.isfinite(loss)]


def _legend_note(line: ChartLine, share: float | None, format_value: Callable[[float], str]) -> str:
    value = last_value_until(line.points, 1.0 if share is None else share)
    return f"{'' if value is None else format_value(value)}{line.note}"


def _reported_rate_note(trial: TrialView, name: str) -> str:
    rate = trial.learning_rates.get(name)
    if rate is None or trial.state is not TrialState.RUNNING:
        return ""
    return f", now {fmt.format_rate(rate)}"
