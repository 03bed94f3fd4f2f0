"""Which trials are points of a searched space: the one rule for sampler, importance and screens."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.recipe.origins import SAMPLED, SEED, repeated
from tuner.recipe.ranges import Space, inside
from tuner.recipe.types import Scalar, Setting

SCALARS = (bool, int, float, str)


def plain_settings(settings: Mapping[str, Setting]) -> dict[str, Scalar]:
    """The settings that are one value for all trials."""
    return {name: value for name, value in settings.items() if isinstance(value, SCALARS)}


def is_point(
    origin: str, used: Mapping[str, Scalar], space: Space, fixed: Mapping[str, Scalar]
) -> bool:
    """Whether a trial trained with the values `used` is one that this search could have made.

    `fixed` are the settings that all trials of the search share. Re-runs are no points: they say
    more of one that is known.
    """
    if repeated(origin) is not None:
        return False
    own_seed = {SEED} if origin == SAMPLED else set()
    others = (used.keys() | fixed.keys()) - space.keys() - own_seed
    return all(
        inside(setting, used.get(name)) is not None for name, setting in space.items()
    ) and all(name in used and name in fixed and used[name] == fixed[name] for name in others)
