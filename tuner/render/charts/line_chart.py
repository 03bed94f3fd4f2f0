"""Lines over one x axis: learning curves, the charts of a trial, staircases, comparisons."""

from __future__ import annotations

import math
from collections.abc import Sequence
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
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results.format import sanitize_text

MAX_LEGEND_LINES = 3
_MIN_PLOT_LINES = 3
_GAP = "  "

Point = tuple[float, float]
GlyphPlace = Literal["legend", "middle", "points", "edge"]


@dataclass(frozen=True)
class ChartLine:
    """One line of a chart.

    The legend names it by its `glyph` and `name` ("": not at all), with a `note` beside. The glyph
    also stands on the middle of the line, on all its points, or right of the plot (`edge`).
    `end_glyph` marks the last point. Values below `floor` are not drawn.
    """

    points: tuple[Point, ...]
    style: Style
    name: str = ""
    glyph: str = ""
    glyph_place: GlyphPlace = "legend"
    note: str = ""
    end_glyph: str = ""
    end_style: Style | None = None
    floor: float = -math.inf

    def visible_points(self, *, log: bool) -> list[Point]:
        """Leave out what cannot be drawn: NaN, values below the floor, ≤ 0 on a log scale."""
        least = max(self.floor, math.ulp(0.0)) if log else self.floor
        return [point for point in self.points if math.isfinite(point[1]) and point[1] >= least]


def draw_lines(
    lines: Sequence[ChartLine],
    width: int,
    height: int,
    styles: Styles,
    *,
    log: bool = False,
    x_end: float = 1.0,
    end_labels: tuple[str, str] = ("0 %", "100 %"),
    cursor: float | None = None,
    max_legend: int = MAX_LEGEND_LINES,
) -> Lines:
    """Draw the legend and the chart with its axes in width × height cells, the first line on top.

    x runs from 0 to `x_end`; `cursor` is where a vertical line stands, as a share of the axis.
    """
    most = min(max_legend, max(height - X_AXIS_LINES - _MIN_PLOT_LINES, 1))
    legend = legend_lines(lines, width, styles, most)
    margin = sum(line.glyph_place == "edge" for line in lines)
    raster = Raster(width - Y_AXIS_WIDTH - margin, height - X_AXIS_LINES - len(legend))
    visible = [(line, line.visible_points(log=log)) for line in lines]
    scale = scale_of_values([y for _, points in visible for _, y in points], log=log)
    edge: dict[int, list[TextRun]] = {}
    for line, points in reversed(visible):
        dots = trace_points(raster, scale, points, line.style, x_end)
        _put_glyphs(raster, line, dots)
        if line.glyph_place == "edge" and dots:
            edge.setdefault(dots[-1][1] >> 2, []).insert(0, (line.glyph, line.style))
    if cursor is not None:
        raster.draw_vertical_rule(round(cursor * (raster.width - 1)), styles.accent)
    plot = [
        [*runs, *_edge_glyphs(edge.get(row, []), margin, styles)]
        for row, runs in enumerate(raster.lines_of_runs())
    ]
    return [*legend, *frame_with_axes(plot, scale, end_labels, styles)]


def legend_lines(
    lines: Sequence[ChartLine], width: int, styles: Styles, most: int = MAX_LEGEND_LINES
) -> Lines:
    """Write glyph, name and note of every named line, in as few lines as they fit in."""
    legend: Lines = []
    room = 0
    entries = [_legend_entry(line, width, styles) for line in lines if line.name]
    for entry in entries:
        size = sum(cell_len(text) for text, _ in entry)
        if not legend or size - len(_GAP) > room:
            legend.append([])
            room = width
        legend[-1] += entry
        room -= size
    if len(legend) > most > 1:
        legend = [*legend[: most - 1], [(f"… {len(entries)} lines in all", styles.muted)]]
    return legend[:most]


def trace_points(
    raster: Raster, scale: Scale, points: Sequence[Point], style: Style, x_end: float = 1.0
) -> list[tuple[int, int]]:
    """Draw straight lines between the points; return the dots that the points are at."""
    dots = [
        (
            round(x / x_end * (raster.width - 1)),
            round((1 - scale.share_of_value(y)) * (raster.height - 1)),
        )
        for x, y in points
    ]
    for start, stop in pairwise(dots):
        raster.draw_line(start, stop, style)
    if len(dots) == 1:
        raster.set_dot(*dots[0], style)
    return dots


def staircase(steps: Sequence[Point]) -> list[Point]:
    """Return the corners of a line that is flat until the next step, then straight up."""
    corners: list[Point] = []
    for x, y in steps:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    return corners


def _put_glyphs(raster: Raster, line: ChartLine, dots: Sequence[tuple[int, int]]) -> None:
    middle = len(dots) // 2
    marked = {"points": dots, "middle": dots[middle : middle + 1]}.get(line.glyph_place, ())
    for dot in marked:
        raster.put_glyph(*dot, line.glyph, line.style)
    if line.end_glyph and dots:
        raster.put_glyph(*dots[-1], line.end_glyph, line.end_style or line.style)


def _legend_entry(line: ChartLine, width: int, styles: Styles) -> list[TextRun]:
    name = f" {sanitize_text(line.name)}"
    note = f" {line.note}" if line.note else ""
    return [
        (line.glyph, line.style),
        (fit_text(name, min(cell_len(name), max(width - 3, 1))), styles.text),
        (f"{note}{_GAP}", styles.muted),
    ]


def _edge_glyphs(glyphs: Sequence[TextRun], margin: int, styles: Styles) -> list[TextRun]:
    return [*glyphs, (" " * (margin - len(glyphs)), styles.text)] if margin else []
