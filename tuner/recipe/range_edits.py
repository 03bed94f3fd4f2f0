"""New ends for searched ranges, written into a recipe's text."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.recipe.document import RecipeDocument
from tuner.recipe.field_parsers import Location
from tuner.recipe.nearest import spelling_hint
from tuner.recipe.space import LR_PREFIX, TIMES_PREFIX, settings_by_name
from tuner.recipe.types import Range, Scalar

Ends = tuple[float, float]


def recipe_key_of_setting(name: str) -> str:
    """Return the dotted key of a recipe at which a flat setting is written."""
    prefix, dot, group = name.partition(".")
    if not dot:
        return f"training.{name}"
    key = {LR_PREFIX: "lr", TIMES_PREFIX: "lr.times"}.get(prefix + dot, prefix)
    return f'groups."{group}".{key}'


def write_range_ends(
    document: RecipeDocument, ranges: Mapping[str, Ends], source: str = ""
) -> None:
    """Write other ends of searched numbers into a recipe, by flat name; comments stay.

    Scales stay as they are, two equal ends fix the value. TunerError for names that are not numbers
    of this recipe, and for ends that the recipe refuses.
    """
    current_settings = settings_by_name(document.parse_recipe())
    for name, (low, high) in ranges.items():
        location = Location(source, name)
        setting = current_settings.get(name)
        if setting is None:
            raise location.error(f"no such setting; {spelling_hint(name, current_settings)}")
        if not isinstance(setting, Range):
            raise location.error("has no range in this recipe; tuner set gives it one")
        document.set_value(
            recipe_key_of_setting(name), _with_range_ends(setting, low, high), source
        )
    document.parse_recipe()


def _with_range_ends(setting: Range, low: float, high: float) -> Range | Scalar:
    if setting.integer and low == int(low) and high == int(high):
        low, high = int(low), int(high)
    return low if low == high else Range(low, high, setting.scale, setting.integer)
