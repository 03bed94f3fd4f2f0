"""A few curves over each other, told apart by letters at the right edge as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.style import Style

from tuner.render.charts.axes import X_AXIS_LINES, Y_AXIS_WIDTH, frame_with_axes, scale_of_values
from tuner.render.charts.learning_curves import Curve
from tuner.render.charts.raster import Raster
from tuner.render.styles import Styles, TextRun


def draw_curve_overlay(
    curves: Sequence[Curve],
    width: int,
    height: int,
    styles: Styles,
    *,
    ends: tuple[str, str] = ("0 %", "100 %"),
) -> list[list[TextRun]]:
    """Draw the chart with its axes in width × height cells; x runs from 0 to 1, the first on top.

    Each curve's `end` stands right of the plot, on the line that the curve ends on.
    """
    margin = len(curves)
    raster = Raster(width - Y_AXIS_WIDTH - margin, height - X_AXIS_LINES)
    finite = [point[1] for curve in curves for point in curve.points if math.isfinite(point[1])]
    scale = scale_of_values(finite)
    names: dict[int, list[TextRun]] = {}
    for curve in reversed(curves):
        places = [
            (
                round(x * (raster.width - 1)),
                round((1 - scale.share_of_value(y)) * (raster.height - 1)),
            )
            for x, y in curve.points
        ]
        if not places:
            continue
        raster.set_dot(*places[0], curve.style)
        for start, end in pairwise(places):
            raster.draw_line(start, end, curve.style)
        names.setdefault(places[-1][1] >> 2, []).insert(0, (curve.end_glyph, curve.style))
    plot = [
        [*runs, *_edge_labels(names.get(row, []), margin)]
        for row, runs in enumerate(raster.lines_of_runs())
    ]
    return frame_with_axes(plot, scale, ends, styles)


def _edge_labels(names: Sequence[TextRun], margin: int) -> list[TextRun]:
    return [*names, (" " * (margin - len(names)), Style.null())]
