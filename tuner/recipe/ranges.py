"""Whether a value lies in what is searched, and how many values there are."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tuner.recipe.types import Choices, Range, Scalar

Space = Mapping[str, Range | Choices]
"""The searched settings by flat name."""


def coerce_to_setting(setting: Range | Choices, value: Scalar | None) -> Scalar | None:
    """Return the value in the setting's own type, or None if the setting cannot take it."""
    if isinstance(setting, Choices):
        return _coerce_to_choice(setting, value)
    if value is None or isinstance(value, str) or not setting.low <= value <= setting.high:
        return None
    if setting.integer:
        return int(value) if int(value) == value else None
    return float(value)


def _coerce_to_choice(setting: Choices, value: Scalar | None) -> Scalar | None:
    # True == 1 == 1.0, so a choice of the same type goes first.
    equal = [choice for choice in setting.values if choice == value]
    same = [choice for choice in equal if type(choice) is type(value)]
    return next(iter(same or equal), None)


def has_single_value(setting: Range | Choices) -> bool:
    if isinstance(setting, Choices):
        return len(setting.values) == 1
    return setting.low == setting.high


def count_whole_numbers(setting: Range) -> int:
    return int(setting.high - setting.low) + 1


def count_configurations(space: Space) -> int | None:
    """Count the configurations of a space; None if there is no end of them."""
    sizes = [_count_values(setting) for setting in space.values()]
    return None if None in sizes else math.prod(size for size in sizes if size is not None)


def _count_values(setting: Range | Choices) -> int | None:
    if isinstance(setting, Choices):
        return len(setting.values)
    if has_single_value(setting):
        return 1
    return count_whole_numbers(setting) if setting.integer else None
