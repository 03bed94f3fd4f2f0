"""Where the baseline's rates lie outside of what is searched, so that no trial can match it."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.recipe.baselines import TINY, baseline_values
from tuner.recipe.nearest import show
from tuner.recipe.space import LR, TIMES_OF, search_space
from tuner.recipe.types import Range, Recipe, Scalar
from tuner.results.format import bound


def rates_out_of_range(
    recipe: Recipe, model_type: str, hidden_size: int, layers: int
) -> dict[str, str]:
    """A sentence for each group, by name, whose range lacks the rate of the baseline.

    Of a recipe with the groups alone that hold something. Nothing where no baseline is trained, nor
    for models so small that none is published: what is trained then is no yardstick for rates.
    """
    space = search_space(recipe)
    if not recipe.search.baseline or not space or hidden_size < TINY:
        return {}
    values = baseline_values(recipe, model_type, hidden_size, layers)
    return {
        name.partition(".")[2]: sentence
        for name, setting in space.items()
        if name.startswith((LR, TIMES_OF)) and isinstance(setting, Range)
        if (sentence := _sentence(name, setting, values))
    }


def _sentence(name: str, setting: Range, values: Mapping[str, Scalar]) -> str:
    value = values.get(name)
    if not isinstance(value, int | float) or setting.low <= value <= setting.high:
        return ""
    prefix, _, group = name.partition(".")
    what = f"rate {bound(value)}" if f"{prefix}." == LR else f"multiplier {bound(value)}"
    where = "above" if value > setting.high else "below"
    ends = f"{bound(setting.low)}…{bound(setting.high)}"
    return f"the baseline's {what} lies {where} the range of {show(group)}, {ends}"
