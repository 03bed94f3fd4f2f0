"""The recipes that come with tuner are good ones."""

from __future__ import annotations

import pytest

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import parse_recipe, recipe_to_dict
from tuner.recipe.presets import preset_document, preset_names
from tuner.recipe.space import search_space
from tuner.recipe.types import Range

YOURS = {
    "model.name": "bert-base-uncased",
    "data.train": "train.jsonl",
    "data.validation": 0.1,
    "data.text": "text",
    "data.label": "label",
}


def complete_preset(name: str) -> RecipeDocument:
    """Complete a preset with a model and data, where it has none of its own."""
    document = preset_document(name)
    for key, value in YOURS.items():
        if document.get_value(key) is None:
            document.set_value(key, value)
    return document


def test_all_are_there() -> None:
    assert set(preset_names()) == {
        "demo", "baseline", "basic", "groups", "llrd", "rte-roberta-large-article",
    }  # fmt: skip


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_a_good_recipe(name: str) -> None:
    preset_recipe = complete_preset(name).parse_recipe()
    assert preset_recipe.preset == name
    assert parse_recipe(recipe_to_dict(preset_recipe), "json") == preset_recipe
    explained = [
        line for line in complete_preset(name).toml_text.splitlines() if line.startswith("#")
    ]
    assert len(explained) >= 2


@pytest.mark.parametrize("name", ["baseline", "basic", "groups", "llrd"])
def test_presets_for_any_model_say_what_is_missing(name: str) -> None:
    with pytest.raises(TunerError, match=f"^preset {name}: model.name: is missing"):
        preset_document(name).parse_recipe()


def test_an_unknown_preset() -> None:
    with pytest.raises(TunerError, match='no preset "group"; did you mean "groups"'):
        preset_document("group")


def test_what_is_searched() -> None:
    assert search_space(complete_preset("baseline").parse_recipe()) == {}
    assert search_space(complete_preset("basic").parse_recipe()) == {
        "lr.all": Range(1e-6, 4e-4, "log"),
        "epochs": Range(2, 10, "linear", integer=True),
    }
    grouped = search_space(complete_preset("groups").parse_recipe())
    assert len(grouped) == 7
    assert all(range_.scale == "log" for name, range_ in grouped.items()
               if name != "epochs" and isinstance(range_, Range))  # fmt: skip


def test_the_article() -> None:
    preset_recipe = preset_document("rte-roberta-large-article").parse_recipe()
    space = search_space(preset_recipe)
    body, head = Range(0.0, 5e-5, "linear"), Range(0.0, 1e-3, "linear")
    assert list(space.values()) == [body] * 4 + [head] * 4 + [Range(1, 40, "linear", integer=True)]
    assert preset_recipe.groups[-1].lr == 4e-5
    training = preset_recipe.training
    assert (training.batch_size, training.accumulation, training.warmup) == (16, 2, 0.06)
    assert (training.adam_epsilon, training.weight_decay, training.seed) == (1e-8, 0.0, 4)
    assert (
        preset_recipe.search.trials,
        preset_recipe.model.max_length,
        preset_recipe.data.holdout,
    ) == (40, 256, 0.5)


@pytest.mark.parametrize("value", ["auto", "off", 2, 7])
def test_collapse_is_a_rule_or_a_number_of_evaluations(value: str | int) -> None:
    document = preset_document("groups")
    document.set_value("search.collapse", value)
    assert document.get_value("search.collapse") == value


@pytest.mark.parametrize("value", ["of", 1, 2.5, -3])
def test_what_is_no_rule_of_collapse_is_refused(value: object) -> None:
    with pytest.raises(TunerError, match=r"search\.collapse"):
        preset_document("groups").set_value("search.collapse", value)
