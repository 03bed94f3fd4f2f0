"""Searched settings as Optuna's distributions, and where a value lies in them."""

from __future__ import annotations

import math

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)

from tuner.recipe.ranges import Space
from tuner.recipe.types import Choices, Range, Scalar


def setting_distribution(setting: Range | Choices) -> BaseDistribution:
    if isinstance(setting, Choices):
        return CategoricalDistribution(setting.values)
    log = setting.scale == "log"
    if setting.integer:
        return IntDistribution(int(setting.low), int(setting.high), log=log)
    return FloatDistribution(setting.low, setting.high, log=log)


def space_distributions(space: Space) -> dict[str, BaseDistribution]:
    return {name: setting_distribution(setting) for name, setting in space.items()}


def value_at_share(setting: Range | Choices, share: float) -> Scalar:
    """Return the value at a share 0…1 of the range (on its scale) or of the choices."""
    if isinstance(setting, Choices):
        return setting.values[min(int(share * len(setting.values)), len(setting.values) - 1)]
    low, high = _edges_on_scale(setting)
    point = low + share * (high - low)
    value = math.exp(point) if setting.scale == "log" else point
    if setting.integer:
        return min(max(round(value), int(setting.low)), int(setting.high))
    return min(max(value, setting.low), setting.high)


def share_at_value(setting: Range, value: float) -> float:
    """Return where a value lies in its range, 0…1 on the range's scale; 0.5 in a single value."""
    low, high = _edges_on_scale(setting)
    point = math.log(value) if setting.scale == "log" else value
    return (point - low) / (high - low) if high > low else 0.5


def _edges_on_scale(setting: Range) -> tuple[float, float]:
    # A whole number stands for the unit around it, so that the ends are drawn as often as the rest.
    margin = 0.5 if setting.integer else 0.0
    low, high = setting.low - margin, setting.high + margin
    return (math.log(low), math.log(high)) if setting.scale == "log" else (low, high)
