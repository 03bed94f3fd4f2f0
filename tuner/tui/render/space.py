"""What a session searches, in short texts."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.recipe.types import Choices, Range
from tuner.results.format import bound, plain
from tuner.session.view import SessionView
from tuner.tui.charts.axes import Scale
from tuner.tui.charts.bars import position_bar

Space = Mapping[str, Range | Choices]


def searched(view: SessionView) -> Space:
    """The searched flat names with their ranges; {} while the recipe is not known or valid.

    Groups that hold nothing in the model are not searched.
    """
    from tuner.recipe.space import search_space
    from tuner.session.generations import present_recipe

    recipe = present_recipe(view)
    return {} if recipe is None else search_space(recipe)


def bounds_text(setting: Range | Choices) -> str:
    """1e-5…1e-3, or {16, 32}."""
    if isinstance(setting, Choices):
        return "{" + ", ".join(plain(value) for value in setting.values) + "}"
    return f"{bound(setting.low)}…{bound(setting.high)}"


def scale_for(setting: Range) -> Scale:
    """The scale that a range is drawn on."""
    log = setting.scale == "log" and setting.low > 0
    return Scale(setting.low, setting.high, log)


def position_text(value: object, setting: Range | Choices, width: int) -> str:
    """Where a value lies in its range: 1e-7 ├──●────┤ 1e-5."""
    if isinstance(setting, Choices):
        chosen = (f"{plain(item)} {'●' if item == value else '○'}" for item in setting.values)
        return "{" + ", ".join(chosen) + "}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return bounds_text(setting)
    bar = position_bar(float(value), scale_for(setting), max(width - 16, 5))
    return f"{bound(setting.low):>7} {bar} {bound(setting.high)}"
