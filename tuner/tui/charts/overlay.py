"""A few curves over each other, told apart by letters at the right edge as well as by colour."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.style import Style

from tuner.tui.charts.axes import FLOOR, GUTTER, framed, scale_of
from tuner.tui.charts.curves import Curve
from tuner.tui.charts.raster import Raster
from tuner.tui.render.styles import Run, Styles


def draw_overlay(
    curves: Sequence[Curve],
    width: int,
    height: int,
    styles: Styles,
    *,
    ends: tuple[str, str] = ("0 %", "100 %"),
) -> list[list[Run]]:
    """The chart with its axes in width × height cells; x runs from 0 to 1, the first on top.

    Each curve's `end` stands right of the plot, on the line that the curve ends on.
    """
    margin = len(curves)
    raster = Raster(width - GUTTER - margin, height - FLOOR)
    finite = [point[1] for curve in curves for point in curve.points if math.isfinite(point[1])]
    scale = scale_of(finite)
    names: dict[int, list[Run]] = {}
    for curve in reversed(curves):
        places = [
            (round(x * (raster.width - 1)), round((1 - scale.share(y)) * (raster.height - 1)))
            for x, y in curve.points
        ]
        if not places:
            continue
        raster.dot(*places[0], curve.style)
        for start, end in pairwise(places):
            raster.line(start, end, curve.style)
        names.setdefault(places[-1][1] >> 2, []).insert(0, (curve.end, curve.style))
    plot = [
        [*runs, *_beside(names.get(row, []), margin)] for row, runs in enumerate(raster.lines())
    ]
    return framed(plot, scale, ends, styles)


def _beside(names: Sequence[Run], margin: int) -> list[Run]:
    return [*names, (" " * (margin - len(names)), Style.null())]
