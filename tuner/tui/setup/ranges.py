"""What the editor's keys do to one group's learning rate. Pure: a setting in, a setting out."""

from __future__ import annotations

import math
from typing import Literal

from tuner.errors import TunerError
from tuner.recipe.types import FROZEN, Choices, Range, Scale, Setting
from tuner.tui.setup.text import number_text
from tuner.tui.widgets.group_axis import HIGHEST, LOWEST, grid_rate, next_grid_rate

End = Literal["low", "high", "both"]
USUAL = Range(1e-6, 1e-4, "log")
"""What a group gets that was frozen or empty before."""


def move(lr: Setting, end: End, direction: int) -> Setting:
    """One 1-2-5 step down (-1) or up (+1) for an end of a range, or for a fixed rate.

    Raises TunerError where there is nothing to move, or no room.
    """
    if isinstance(lr, Range):
        return _moved_range(lr, end, direction)
    return _step(as_rate(lr), direction, "log")


def as_rate(lr: Setting) -> float:
    """The rate of a fixed group; TunerError for a frozen group and for choices."""
    if isinstance(lr, Choices):
        raise TunerError("this group tries single rates: enter types others")
    if isinstance(lr, str | Range):
        raise TunerError("this group is frozen: 0 gives its rate back")
    return float(lr)


def _moved_range(lr: Range, end: End, direction: int) -> Range:
    low = _step(lr.low, direction, lr.scale) if end != "high" else lr.low
    high = _step(lr.high, direction, lr.scale) if end != "low" else lr.high
    return with_ends(lr, low, high)


def with_ends(lr: Range, low: float, high: float) -> Range:
    """The range with other ends; TunerError where low would reach high."""
    if low >= high:
        ends = f"{number_text(lr.low)}..{number_text(lr.high)}"
        raise TunerError(f"low stays below high ({ends}): = fixes the rate")
    return Range(low, high, lr.scale, lr.integer)


def _step(rate: float, direction: int, scale: Scale) -> float:
    floor, ceiling = grid_rate(1, LOWEST), grid_rate(1, HIGHEST)
    if rate <= 0:
        return floor if direction > 0 else 0.0
    if direction < 0 and rate <= floor:
        if scale == "linear":
            return 0.0
        raise TunerError(f"the keys end at {number_text(floor)}: enter types smaller rates")
    if direction > 0 and rate >= ceiling:
        raise TunerError(f"the keys end at {number_text(ceiling)}: enter types larger rates")
    return next_grid_rate(rate, direction)


def pulled(lr: Setting, end: End, rate: float) -> Setting:
    """An end of a range, or a fixed rate, put at a rate (the mouse). TunerError as for `move`."""
    if not isinstance(lr, Range):
        as_rate(lr)
        return rate
    low = rate if end == "low" else lr.low
    high = rate if end == "high" else lr.high
    return with_ends(lr, low, high)


def middle(setting: Range) -> float:
    """The geometric (log) or arithmetic middle, to two digits; whole for whole numbers."""
    if setting.scale == "log" and setting.low > 0:
        value = math.sqrt(setting.low * setting.high)
    else:
        value = (setting.low + setting.high) / 2
    return float(round(value)) if setting.integer else float(f"{value:.1e}")


def fixed(setting: Setting) -> Setting:
    """A range's middle, the first of the choices, or what is fixed already."""
    if isinstance(setting, Range):
        return middle(setting)
    return setting.values[0] if isinstance(setting, Choices) else setting


def toggled_fixed(lr: Setting, before: Setting | None) -> Setting:
    """A searched group fixed in the middle; a fixed one searched `before`'s range again.

    Without a range to go back to, one step of the grid on either side of the rate.
    """
    if isinstance(lr, Range | Choices):
        return fixed(lr)
    rate = as_rate(lr)
    if isinstance(before, Range | Choices):
        return before
    if rate <= 0:
        return USUAL
    return Range(next_grid_rate(rate, -1), next_grid_rate(rate, 1), "log")


def toggled_frozen(lr: Setting, before: Setting | None) -> Setting:
    """A group frozen, or a frozen one given `before` (or the usual range) back."""
    if lr != FROZEN:
        return FROZEN
    return USUAL if before is None or before == FROZEN else before
