"""Scales from values to places, and the axes around a plot."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

from tuner.render.styles import Styles, TextRun
from tuner.results import format as fmt

Y_AXIS_WIDTH = 7
"""Cells that the y axis takes at the left: five of number, a space, the axis."""
X_AXIS_LINES = 2
"""Lines that the x axis takes at the bottom."""


@dataclass(frozen=True)
class Scale:
    """A range from low to high; `log` needs both above zero."""

    low: float
    high: float
    log: bool = False

    def share_of_value(self, value: float) -> float:
        """Return the position of a value, clamped to 0 (at low) … 1 (at high)."""
        low, span = self._low_and_length
        if span <= 0:
            return 0.5
        return min(max((self._map_value(value) - low) / span, 0.0), 1.0)

    @cached_property
    def _low_and_length(self) -> tuple[float, float]:
        """Low end and length on the mapped scale, computed once for many values."""
        low = self._map_value(self.low)
        return low, self._map_value(self.high) - low

    def value_at_share(self, share: float) -> float:
        low, high = self._map_value(self.low), self._map_value(self.high)
        mapped_value = low + (high - low) * share
        return math.exp(mapped_value) if self.log else mapped_value

    def _map_value(self, value: float) -> float:
        # A rate is 0 at the end of its schedule, which has no logarithm: the foot of the axis.
        return math.log(max(value, 1e-300)) if self.log else value


def scale_of_values(values: Sequence[float], *, log: bool = False) -> Scale:
    """Return a scale around all finite values, with a little air; 0…1 where there are none."""
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    if not finite:
        return Scale(1e-3, 1.0, log=True) if log else Scale(0.0, 1.0)
    low, high = min(finite), max(finite)
    if log:
        return Scale(low / 1.1, high * 1.1, log=True)
    # Equal values need a scale with some height, too: they lie in its middle.
    air = (high - low) * 0.04 or abs(high) * 0.05 or 0.5
    return Scale(low - air, high + air)


def share_at_column(column: int, width: int) -> float:
    """Return where a column of a framed chart, `width` cells wide, lies between its ends, 0…1."""
    return min(max((column - Y_AXIS_WIDTH) / max(width - Y_AXIS_WIDTH - 1, 1), 0.0), 1.0)


def rows_with_ticks(rows: int) -> list[int]:
    """Return the rows that carry a number: the first, then evenly down, about every fifth."""
    count = max(2, min(6, (rows + 3) // 4))
    if rows < 3:
        return [0]
    return sorted({round(index * (rows - 1) / (count - 1)) for index in range(count)})


def format_tick_value(value: float, spread: float) -> str:
    """Write a number in at most five cells, with the decimals that tell neighbours apart."""
    decimals = 0 if spread >= 20 else 1 if spread >= 4 else 2 if spread >= 0.04 else 3
    text = fmt.format_decimals(value, decimals)
    if len(text) <= 5 and (value == 0 or abs(value) >= 1e-3):
        return text
    return fmt.format_rate(value, 1)[:5]


def frame_with_axes(
    plot: Sequence[list[TextRun]],
    scale: Scale,
    ends: tuple[str, str],
    styles: Styles,
    ticks: Callable[[float, float], str] = format_tick_value,
) -> list[list[TextRun]]:
    """Add the y axis at the left and the x axis, labelled at both ends, below."""
    width = sum(cell_len(text) for text, _ in plot[0])
    numbered = set(rows_with_ticks(len(plot)))
    lines: list[list[TextRun]] = []
    for row, runs in enumerate(plot):
        # A row of text holds four rows of dots: its number is the value in the middle of them.
        value = scale.value_at_share(1 - (row + 0.5) / len(plot))
        label = ticks(value, scale.high - scale.low) if row in numbered else ""
        axis = "┤" if row in numbered else "│"
        lines.append([(f"{label:>5} ", styles.muted), (axis, styles.faint), *runs])
    left_label, right_label = ends
    gap = max(width - cell_len(left_label) - cell_len(right_label), 1)
    lines.append([(" " * 6 + "└" + "─" * width, styles.faint)])
    lines.append([(" " * 7 + left_label + " " * gap + right_label, styles.muted)])
    return lines
