"""Named lines over one trial's schedule, told apart by a glyph as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from rich.style import Style

from tuner.recipe.config import TrialConfig
from tuner.recipe.schedule import learning_rate_factor
from tuner.render.charts.axes import (
    X_AXIS_LINES,
    Y_AXIS_WIDTH,
    Scale,
    frame_with_axes,
    scale_of_values,
)
from tuner.render.charts.learning_curves import Point
from tuner.render.charts.raster import Raster
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, short_group_name, shorten_distinctly
from tuner.results.format import sanitize_text
from tuner.session.view import TrialView

LINE_GLYPHS = "●◆■▲○◇□△"
SCHEDULE_POINTS = 160
"""Points that a schedule is drawn with."""
_MAX_LEGEND_LINES = 3


@dataclass(frozen=True)
class Series:
    """One line: (share of the schedule, value). `note` stands beside its name in the legend.

    Values below `floor` are known and not drawn.
    """

    name: str
    points: tuple[Point, ...]
    glyph: str
    style: Style
    note: str = ""
    dots: bool = False
    floor: float = -math.inf


def distinct_looks(count: int, styles: Styles) -> list[tuple[str, Style]]:
    """Return a glyph and a style for each of `count` lines; glyphs differ before colours repeat."""
    roles = (styles.accent, styles.complete, styles.pruned, styles.paused, styles.failed)
    return [
        (LINE_GLYPHS[index % len(LINE_GLYPHS)], roles[index % len(roles)]) for index in range(count)
    ]


def gradient_series(trial: TrialView, styles: Styles) -> list[Series]:
    """Return each layer group's gradient norm, before clipping, at every evaluation."""
    names = dict.fromkeys(name for item in trial.evaluations for name in item.gradient_norms)
    by_name = {
        name: tuple(
            (item.share, item.gradient_norms[name])
            for item in trial.evaluations
            if math.isfinite(item.gradient_norms.get(name, math.nan))
        )
        for name in names
    }
    return series_with_looks({name: points for name, points in by_name.items() if points}, styles)


def learning_rate_series(config: TrialConfig, updates: int, styles: Styles) -> list[Series]:
    """Return each trained group's rate over the schedule, as the trainer computes it."""
    places = sorted(
        {round(index * (updates - 1) / SCHEDULE_POINTS) for index in range(SCHEDULE_POINTS + 1)}
    )
    factors = [
        (
            update / max(updates - 1, 1),
            learning_rate_factor(config.schedule, update, updates, config.warmup),
        )
        for update in places
    ]
    trained = {name: rate for name, rate in config.learning_rates.items() if rate is not None}
    return series_with_looks(
        {n: tuple((share, rate * f) for share, f in factors) for n, rate in trained.items()}, styles
    )


def series_with_looks(lines: Mapping[str, Sequence[Point]], styles: Styles) -> list[Series]:
    short = shorten_distinctly([short_group_name(name) for name in lines], 14)
    entries = zip(short, lines.values(), distinct_looks(len(lines), styles), strict=True)
    return [Series(name, tuple(points), *look) for name, points, look in entries]


def last_value_until(points: Sequence[Point], share: float) -> float | None:
    """Return the value of the last point up to a share of the schedule."""
    before = [value for place, value in points if place <= share + 1e-9]
    return before[-1] if before else None


def draw_named_series(
    series: Sequence[Series],
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool = False,
    cursor: float | None = None,
    ends: tuple[str, str] = ("0 %", "100 %"),
) -> list[list[TextRun]]:
    """Draw the lines with axes in width × height cells, the legend above; `cursor` is a share."""
    legend = series_legend_lines(series, width, styles)[: max(height - X_AXIS_LINES - 3, 1)]
    raster = Raster(width - Y_AXIS_WIDTH, height - X_AXIS_LINES - len(legend))
    values = [value for line in series for _, value in line.points if value >= line.floor]
    scale = scale_of_values(values, log=log)
    if cursor is not None:
        across = round(cursor * (raster.width - 1))
        for down in range(0, raster.height, 2):
            raster.set_dot(across, down, styles.faint)
    for line in series:
        _trace_series(raster, line, scale, log=log)
    return [*legend, *frame_with_axes(raster.lines_of_runs(), scale, ends, styles)]


def series_legend_lines(
    series: Sequence[Series], width: int, styles: Styles
) -> list[list[TextRun]]:
    """Write glyph, name and note of every line, in as few lines as they fit in."""
    lines: list[list[TextRun]] = [[]]
    used = 0
    for line in series:
        note = f" {line.note}" if line.note else ""
        size = 4 + cell_len(line.name) + cell_len(note)
        if lines[-1] and used + size - 2 > width:
            lines.append([])
            used = 0
        used += size
        name = fit_text(
            f" {sanitize_text(line.name)}", min(cell_len(line.name) + 1, max(width - 3, 1))
        )
        lines[-1] += [(line.glyph, line.style), (name, styles.text), (f"{note}  ", styles.muted)]
    if len(lines) > _MAX_LEGEND_LINES:
        lines = [
            *lines[: _MAX_LEGEND_LINES - 1],
            [(f"and {len(series)} lines in all", styles.muted)],
        ]
    return lines


def _trace_series(raster: Raster, line: Series, scale: Scale, *, log: bool) -> None:
    visible_points = [(x, y) for x, y in line.points if y >= line.floor and (not log or y > 0)]
    places = [
        (round(x * (raster.width - 1)), round((1 - scale.share_of_value(y)) * (raster.height - 1)))
        for x, y in visible_points
    ]
    for start, end in pairwise(places):
        raster.draw_line(start, end, line.style)
    for place in places if line.dots else places[len(places) // 2 : len(places) // 2 + 1]:
        raster.put_glyph(*place, line.glyph, line.style)
