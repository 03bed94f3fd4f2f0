"""The searched settings under flat names, and from flat values back to one trial's configuration.

Flat names, in this order: "lr.GROUP" for every group with a rate of its own, "times.GROUP" for
those tied to another's, "layer_decay.GROUP" and "weight_decay.GROUP" where a group has one, then
the keys of [training] ("epochs", "batch_size", …).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.config import TrialConfig
from tuner.recipe.nearest import show, suggestion
from tuner.recipe.rates import own_rate, tied_rate
from tuner.recipe.readers import Place, Rule, is_searched
from tuner.recipe.schema import GROUP, PER_TRIAL, TIMES, TRAINING
from tuner.recipe.types import (
    FROZEN,
    Choices,
    GroupSpec,
    Like,
    Range,
    Recipe,
    Scalar,
    Setting,
)

LR = "lr."
TIMES_OF = "times."
LAYER_DECAY = "layer_decay."
WEIGHT_DECAY = "weight_decay."
SEARCHABLE = tuple(key for key, rule in TRAINING.items() if rule.kind is not None)


def search_space(recipe: Recipe) -> dict[str, Range | Choices]:
    """The settings that are left to the search, by flat name, in a fixed order."""
    every = settings(recipe)
    return {name: s for name, s in every.items() if isinstance(s, Range | Choices)}


def settings(recipe: Recipe) -> dict[str, Setting]:
    """Every setting that the recipe makes, fixed or searched, by flat name in the fixed order."""
    groups = recipe.groups
    out: dict[str, Setting] = {
        LR + group.name: group.lr for group in groups if not isinstance(group.lr, Like)
    }
    ties = ((group.name, group.lr) for group in groups if isinstance(group.lr, Like))
    out |= {TIMES_OF + name: tie.times for name, tie in ties}
    for prefix, decays in (
        (LAYER_DECAY, [(group.name, group.layer_decay) for group in groups]),
        (WEIGHT_DECAY, [(group.name, group.weight_decay) for group in groups]),
    ):
        out |= {prefix + name: decay for name, decay in decays if decay is not None}
    for key in SEARCHABLE:
        value = getattr(recipe.training, key)
        if value is not None:
            out[key] = value
    return out


def fixed_names(recipe: Recipe) -> tuple[str, ...]:
    """Every flat name that a trial's values may have: searched, fixed, and "seed"."""
    groups = [group.name for group in recipe.groups]
    made = [name for name in settings(recipe) if name.startswith((LR, TIMES_OF, LAYER_DECAY))]
    return (*made, *(WEIGHT_DECAY + name for name in groups), *SEARCHABLE, "seed")


def one_rate(
    groups: Sequence[GroupSpec], rate: Scalar, given: Mapping[str, Scalar]
) -> dict[str, Scalar]:
    """The flat values with which every group trains at one rate, all of its layers alike.

    What is `given` by name holds: a group tied to one with another rate has the factor between
    them. TunerError where a tied group cannot have the rate.
    """
    values: dict[str, Scalar] = {}
    for group in groups:
        own = own_rate(groups, group)
        if group.layer_decay is not None:
            values[LAYER_DECAY + group.name] = 1.0
        if not isinstance(group.lr, Like):
            values[LR + group.name] = rate
        elif rate != FROZEN and TIMES_OF + group.name not in given:
            values[TIMES_OF + group.name] = _factor(group, own, rate, given)
    return {**values, **given}


def _factor(group: GroupSpec, own: GroupSpec, rate: Scalar, given: Mapping[str, Scalar]) -> float:
    other = given.get(LR + own.name, rate)
    if other == rate:
        return 1.0
    if isinstance(rate, float | int) and isinstance(other, float | int) and min(rate, other) > 0:
        return float(f"{rate / other:.12g}")
    raise TunerError(
        f"lr: {show(group.name)} is tied to {show(own.name)}, whose rate is {other}, and cannot "
        f"train at {rate}: give {show(TIMES_OF + group.name)}, or leave lr out"
    )


def check_values(recipe: Recipe, values: Mapping[str, Any], source: str = "") -> None:
    """Refuses flat values that no trial can have: unknown names, wrong types, impossible numbers.

    Values outside of the searched ranges are fine. `source` begins the one-line TunerError.
    """
    valid = fixed_names(recipe)
    for name, value in values.items():
        at = Place(source, name)
        if name == "lr":
            rates = ", ".join(known for known in valid if known.startswith(LR))
            raise at.refuse(f"of which group? write one of {rates}")
        if name.startswith(LR) and TIMES_OF + name.removeprefix(LR) in valid:
            times = TIMES_OF + name.removeprefix(LR)
            raise at.refuse(f"this rate is tied to another group's; say {show(times)}")
        if name not in valid:
            raise at.refuse(f"no such setting; {suggestion(name, valid)}")
        _rule(name).plain(value, at)


def _rule(name: str) -> Rule:
    prefix, dot, _ = name.partition(".")
    if not dot:
        return TRAINING[name]
    return TIMES if prefix + dot == TIMES_OF else GROUP[prefix]


def trial_config(recipe: Recipe, values: Mapping[str, Scalar], trial: int) -> TrialConfig:
    """The configuration of trial number `trial`: `values` by flat name, else the recipe's own.

    Raises TunerError where a value is wrong or a searched setting has none. A rate of 0.0 stays a
    rate; only "frozen" becomes None.
    """
    check_values(recipe, values)
    chosen = {**settings(recipe), **values}
    left = [name for name, value in chosen.items() if is_searched(value)]
    if left:
        raise TunerError(f"{left[0]}: has a range in the recipe and no value in trial {trial}")
    training = recipe.training
    general = {key: chosen.get(key) for key in SEARCHABLE if key != "weight_decay"}
    return TrialConfig(
        **_typed(general),
        learning_rates={g.name: _rate_of(recipe, g, chosen) for g in recipe.groups},
        weight_decays={
            g.name: _number(chosen.get(WEIGHT_DECAY + g.name, chosen["weight_decay"]))
            for g in recipe.groups
        },
        layer_decays={
            g.name: _number(chosen[LAYER_DECAY + g.name])
            for g in recipe.groups
            if g.layer_decay is not None
        },
        seed=_seed(recipe, values.get("seed", training.seed), trial),
        evaluations_per_epoch=training.evaluations_per_epoch,
        keep=training.keep,
    )


def same_configuration(
    recipe: Recipe, first: Mapping[str, Scalar], second: Mapping[str, Scalar]
) -> bool:
    """Whether two trials with these values train alike, but for rounding in the last digits."""
    own = settings(recipe)
    one, other = {**own, **first}, {**own, **second}
    return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, int | float) and isinstance(other, int | float):
        return math.isclose(one, other, rel_tol=1e-6)
    return bool(one == other)


def _typed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers as TrialConfig has them: 1 as a warmup is 1.0, whole numbers stay whole."""
    return {
        key: float(value) if TRAINING[key].kind == "number" and value is not None else value
        for key, value in values.items()
    }


def _number(value: Any) -> float:
    return float(value)


def _rate_of(recipe: Recipe, group: GroupSpec, chosen: Mapping[str, Any]) -> float | None:
    rate = chosen[LR + own_rate(recipe.groups, group).name]
    if rate == FROZEN:
        return None
    if isinstance(group.lr, Like):
        return tied_rate(float(rate), _number(chosen[TIMES_OF + group.name]))
    return float(rate)


def _seed(recipe: Recipe, seed: Any, trial: int) -> int:
    """A seed per trial comes from the search's seed and the trial's number: a resume repeats it."""
    if seed != PER_TRIAL:
        return int(seed)
    digest = hashlib.sha256(f"{recipe.search.seed}:{trial}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def highest(setting: Setting) -> float:
    """The largest value of a number that is fixed or searched."""
    if isinstance(setting, Range):
        return setting.high
    values = setting.values if isinstance(setting, Choices) else (setting,)
    return max(float(value) for value in values)


def with_groups(recipe: Recipe, present: Collection[str]) -> Recipe:
    """The recipe without the groups that hold nothing in its model: none is searched in vain.

    A group that others' rates are tied to stays.
    """
    unknown = set(present) - {group.name for group in recipe.groups}
    if unknown:
        raise ValueError(f"groups that the recipe does not have: {show(sorted(unknown))}")
    followed = {own_rate(recipe.groups, g).name for g in recipe.groups if g.name in present}
    kept = followed.union(present)
    return replace(recipe, groups=tuple(g for g in recipe.groups if g.name in kept))
