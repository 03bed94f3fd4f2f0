"""What the group editor's keys do to one learning rate. Pure: a setting in, a setting out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from tuner.errors import TunerError
from tuner.recipe.baselines import middle_of_setting
from tuner.recipe.numbers import format_typed_number, round_to_digits
from tuner.recipe.types import FROZEN, Choices, Range, Rate, Scale, Setting, TiedRate
from tuner.tui.setup.group_axis import HIGHEST_DECADE, LOWEST_DECADE, grid_rate, next_grid_rate

RangeEnd = Literal["low", "high", "both"]
USUAL_RANGE = Range(1e-6, 1e-4, "log")
"""The range of a group that was frozen or empty before."""
FINE_FACTOR = 1.01
"""The factor of a fine step."""


@dataclass(frozen=True, slots=True)
class RateGrid:
    """Where keys move numbers: from `floor` to `ceiling`, to 1, 2 and 5, or in `fine` steps."""

    floor: float
    ceiling: float
    fine: bool = False

    def next_value(self, value: float, direction: int, scale: Scale) -> float:
        """Return the next number up (+1) or down (-1); TunerError at the end of the grid."""
        if value <= 0:
            return self.floor if direction > 0 else 0.0
        if direction < 0 and value <= self.floor:
            if scale == "linear":
                return 0.0
            raise TunerError(
                f"the keys stop at {format_typed_number(self.floor)}: enter types a lower rate"
            )
        if direction > 0 and value >= self.ceiling:
            raise TunerError(
                f"the keys stop at {format_typed_number(self.ceiling)}: enter types a higher rate"
            )
        if self.fine:
            return round_to_digits(value * FINE_FACTOR**direction)
        return next_grid_rate(value, direction)


RATES = RateGrid(grid_rate(1, LOWEST_DECADE), grid_rate(1, HIGHEST_DECADE))
TIMES = RateGrid(1e-3, 1e3)


def step_rate(lr: Rate, end: RangeEnd, direction: int, *, fine: bool = False) -> Rate:
    """Move an end of a range, or a fixed rate, one step down (-1) or up (+1).

    A tied rate moves its factor. Raises TunerError where there is nothing to move, or no room.
    """
    if isinstance(lr, TiedRate):
        times = _step_setting(lr.times, end, direction, replace(TIMES, fine=fine))
        return TiedRate(lr.group, times)
    return _step_setting(lr, end, direction, replace(RATES, fine=fine))


def _step_setting(setting: Setting, end: RangeEnd, direction: int, grid: RateGrid) -> Setting:
    if not isinstance(setting, Range):
        return grid.next_value(single_rate(setting), direction, "log")
    scale = setting.scale
    low = grid.next_value(setting.low, direction, scale) if end != "high" else setting.low
    high = grid.next_value(setting.high, direction, scale) if end != "low" else setting.high
    return replace_range_ends(setting, low, high)


def single_rate(lr: Setting) -> float:
    """Return the rate of a fixed group; TunerError for a frozen group and for choices."""
    if isinstance(lr, Choices):
        raise TunerError("this group has a list of rates: enter types another")
    if isinstance(lr, str | Range):
        raise TunerError("this group is frozen: 0 unfreezes it")
    return float(lr)


def replace_range_ends(lr: Range, low: float, high: float) -> Range:
    """Return the range with other ends; TunerError where low would reach high."""
    if low >= high:
        ends = f"{format_typed_number(lr.low)}..{format_typed_number(lr.high)}"
        raise TunerError(f"low must stay below high ({ends}): = fixes the rate")
    return Range(low, high, lr.scale, lr.integer)


def drag_range_end(lr: Rate, end: RangeEnd, rate: float) -> Setting:
    """Put an end of a range, or a fixed rate, at a rate (the mouse). Raises TunerError."""
    if isinstance(lr, TiedRate):
        raise TunerError(f"tied to {lr.group}: l unties the rate, the arrows move its factor")
    if not isinstance(lr, Range):
        single_rate(lr)
        return rate
    low = rate if end == "low" else lr.low
    high = rate if end == "high" else lr.high
    return replace_range_ends(lr, low, high)


def fix_setting(setting: Setting) -> Setting:
    """Return a range's middle, the first of the choices, or the value if fixed already."""
    if isinstance(setting, Range):
        return middle_of_setting(setting, 2)
    return setting.values[0] if isinstance(setting, Choices) else setting


def toggle_fixed(lr: Setting, before: Rate | None) -> Rate:
    """Fix a searched rate in its middle, or search a fixed one in `before`'s range again.

    Without a range to go back to, one step of the grid on either side of the rate.
    """
    if isinstance(lr, Range | Choices):
        return fix_setting(lr)
    rate = single_rate(lr)
    if isinstance(before, Range | Choices | TiedRate):
        return before
    if rate <= 0:
        return USUAL_RANGE
    return Range(next_grid_rate(rate, -1), next_grid_rate(rate, 1), "log")


def toggle_frozen(lr: Rate, before: Rate | None) -> Rate:
    """Freeze a rate, or give a frozen one `before` (or the usual range) back."""
    if lr != FROZEN:
        return FROZEN
    return USUAL_RANGE if before is None or before == FROZEN else before
