"""Which trials are points of a searched space: one rule for sampler, importance and screens."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.recipe.origins import SAMPLED, SEED, repeated_trial_number
from tuner.recipe.ranges import Space, coerce_to_setting
from tuner.recipe.types import Scalar, Setting

SCALARS = (bool, int, float, str)


def scalar_settings(settings: Mapping[str, Setting]) -> dict[str, Scalar]:
    """Return the settings that are one value for all trials."""
    return {name: value for name, value in settings.items() if isinstance(value, SCALARS)}


def is_point_of_space(
    origin: str, used: Mapping[str, Scalar], space: Space, fixed: Mapping[str, Scalar]
) -> bool:
    """Tell whether this search could have made a trial trained with the values `used`.

    `fixed` are the settings that all trials of the search share. Re-runs are not points: they say
    more about one that is known.
    """
    if repeated_trial_number(origin) is not None:
        return False
    own_seed = {SEED} if origin == SAMPLED else set()
    others = (used.keys() | fixed.keys()) - space.keys() - own_seed
    return all(
        coerce_to_setting(setting, used.get(name)) is not None for name, setting in space.items()
    ) and all(name in used and name in fixed and used[name] == fixed[name] for name in others)
