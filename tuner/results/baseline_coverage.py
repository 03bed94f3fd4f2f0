"""Rates of the baseline that lie outside of the searched ranges, so that no trial can match it."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.recipe.baselines import TINY_HIDDEN_SIZE, baseline_values
from tuner.recipe.nearest import quote_value
from tuner.recipe.space import LR_PREFIX, TIMES_PREFIX, search_space
from tuner.recipe.types import Range, Recipe, Scalar
from tuner.results.format import format_range_end


def rates_out_of_range(
    recipe: Recipe, model_type: str, hidden_size: int, layers: int
) -> dict[str, str]:
    """Return a sentence for each group, by name, whose range lacks the baseline's rate.

    The recipe must have only the groups that hold something. {} where no baseline is trained, and
    for models so small that none is published: what is trained then is no measure for rates.
    """
    space = search_space(recipe)
    if not recipe.search.baseline or not space or hidden_size < TINY_HIDDEN_SIZE:
        return {}
    values = baseline_values(recipe, model_type, hidden_size, layers)
    return {
        name.partition(".")[2]: sentence
        for name, setting in space.items()
        if name.startswith((LR_PREFIX, TIMES_PREFIX)) and isinstance(setting, Range)
        if (sentence := _describe_missed_rate(name, setting, values))
    }


def _describe_missed_rate(name: str, setting: Range, values: Mapping[str, Scalar]) -> str:
    value = values.get(name)
    if not isinstance(value, int | float) or setting.low <= value <= setting.high:
        return ""
    prefix, _, group = name.partition(".")
    what = (
        f"rate {format_range_end(value)}"
        if f"{prefix}." == LR_PREFIX
        else f"multiplier {format_range_end(value)}"
    )
    where = "above" if value > setting.high else "below"
    ends = f"{format_range_end(setting.low)}…{format_range_end(setting.high)}"
    return f"the baseline's {what} lies {where} the range of {quote_value(group)}, {ends}"
