"""The logarithmic axis that all layer groups share, and the 1-2-5 grid that the arrow keys walk."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tuner.recipe.types import Choices, Range, Setting

LOWEST_DECADE, HIGHEST_DECADE = -7, -1
"""The decades that the arrow keys reach; typed rates may lie outside and widen the axis."""

MANTISSAS = (1, 2, 5)
FEWEST_DECADES = 4


@dataclass(frozen=True, slots=True)
class RateAxis:
    """The decades from 10**first to 10**last, both ends shown."""

    first: int = LOWEST_DECADE
    last: int = HIGHEST_DECADE

    def column_of_rate(self, rate: float, width: int) -> int:
        """Return the cell (0…width-1) of a rate; rates outside, and 0, are at the nearer end."""
        if rate <= 0:
            return 0
        share = (math.log10(rate) - self.first) / (self.last - self.first)
        return round(min(max(share, 0.0), 1.0) * (width - 1))

    def rate_at_column(self, column: int, width: int) -> float:
        """Return the grid rate (1, 2 or 5 times a power of ten) nearest to a cell."""
        share = min(max(column / max(width - 1, 1), 0.0), 1.0)
        exponent = self.first + share * (self.last - self.first)
        return min(self._grid_rates(), key=lambda rate: abs(math.log10(rate) - exponent))

    def tick_decades(self) -> range:
        return range(self.first, self.last + 1)

    def union_with(self, other_axis: RateAxis) -> RateAxis:
        return RateAxis(min(self.first, other_axis.first), max(self.last, other_axis.last))

    def _grid_rates(self) -> list[float]:
        rates = [
            grid_rate(mantissa, decade) for decade in self.tick_decades() for mantissa in MANTISSAS
        ]
        return [rate for rate in rates if rate <= grid_rate(1, self.last)]


def grid_rate(mantissa: int, exponent: int) -> float:
    """Return the float that the literal "5e-6" means, not the product 5 * 10**-6 beside it."""
    return float(f"{mantissa}e{exponent}")


def next_grid_rate(rate: float, direction: int) -> float:
    """Return the nearest rate of the grid strictly above (+1) or below (-1) a rate > 0."""
    decade = math.floor(math.log10(rate))
    candidates = [
        grid_rate(mantissa, exponent)
        for exponent in range(decade - 1, decade + 3)
        for mantissa in MANTISSAS
    ]
    if direction > 0:
        return min(candidate for candidate in candidates if candidate > rate * (1 + 1e-9))
    return max(candidate for candidate in candidates if candidate < rate * (1 - 1e-9))


def rates_of_setting(lr: Setting) -> tuple[float, ...]:
    """Return the rates of a setting: both ends of a range, each choice, a fixed rate, or none."""
    match lr:
        case Range(low, high):
            return (low, high)
        case Choices(values):
            return tuple(float(value) for value in values if isinstance(value, int | float))
        case int() | float():
            return (float(lr),)
        case _:
            return ()


def axis_for_settings(settings: Iterable[Setting]) -> RateAxis:
    """Return the whole decades that hold every rate above 0, at least four of them."""
    rates = [rate for lr in settings for rate in rates_of_setting(lr) if rate > 0]
    if not rates:
        return RateAxis(LOWEST_DECADE, HIGHEST_DECADE)
    first = math.floor(math.log10(min(rates)) + 1e-9)
    last = math.ceil(math.log10(max(rates)) - 1e-9)
    missing = max(FEWEST_DECADES - (last - first), 0)
    return RateAxis(first - missing // 2, last + missing - missing // 2)
