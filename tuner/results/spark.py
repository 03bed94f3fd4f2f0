"""Curves in one line of text."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_ASCII_BARS = "_.-=+*#@"


def draw_sparkline(
    values: Sequence[float | None],
    width: int | None = None,
    low: float | None = None,
    high: float | None = None,
    ascii_only: bool = False,
) -> str:
    """Draw one bar per value, from `low` to `high` (by default the values' ends).

    None and NaN leave a blank. Of more than `width` values, every bar shows the last of its share.
    """
    bars = _ASCII_BARS if ascii_only else _BARS
    thinned = _thin_to_width(values, width)
    finite = [value for value in thinned if value is not None and math.isfinite(value)]
    if not finite:
        return " " * len(thinned)
    bottom = min(finite) if low is None else low
    top = max(finite) if high is None else high
    return "".join(_bar_for_value(value, bottom, top, bars) for value in thinned)


def _thin_to_width(values: Sequence[float | None], width: int | None) -> Sequence[float | None]:
    n = len(values)
    if width is None or n <= width:
        return values
    return [values[(i + 1) * n // width - 1] for i in range(width)]


def _bar_for_value(value: float | None, bottom: float, top: float, bars: str) -> str:
    if value is None or not math.isfinite(value):
        return " "
    if top <= bottom:
        return bars[len(bars) // 2 - 1]
    place = (value - bottom) / (top - bottom) * (len(bars) - 1)
    return bars[min(len(bars) - 1, max(0, round(place)))]
