"""Named lines over one trial's schedule, told apart by a glyph as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from rich.style import Style

from tuner.recipe.config import TrialConfig
from tuner.recipe.schedule import rate_factor
from tuner.results.format import plain
from tuner.session.view import TrialView
from tuner.tui.charts.axes import FLOOR, GUTTER, Scale, framed, scale_of
from tuner.tui.charts.curves import Point
from tuner.tui.charts.raster import Raster
from tuner.tui.render.names import distinct, fit, short_group
from tuner.tui.render.styles import Run, Styles

GLYPHS = "●◆■▲○◇□△"
SAMPLES = 160
"""Points that a schedule is drawn with."""
_MOST_LEGEND = 3


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


def looks(count: int, styles: Styles) -> list[tuple[str, Style]]:
    """A glyph and a style for each of so many lines; glyphs differ before colours repeat."""
    roles = (styles.accent, styles.complete, styles.pruned, styles.paused, styles.failed)
    return [(GLYPHS[at % len(GLYPHS)], roles[at % len(roles)]) for at in range(count)]


def gradient_series(trial: TrialView, styles: Styles) -> list[Series]:
    """The norm of each layer group's gradient, before clipping, at every evaluation."""
    names = dict.fromkeys(name for item in trial.evaluations for name in item.gradient_norms)
    by_name = {
        name: tuple(
            (item.share, item.gradient_norms[name])
            for item in trial.evaluations
            if math.isfinite(item.gradient_norms.get(name, math.nan))
        )
        for name in names
    }
    return named({name: points for name, points in by_name.items() if points}, styles)


def rate_series(config: TrialConfig, updates: int, styles: Styles) -> list[Series]:
    """The rate of each trained group over the schedule, as the trainer computes it."""
    places = sorted({round(at * (updates - 1) / SAMPLES) for at in range(SAMPLES + 1)})
    factors = [
        (update / max(updates - 1, 1), rate_factor(config.schedule, update, updates, config.warmup))
        for update in places
    ]
    trained = {name: rate for name, rate in config.learning_rates.items() if rate is not None}
    return named(
        {n: tuple((share, rate * f) for share, f in factors) for n, rate in trained.items()}, styles
    )


def named(lines: Mapping[str, Sequence[Point]], styles: Styles) -> list[Series]:
    """A look and a short name for each line."""
    short = distinct([short_group(name) for name in lines], 14)
    shown = zip(short, lines.values(), looks(len(lines), styles), strict=True)
    return [Series(name, tuple(points), *look) for name, points, look in shown]


def value_at(points: Sequence[Point], share: float) -> float | None:
    """The value of the last point up to a share of the schedule."""
    before = [value for place, value in points if place <= share + 1e-9]
    return before[-1] if before else None


def draw_series(
    series: Sequence[Series],
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool = False,
    cursor: float | None = None,
    ends: tuple[str, str] = ("0 %", "100 %"),
) -> list[list[Run]]:
    """The lines with axes in width × height cells, the legend above; `cursor` is a share."""
    legend = legend_lines(series, width, styles)[: max(height - FLOOR - 3, 1)]
    raster = Raster(width - GUTTER, height - FLOOR - len(legend))
    values = [value for line in series for _, value in line.points if value >= line.floor]
    scale = scale_of(values, log=log)
    if cursor is not None:
        across = round(cursor * (raster.width - 1))
        for down in range(0, raster.height, 2):
            raster.dot(across, down, styles.faint)
    for line in series:
        _trace(raster, line, scale, log=log)
    return [*legend, *framed(raster.lines(), scale, ends, styles)]


def legend_lines(series: Sequence[Series], width: int, styles: Styles) -> list[list[Run]]:
    """Glyph, name and note of every line, in as few lines as they fit in."""
    lines: list[list[Run]] = [[]]
    used = 0
    for line in series:
        note = f" {line.note}" if line.note else ""
        size = 4 + cell_len(line.name) + cell_len(note)
        if lines[-1] and used + size - 2 > width:
            lines.append([])
            used = 0
        used += size
        name = fit(f" {plain(line.name)}", min(cell_len(line.name) + 1, max(width - 3, 1)))
        lines[-1] += [(line.glyph, line.style), (name, styles.text), (f"{note}  ", styles.muted)]
    if len(lines) > _MOST_LEGEND:
        lines = [*lines[: _MOST_LEGEND - 1], [(f"and {len(series)} lines in all", styles.muted)]]
    return lines


def _trace(raster: Raster, line: Series, scale: Scale, *, log: bool) -> None:
    shown = [(x, y) for x, y in line.points if y >= line.floor and (not log or y > 0)]
    places = [
        (round(x * (raster.width - 1)), round((1 - scale.share(y)) * (raster.height - 1)))
        for x, y in shown
    ]
    for start, end in pairwise(places):
        raster.line(start, end, line.style)
    for place in places if line.dots else places[len(places) // 2 : len(places) // 2 + 1]:
        raster.mark(*place, line.glyph, line.style)
