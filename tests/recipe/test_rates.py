"""Tied rates and rates that decay from layer to layer, resolved for every parameter."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recipe.contract import RECIPE, contract_with_changes, recipe, roberta
from tuner.errors import TunerError
from tuner.recipe.baselines import baseline_values, middle_values
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import parse_recipe, recipe_to_dict
from tuner.recipe.presets import preset_document
from tuner.recipe.rates import (
    group_rate_setting,
    is_frozen_group,
    param_group_setting,
    rate_without_tie,
    rated_param_groups,
    split_into_param_groups,
)
from tuner.recipe.space import (
    build_trial_config,
    check_trial_values,
    keep_present_groups,
    search_space,
    settable_names,
    settings_by_name,
)
from tuner.recipe.types import FROZEN, Choices, GroupSpec, Range, Recipe, TiedRate

LAYERS = 12


def llrd() -> Recipe:
    """Load the preset, with a model and data."""
    document = preset_document("llrd")
    for key, value in {
        "model.name": "roberta-base", "data.train": "t.csv", "data.validation": "v.csv",
        "data.text": "text", "data.label": "label",
    }.items():  # fmt: skip
        document.set_value(key, value)
    return document.parse_recipe()


def rates(base_recipe: Recipe, layers: int = LAYERS, **values: float) -> dict[str, float | None]:
    """Return the rate of every parameter in a trial with these values."""
    parameter_values = {
        **middle_values(base_recipe),
        **{k.replace("__", "."): v for k, v in values.items()},
    }
    resolved = resolve_groups(base_recipe.groups, roberta(layers))
    param_groups = rated_param_groups(
        resolved, build_trial_config(base_recipe, parameter_values, 0)
    )
    return {parameter.name: level.lr for level in param_groups for parameter in level.parameters}


def test_three_numbers_say_the_rate_of_every_parameter() -> None:
    assert list(search_space(llrd())) == ["lr.body", "times.head", "layer_decay.body", "epochs"]
    rate_by_parameter = rates(llrd(), lr__body=1e-4, times__head=10.0, layer_decay__body=0.5)
    layer = "roberta.encoder.layer.{}.output.dense.bias"
    assert rate_by_parameter[layer.format(11)] == 1e-4
    assert rate_by_parameter[layer.format(10)] == 5e-5
    assert rate_by_parameter[layer.format(0)] == pytest.approx(1e-4 * 0.5**11)
    assert rate_by_parameter["roberta.embeddings.LayerNorm.bias"] == pytest.approx(1e-4 * 0.5**12)
    assert rate_by_parameter["classifier.dense.bias"] == pytest.approx(1e-3)
    assert len(rate_by_parameter) == len(roberta(LAYERS))


def test_levels_go_from_the_lowest_layer_to_the_highest() -> None:
    resolved = resolve_groups(llrd().groups, roberta(3))
    groups = split_into_param_groups(resolved)
    assert [(group.name, group.layers_below_top) for group in groups] == [
        ("body embeddings", 3), ("body layer 0", 2), ("body layer 1", 1), ("body layer 2", 0),
        ("head", 0),
    ]  # fmt: skip


def test_without_decay_a_group_is_one_level() -> None:
    resolved = resolve_groups(recipe().groups, roberta())
    assert [level.name for level in split_into_param_groups(resolved)] == [
        group.name for group in recipe().groups
    ]
    assert [level.parameters for level in split_into_param_groups(resolved)] == [
        g.parameters for g in resolved
    ]


@given(st.integers(1, 24), st.floats(1e-7, 1e-2), st.floats(0.1, 1), st.floats(0.01, 1000))
def test_every_rate_of_a_trial_lies_in_what_its_level_can_be(
    layers: int, top: float, decay: float, times: float
) -> None:
    groups = (
        GroupSpec("body", Range(1e-7, 1e-2, "log"), part=("embeddings", "layers"),
                  layer_decay=Range(0.1, 1.0)),
        GroupSpec("head", TiedRate("body", Range(0.01, 1000, "log")), part="head"),
    )  # fmt: skip
    tied_recipe = Recipe(llrd().model, llrd().data, groups=groups)
    values = {"lr.body": top, "times.head": times, "layer_decay.body": decay}
    param_groups = rated_param_groups(
        resolve_groups(groups, roberta(layers)), build_trial_config(tied_recipe, values, 0)
    )
    body = [
        level.lr for level in param_groups if level.group.name == "body" and level.lr is not None
    ]
    assert body == sorted(body)
    assert body[-1] == top
    for level in param_groups:
        can_be = param_group_setting(groups, level)
        assert isinstance(can_be, Range)
        assert level.lr is not None
        assert can_be.low * (1 - 1e-9) <= level.lr <= can_be.high * (1 + 1e-9)


@given(
    st.floats(1e-7, 1) | st.just(FROZEN) | st.just(Range(1e-6, 1e-4, "log")),
    st.floats(0.01, 100) | st.just(Range(1.0, 10.0, "log")),
    st.none() | st.floats(0.1, 1) | st.just(Range(0.5, 1.0)),
)
def test_ties_and_decays_survive_being_written(lr: object, times: object, decay: object) -> None:
    groups = (
        GroupSpec("a b", lr, rest=True, layer_decay=decay),  # type: ignore[arg-type]
        GroupSpec("head", TiedRate("a b", times), part="head"),  # type: ignore[arg-type]
    )
    tied_recipe = Recipe(llrd().model, llrd().data, groups=groups)
    assert parse_recipe(recipe_to_dict(tied_recipe), "r") == tied_recipe


def test_what_a_tied_group_can_be() -> None:
    def setting_of_tied_group(lr: object, times: object) -> object:
        groups = (
            GroupSpec("a", lr, rest=True),  # type: ignore[arg-type]
            GroupSpec("b", TiedRate("a", times), part="head"),  # type: ignore[arg-type]
        )
        assert is_frozen_group(groups, groups[1]) is (lr == FROZEN)
        return group_rate_setting(groups, groups[1])

    assert setting_of_tied_group(Range(1e-6, 1e-4, "log"), 1.0) == Range(1e-6, 1e-4, "log")
    assert setting_of_tied_group(1e-5, 2.0) == 2e-5
    assert setting_of_tied_group(FROZEN, Range(1.0, 2.0)) == FROZEN
    assert setting_of_tied_group(Range(0.0, 1e-3), 3.0) == Range(0.0, 3e-3)
    assert setting_of_tied_group(Choices((1e-5, FROZEN, 4e-5)), Range(1.0, 10.0, "log")) == Range(
        1e-5, 4e-4, "log"
    )


def test_an_untied_group_keeps_what_it_could_be_to_three_digits() -> None:
    groups = (
        GroupSpec("a", Range(1e-6, 1e-4, "log"), rest=True),
        GroupSpec("b", TiedRate("a", 1 / 3), part="head"),
    )
    assert rate_without_tie(groups, groups[1]) == Range(3.33e-7, 3.33e-5, "log")


def test_a_tied_rate_is_said_by_its_factor() -> None:
    with pytest.raises(TunerError, match=r'lr\.head: this rate is tied.*say "times.head"'):
        check_trial_values(llrd(), {"lr.head": 1e-3})
    with pytest.raises(TunerError, match=r"write one of lr\.body$"):
        check_trial_values(llrd(), {"lr": 1e-3})
    with pytest.raises(TunerError, match=r"layer_decay\.body"):
        check_trial_values(llrd(), {"layer_decay.body": 1.5})
    assert {"lr.body", "times.head", "times.the rest"} <= set(settable_names(llrd()))


def test_a_group_that_others_are_tied_to_stays() -> None:
    text = contract_with_changes(
        ("lr = 4e-5", 'lr = { like = "layers 0-5" }'),
        ('{ low = 0.0, high = 1e-3, scale = "linear" }', "1e-3"),
    )
    reduced_recipe = keep_present_groups(recipe(text), ["head", "the rest"])
    assert [group.name for group in reduced_recipe.groups] == ["layers 0-5", "head", "the rest"]
    assert "lr.layers 0-5" in search_space(reduced_recipe)
    assert [g.name for g in keep_present_groups(recipe(text), ["head"]).groups] == ["head"]


def test_the_baseline_is_the_published_one_whatever_is_tied() -> None:
    electra = baseline_values(llrd(), "electra", 768, 12)
    assert electra["layer_decay.body"] == 0.8
    rate_by_parameter = rates(llrd(), **{k.replace(".", "__"): v for k, v in electra.items()})  # type: ignore[arg-type]
    assert rate_by_parameter["classifier.dense.bias"] == pytest.approx(1e-4, rel=0.01)
    lowest = rate_by_parameter["roberta.embeddings.LayerNorm.bias"]
    assert lowest is not None
    # The published code has two steps from the top layer to the head.
    assert math.isclose(lowest, 1e-4 * 0.8**14, rel_tol=0.01)
    plain = baseline_values(llrd(), "roberta", 768, 12)
    assert (plain["times.head"], plain["layer_decay.body"]) == (1.0, 1.0)


def test_recipes_without_ties_have_the_names_that_they_had() -> None:
    assert list(settings_by_name(recipe(RECIPE)))[:4] == [
        "lr.layers 0-5", "lr.head", "lr.the rest", "epochs",
    ]  # fmt: skip
