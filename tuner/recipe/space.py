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
from tuner.recipe.field_parsers import FieldSpec, Location, is_searched_setting
from tuner.recipe.key_parsers import PER_TRIAL
from tuner.recipe.nearest import quote_value, spelling_hint
from tuner.recipe.numbers import round_to_digits
from tuner.recipe.rates import find_rate_owner
from tuner.recipe.schema import GROUP, TIMES, TRAINING
from tuner.recipe.types import FROZEN, Choices, GroupSpec, Range, Recipe, Scalar, Setting, TiedRate

LR_PREFIX = "lr."
TIMES_PREFIX = "times."
LAYER_DECAY_PREFIX = "layer_decay."
WEIGHT_DECAY_PREFIX = "weight_decay."
SEARCHABLE_KEYS = tuple(key for key, rule in TRAINING.items() if rule.kind is not None)


def search_space(recipe: Recipe) -> dict[str, Range | Choices]:
    """Return the searched settings by flat name, in a fixed order."""
    all_settings = settings_by_name(recipe)
    return {name: s for name, s in all_settings.items() if isinstance(s, Range | Choices)}


def settings_by_name(recipe: Recipe) -> dict[str, Setting]:
    """Return every setting of the recipe, fixed or searched, by flat name in the fixed order."""
    groups = recipe.groups
    by_name: dict[str, Setting] = {
        LR_PREFIX + group.name: group.lr for group in groups if not isinstance(group.lr, TiedRate)
    }
    ties = ((group.name, group.lr) for group in groups if isinstance(group.lr, TiedRate))
    by_name |= {TIMES_PREFIX + name: tie.times for name, tie in ties}
    for prefix, decays in (
        (LAYER_DECAY_PREFIX, [(group.name, group.layer_decay) for group in groups]),
        (WEIGHT_DECAY_PREFIX, [(group.name, group.weight_decay) for group in groups]),
    ):
        by_name |= {prefix + name: decay for name, decay in decays if decay is not None}
    for key in SEARCHABLE_KEYS:
        value = getattr(recipe.training, key)
        if value is not None:
            by_name[key] = value
    return by_name


def settable_names(recipe: Recipe) -> tuple[str, ...]:
    """Return every flat name that a trial's values may have: searched, fixed, and "seed"."""
    groups = [group.name for group in recipe.groups]
    group_setting_names = [
        name
        for name in settings_by_name(recipe)
        if name.startswith((LR_PREFIX, TIMES_PREFIX, LAYER_DECAY_PREFIX))
    ]
    return (
        *group_setting_names,
        *(WEIGHT_DECAY_PREFIX + name for name in groups),
        *SEARCHABLE_KEYS,
        "seed",
    )


def single_rate_values(
    groups: Sequence[GroupSpec], rate: Scalar, overrides: Mapping[str, Scalar]
) -> dict[str, Scalar]:
    """Return the flat values with which every group, and every layer of it, trains at one rate.

    `overrides` take precedence by name: a group tied to one with an overridden rate gets the factor
    between them. TunerError if a tied group cannot have the rate.
    """
    values: dict[str, Scalar] = {}
    for group in groups:
        owner = find_rate_owner(groups, group)
        if group.layer_decay is not None:
            values[LAYER_DECAY_PREFIX + group.name] = 1.0
        if not isinstance(group.lr, TiedRate):
            values[LR_PREFIX + group.name] = rate
        elif rate != FROZEN and TIMES_PREFIX + group.name not in overrides:
            values[TIMES_PREFIX + group.name] = _tie_factor(group, owner, rate, overrides)
    return {**values, **overrides}


def _tie_factor(
    group: GroupSpec, owner: GroupSpec, rate: Scalar, overrides: Mapping[str, Scalar]
) -> float:
    owner_rate = overrides.get(LR_PREFIX + owner.name, rate)
    if owner_rate == rate:
        return 1.0
    if (
        isinstance(rate, float | int)
        and isinstance(owner_rate, float | int)
        and min(rate, owner_rate) > 0
    ):
        # A quotient of 3.0000000000000004 is meant as 3, and is shown and logged as that.
        return round_to_digits(rate / owner_rate, 12)
    raise TunerError(
        f"lr: {quote_value(group.name)} is tied to {quote_value(owner.name)}, whose rate is "
        f"{owner_rate}, and cannot train at {rate}: give "
        f"{quote_value(TIMES_PREFIX + group.name)}, or leave lr out"
    )


def check_trial_values(recipe: Recipe, values: Mapping[str, Any], source: str = "") -> None:
    """Refuse flat values that no trial can have: unknown names, wrong types, impossible numbers.

    Values outside of the searched ranges are fine. `source` begins the one-line TunerError.
    """
    valid = settable_names(recipe)
    for name, value in values.items():
        location = Location(source, name)
        if name == "lr":
            rates = ", ".join(rate_name for rate_name in valid if rate_name.startswith(LR_PREFIX))
            raise location.error(f"of which group? write one of {rates}")
        if name.startswith(LR_PREFIX) and TIMES_PREFIX + name.removeprefix(LR_PREFIX) in valid:
            times = TIMES_PREFIX + name.removeprefix(LR_PREFIX)
            raise location.error(f"this rate is tied to another group's; say {quote_value(times)}")
        if name not in valid:
            raise location.error(f"no such setting; {spelling_hint(name, valid)}")
        _field_spec_of_setting(name).parse_scalar(value, location)


def _field_spec_of_setting(name: str) -> FieldSpec:
    prefix, dot, _ = name.partition(".")
    if not dot:
        return TRAINING[name]
    return TIMES if prefix + dot == TIMES_PREFIX else GROUP[prefix]


def build_trial_config(recipe: Recipe, values: Mapping[str, Scalar], trial: int) -> TrialConfig:
    """Return the configuration of trial number `trial`: `values`, else the recipe's own.

    Raises TunerError if a value is wrong or a searched setting has none. A rate of 0.0 stays a
    rate; only "frozen" becomes None.
    """
    check_trial_values(recipe, values)
    merged_values: dict[str, Any] = {**settings_by_name(recipe), **values}
    undecided_names = [name for name, value in merged_values.items() if is_searched_setting(value)]
    if undecided_names:
        raise TunerError(
            f"{undecided_names[0]}: has a range in the recipe and no value in trial {trial}"
        )
    training = recipe.training
    general = {key: merged_values.get(key) for key in SEARCHABLE_KEYS if key != "weight_decay"}
    return TrialConfig(
        **_with_float_numbers(general),
        learning_rates={g.name: _trial_group_rate(recipe, g, merged_values) for g in recipe.groups},
        weight_decays={
            g.name: float(
                merged_values.get(WEIGHT_DECAY_PREFIX + g.name, merged_values["weight_decay"])
            )
            for g in recipe.groups
        },
        layer_decays={
            g.name: float(merged_values[LAYER_DECAY_PREFIX + g.name])
            for g in recipe.groups
            if g.layer_decay is not None
        },
        seed=_seed_of_trial(recipe, values.get("seed", training.seed), trial),
        evaluations_per_epoch=training.evaluations_per_epoch,
        keep=training.keep,
    )


def trains_identically(
    recipe: Recipe, first: Mapping[str, Scalar], second: Mapping[str, Scalar]
) -> bool:
    """Tell whether trials with these values train alike, but for rounding in the last digits."""
    recipe_values = settings_by_name(recipe)
    first_values, second_values = {**recipe_values, **first}, {**recipe_values, **second}
    return first_values.keys() == second_values.keys() and all(
        _is_equal_but_for_rounding(first_values[name], second_values[name]) for name in first_values
    )


def _is_equal_but_for_rounding(first: Any, second: Any) -> bool:
    if isinstance(first, int | float) and isinstance(second, int | float):
        return math.isclose(first, second, rel_tol=1e-6)
    return bool(first == second)


def _with_float_numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert numbers as TrialConfig holds them: a warmup of 1 is 1.0, whole numbers stay whole."""
    return {
        key: float(value) if TRAINING[key].kind == "number" and value is not None else value
        for key, value in values.items()
    }


def _trial_group_rate(
    recipe: Recipe, group: GroupSpec, merged_values: Mapping[str, Any]
) -> float | None:
    rate = merged_values[LR_PREFIX + find_rate_owner(recipe.groups, group).name]
    if rate == FROZEN:
        return None
    if isinstance(group.lr, TiedRate):
        return float(rate) * float(merged_values[TIMES_PREFIX + group.name])
    return float(rate)


def _seed_of_trial(recipe: Recipe, seed: Any, trial: int) -> int:
    """Return the trial's seed, which follows from the search's seed and its number.

    So a resumed trial has the seed that it began with.
    """
    if seed != PER_TRIAL:
        return int(seed)
    digest = hashlib.sha256(f"{recipe.search.seed}:{trial}".encode()).digest()
    # 31 bits: what every library takes as a seed.
    return int.from_bytes(digest[:4], "big") >> 1


def highest_value(setting: Setting) -> float:
    """Return the largest value of a number that is fixed or searched."""
    if isinstance(setting, Range):
        return setting.high
    values = setting.values if isinstance(setting, Choices) else (setting,)
    return max(float(value) for value in values)


def keep_present_groups(recipe: Recipe, present: Collection[str]) -> Recipe:
    """Drop the groups that hold nothing in the model, so that none is searched in vain.

    A group that others' rates are tied to stays.
    """
    unknown = set(present) - {group.name for group in recipe.groups}
    if unknown:
        raise ValueError(f"groups that the recipe does not have: {quote_value(sorted(unknown))}")
    followed = {find_rate_owner(recipe.groups, g).name for g in recipe.groups if g.name in present}
    kept_names = followed.union(present)
    return replace(recipe, groups=tuple(g for g in recipe.groups if g.name in kept_names))
