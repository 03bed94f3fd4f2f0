"""Flat names, the search space, and one trial's configuration."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recipe.contract import contract_with_changes, recipe
from tuner.errors import TunerError
from tuner.recipe.baselines import (
    baseline_values,
    middle_of_setting,
    middle_values,
    published_recipe,
)
from tuner.recipe.ranges import coerce_to_setting
from tuner.recipe.space import (
    build_trial_config,
    check_trial_values,
    keep_present_groups,
    search_space,
    settable_names,
    settings_by_name,
    single_rate_values,
)
from tuner.recipe.types import FROZEN, Choices, GroupSpec, Range, Recipe, Scalar, TiedRate

VALUES = {"lr.layers 0-5": 1e-5, "lr.head": 0.0, "epochs": 7}


def with_training(**keys: object) -> Recipe:
    """Return the contract's recipe with other training settings."""
    base_recipe = recipe()
    return replace(base_recipe, training=replace(base_recipe.training, **keys))  # type: ignore[arg-type]


def test_the_space_has_a_fixed_order() -> None:
    assert list(search_space(recipe())) == ["lr.layers 0-5", "lr.head", "epochs"]
    changed_recipe = with_training(
        weight_decay=Range(0, 0.1), schedule=Choices(("linear", "cosine"))
    )
    low, head, rest_group = changed_recipe.groups
    changed_recipe = replace(
        changed_recipe, groups=(low, replace(head, weight_decay=Range(0, 1)), rest_group)
    )
    assert list(search_space(changed_recipe)) == [
        "lr.layers 0-5", "lr.head", "weight_decay.head", "epochs", "weight_decay", "schedule",
    ]  # fmt: skip
    assert settings_by_name(changed_recipe)["lr.the rest"] == 4e-5


def test_a_trial() -> None:
    config = build_trial_config(recipe(), VALUES, 3)
    assert config.learning_rates == {"layers 0-5": 1e-5, "head": 0.0, "the rest": 4e-5}
    assert config.weight_decays == {"layers 0-5": 0.0, "head": 0.0, "the rest": 0.0}
    assert (config.epochs, config.batch_size, config.seed, config.keep) == (7, 16, 4, "best")


def test_values_go_before_the_recipe() -> None:
    values: dict[str, Scalar] = {**VALUES, "lr.the rest": FROZEN, "seed": 9, "warmup": 1}
    values |= {"weight_decay": 0.1, "weight_decay.head": 0.0, "batch_size": 64}
    config = build_trial_config(recipe(), values, 0)
    assert config.learning_rates["the rest"] is None
    assert config.weight_decays == {"layers 0-5": 0.1, "head": 0.0, "the rest": 0.1}
    assert (config.seed, config.warmup, config.batch_size) == (9, 1.0, 64)
    assert isinstance(config.warmup, float)


def test_a_groups_own_weight_decay_goes_before_the_general_one() -> None:
    low, head, rest_group = recipe().groups
    changed_recipe = replace(recipe(), groups=(low, replace(head, weight_decay=0.5), rest_group))
    assert (
        build_trial_config(changed_recipe, {**VALUES, "weight_decay": 0.1}, 0).weight_decays["head"]
        == 0.5
    )


def test_a_value_that_nobody_gave_is_named() -> None:
    with pytest.raises(
        TunerError, match="epochs: has a range in the recipe and no value in trial 5"
    ):
        build_trial_config(recipe(), {"lr.layers 0-5": 1e-5, "lr.head": 1e-5}, 5)


def test_seeds_per_trial_come_from_search_seed_and_number() -> None:
    changed_recipe = with_training(seed="per-trial")
    seeds = [build_trial_config(changed_recipe, VALUES, n).seed for n in range(50)]
    assert len(set(seeds)) == 50
    assert seeds == [build_trial_config(changed_recipe, VALUES, n).seed for n in range(50)]
    assert all(0 <= seed < 2**31 for seed in seeds)
    reseeded_recipe = replace(changed_recipe, search=replace(changed_recipe.search, seed=1))
    assert build_trial_config(reseeded_recipe, VALUES, 0).seed != seeds[0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"lr": 1e-5}, "lr: of which group"),
        ({"lr.haed": 1e-5}, 'lr.haed: no such setting; did you mean "lr.head"'),
        ({"epoch": 3}, 'epoch: no such setting; did you mean "epochs"'),
        ({"epochs": 2.5}, "epochs: must be a whole number"),
        ({"epochs": 0}, "epochs: must be a whole number"),
        ({"epochs": {"low": 1, "high": 2}}, "epochs: must be a whole number"),
        ({"lr.head": -1}, "lr.head: must be a number of at least 0"),
        ({"lr.head": float("nan")}, "lr.head: must be a number"),
        ({"lr.head": "froze"}, "lr.head: .*frozen"),
        ({"schedule": "cos"}, 'schedule: .*did you mean "cosine"'),
        ({"seed": "each"}, "seed: must be"),
        ({"precision": "fp32"}, "precision: no such setting"),
    ],
)
def test_values_that_no_trial_can_have(values: dict[str, object], message: str) -> None:
    with pytest.raises(TunerError, match=f"^--: {message}"):
        check_trial_values(recipe(), values, "--")


def test_values_outside_of_the_ranges_are_fine() -> None:
    check_trial_values(recipe(), {"lr.head": 0.5, "epochs": 99, "lr.layers 0-5": FROZEN})
    assert set(search_space(recipe())) <= set(settable_names(recipe()))


def test_groups_that_hold_nothing_are_not_searched() -> None:
    changed_recipe = keep_present_groups(recipe(), ["head", "the rest"])
    assert list(search_space(changed_recipe)) == ["lr.head", "epochs"]
    with pytest.raises(ValueError, match="none"):
        keep_present_groups(recipe(), ["none"])


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (Range(1e-6, 1e-4, "log"), 1e-5),
        (Range(0.0, 5e-5), 2.5e-5),
        (Range(1, 40, "linear", integer=True), 20),
        (Range(2, 10, "linear", integer=True), 6),
        (Range(1, 64, "log", integer=True), 8),
        (Range(0.3, 0.3), 0.3),
        (Range(0.12341, 0.12342), 0.123415),
        (Choices((16, 32)), 16),
        (Choices((8, 16, 32)), 16),
    ],
)
def test_middles(setting: Range | Choices, value: float) -> None:
    assert middle_of_setting(setting) == pytest.approx(value, rel=1e-9)


@given(st.floats(1e-9, 1e3), st.floats(1, 1e6), st.booleans())
def test_a_middle_is_inside(low: float, factor: float, log: bool) -> None:
    setting = Range(low, low * factor, "log" if log else "linear")
    assert setting.low <= float(middle_of_setting(setting)) <= setting.high


@pytest.mark.parametrize("setting", [Range(0.0, 1.0), Choices((0, 1))])
def test_a_value_that_is_missing_lies_in_no_range(setting: Range | Choices) -> None:
    assert coerce_to_setting(setting, None) is None


def test_the_middle_trial_is_complete() -> None:
    config = build_trial_config(recipe(), middle_values(recipe()), 1)
    assert config.epochs == 20
    assert config.learning_rates["head"] == pytest.approx(5e-4)


def test_the_published_recipe_for_roberta() -> None:
    config = build_trial_config(recipe(), baseline_values(recipe(), "roberta", 1024, 24), 0)
    assert set(config.learning_rates.values()) == {2e-5}
    assert (config.epochs, config.batch_size, config.warmup) == (10, 16, 0.06)
    assert set(config.weight_decays.values()) == {0.1}
    assert (config.adam_beta2, config.adam_epsilon) == (0.98, 1e-6)


def test_unknown_families_have_the_general_recipe() -> None:
    config = build_trial_config(recipe(), baseline_values(recipe(), "new", 768, 12), 0)
    assert set(config.learning_rates.values()) == {2e-5}
    assert (config.epochs, config.warmup) == (3, 0.06)
    assert published_recipe("bert", 1024).epochs == 20
    assert published_recipe("bert", 768).epochs == 3
    assert published_recipe("bert", 128).rate == 1e-4


def test_frozen_groups_are_trained_in_the_baseline() -> None:
    changed_recipe = recipe(contract_with_changes(("lr = 4e-5", 'lr = "frozen"')))
    assert baseline_values(changed_recipe, "bert", 768, 12)["lr.the rest"] == 2e-5


def test_rates_of_electra_fall_from_the_head_down() -> None:
    changed_recipe = replace(
        recipe(),
        groups=(
            GroupSpec("emb", 1, part="embeddings"),
            GroupSpec("first", 1, layers="0"),
            GroupSpec("last", 1, layers="11"),
            GroupSpec("head", 1, part=("pooler", "head")),
            GroupSpec("bias", 1, params=("classifier.*",)),
            GroupSpec("glob", 1, params=("*.bias",)),
            GroupSpec("rest", 1, rest=True),
        ),
    )
    values = baseline_values(changed_recipe, "electra", 768, 12)
    assert values["lr.head"] == values["lr.bias"] == 1e-4
    assert values["lr.last"] == pytest.approx(1e-4 * 0.8**2, rel=1e-2)
    assert values["lr.first"] == pytest.approx(1e-4 * 0.8**13, rel=1e-2)
    assert values["lr.emb"] == pytest.approx(1e-4 * 0.8**14, rel=1e-2)
    assert values["lr.rest"] == values["lr.glob"] == pytest.approx(1e-4 * 0.8**7.5, rel=1e-2)


TIED = (
    GroupSpec("body", part="layers", lr=Range(1e-6, 1e-4, "log"), layer_decay=Range(0.7, 1.0)),
    GroupSpec("head", part="head", lr=TiedRate("body", Range(1.0, 100.0, "log"))),
    GroupSpec("rest", rest=True, lr=TiedRate("body", 3.0)),
    GroupSpec("frozen", params=("x",), lr="frozen"),
)


@pytest.mark.parametrize(
    ("own", "rates"),
    [
        ({}, (2e-5, 2e-5, 2e-5, 2e-5)),
        ({"lr.body": 1e-4}, (1e-4, 2e-5, 2e-5, 2e-5)),
        ({"times.head": 5.0}, (2e-5, 1e-4, 2e-5, 2e-5)),
        ({"lr.frozen": "frozen", "times.rest": 2}, (2e-5, 2e-5, 4e-5, None)),
    ],
)
def test_one_rate_is_that_of_every_group(
    own: dict[str, Any], rates: tuple[float | None, ...]
) -> None:
    changed_recipe = replace(recipe(), groups=TIED)
    config = build_trial_config(
        changed_recipe, {"epochs": 3, **single_rate_values(TIED, 2e-5, own)}, 0
    )
    assert list(config.learning_rates.values()) == pytest.approx(list(rates))
    assert config.layer_decays == {"body": 1.0}


def test_a_tied_group_that_cannot_have_the_rate_is_named() -> None:
    with pytest.raises(TunerError, match=r".head. is tied to .body., whose rate is frozen"):
        single_rate_values(TIED, 2e-5, {"lr.body": "frozen"})
