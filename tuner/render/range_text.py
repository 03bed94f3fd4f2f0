"""What a session searches, in short texts."""

from __future__ import annotations

from tuner.recipe.ranges import Space
from tuner.recipe.types import Choices, Range
from tuner.render.charts.axes import Scale
from tuner.render.charts.inline_bars import draw_position_bar
from tuner.results.format import format_range_end, format_recipe_setting, sanitize_text
from tuner.session.view import SessionView


def searched_settings(view: SessionView) -> Space:
    """Return the searched flat names with their ranges; {} while the recipe is not valid.

    Groups that hold nothing in the model are not searched.
    """
    from tuner.recipe.space import search_space
    from tuner.session.generations import recipe_with_present_groups

    recipe = recipe_with_present_groups(view)
    return {} if recipe is None else search_space(recipe)


def scale_of_range(setting: Range) -> Scale:
    log = setting.scale == "log" and setting.low > 0
    return Scale(setting.low, setting.high, log)


def position_in_range(value: object, setting: Range | Choices, width: int) -> str:
    """Show where a value lies in its range: 1e-7 ├──●────┤ 1e-5."""
    if isinstance(setting, Choices):
        marked_choices = (
            f"{sanitize_text(item)} {'●' if item == value else '○'}" for item in setting.values
        )
        return "{" + ", ".join(marked_choices) + "}"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return format_recipe_setting(setting)
    bar = draw_position_bar(float(value), scale_of_range(setting), max(width - 16, 5))
    return f"{format_range_end(setting.low):>7} {bar} {format_range_end(setting.high)}"
