"""Ranges of presets round the rate of a model's kind, and where the baseline lies outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tuner.recipe.baselines import baseline_values
from tuner.recipe.model_rates import scale_rates_to_model
from tuner.recipe.model_shape import ModelShape, infer_model_shape
from tuner.recipe.presets import preset_document
from tuner.recipe.space import LR_PREFIX, search_space
from tuner.recipe.types import Range, Recipe
from tuner.results.baseline_coverage import rates_out_of_range

SHAPES = [
    ModelShape("bert", 384, 6),
    ModelShape("bert", 768, 12),
    ModelShape("bert", 1024, 24),
    ModelShape("bert", 64, 3),
    ModelShape("roberta", 1024, 24),
    ModelShape("electra", 256, 12),
    ModelShape("electra", 1024, 24),
    ModelShape("deberta-v2", 1024, 24),
    ModelShape("albert", 768, 1),
    ModelShape("distilbert", 768, 6),
    ModelShape("never-heard-of", 512, 4),
]


def recipe_for_shape(preset: str, shape: ModelShape) -> Recipe:
    document = preset_document(preset)
    scale_rates_to_model(document, shape)
    for key, value in (("name", "m"), ("train", "t.csv"), ("validation", 0.1), ("label", "y")):
        document.set_value(f"{'model' if key == 'name' else 'data'}.{key}", value)
    document.set_value("data.text", "x")
    return document.parse_recipe()


@pytest.mark.parametrize(
    "shape", SHAPES, ids=lambda shape: f"{shape.model_type}-{shape.hidden_size}"
)
@pytest.mark.parametrize("preset", ["basic", "groups", "llrd"])
def test_the_yardstick_lies_well_inside(preset: str, shape: ModelShape) -> None:
    recipe = recipe_for_shape(preset, shape)
    kind = (shape.model_type, shape.hidden_size, shape.layers)
    assert rates_out_of_range(recipe, *kind) == {}
    baseline = baseline_values(recipe, *kind)
    for name, setting in search_space(recipe).items():
        if name.startswith(LR_PREFIX):
            assert isinstance(setting, Range)
            assert setting.scale == "log"
            rate = float(baseline[name])
            assert 1.9 * setting.low <= rate <= setting.high / 1.9


def test_the_preset_of_one_run_has_the_published_rate() -> None:
    (group,) = recipe_for_shape("baseline", ModelShape("bert", 384, 6)).groups
    assert group.lr == 1e-4


def test_a_base_model_has_the_ranges_as_they_are_written() -> None:
    document = preset_document("groups")
    before = document.toml_text
    assert not scale_rates_to_model(document, ModelShape("bert", 768, 12))
    assert document.toml_text == before


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("roberta-large", ("roberta", 1024, 24)),
        ("google/electra-small-discriminator", ("electra", 256, 12)),
        ("microsoft/deberta-v3-base", ("deberta-v2", 768, 12)),
        ("sentence-transformers/all-MiniLM-L6-v2", ("bert", 384, 6)),
        ("distilbert/distilbert-base-uncased", ("distilbert", 768, 12)),
        ("albert/albert-base-v2", ("albert", 768, 12)),
        ("somebody/something", None),
        ("../../etc", None),
    ],
)
def test_a_name_tells_the_kind(
    name: str, kind: tuple[str, int, int] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    shape = infer_model_shape(name)
    assert (shape and (shape.model_type, shape.hidden_size, shape.layers)) == kind
    assert shape is None or shape.guessed


def test_a_config_tells_it_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = tmp_path / "models--me--roberta-large" / "snapshots" / "abc"
    folder.mkdir(parents=True)
    config = {"model_type": "distilbert", "dim": 384, "n_layers": 3}
    (folder / "config.json").write_text(json.dumps(config))
    expected_shape = ModelShape("distilbert", 384, 3)
    assert infer_model_shape("me/roberta-large") == infer_model_shape(str(folder)) == expected_shape
    (folder / "config.json").write_text("[1")
    assert infer_model_shape(str(folder)) is None
    assert infer_model_shape(str(tmp_path / "roberta-large")) is None


def test_where_the_baseline_lies_outside_is_said_by_group() -> None:
    recipe = recipe_for_shape("groups", ModelShape("bert", 768, 12))
    groups_out_of_range = rates_out_of_range(recipe, "electra", 256, 12)
    assert set(groups_out_of_range) == {"quarter 4"}
    assert rates_out_of_range(recipe, "bert", 384, 6) == {}
    document = preset_document("llrd")
    document.set_value("groups.body.lr", {"low": 1e-6, "high": 5e-5})
    document.set_value("groups.head.lr.times", {"low": 2.0, "high": 100.0})
    for key, value in (("train", "t.csv"), ("validation", 0.1), ("label", "y"), ("text", "x")):
        document.set_value(f"data.{key}", value)
    document.set_value("model.name", "m")
    assert rates_out_of_range(document.parse_recipe(), "bert", 384, 6) == {
        "body": 'the baseline\'s rate 1e-4 lies above the range of "body", 1e-6…5e-5',
        "head": 'the baseline\'s multiplier 1 lies below the range of "head", 2…100',
    }
    document.set_value("search.baseline", False)
    assert rates_out_of_range(document.parse_recipe(), "bert", 384, 6) == {}


def test_what_a_user_has_set_stays() -> None:
    document = preset_document("groups")
    document.set_value("groups.quarter 1.lr.high", 3e-6)
    document.set_value("groups.head.lr", 1e-3)
    assert scale_rates_to_model(document, ModelShape("bert", 384, 6))
    rates = {group.name: group.lr for group in document.parse_groups()}
    assert rates["quarter 1"] == Range(2e-6, 3e-6, "log")
    assert rates["quarter 2"] == Range(1e-5, 5e-4, "log")
    assert (rates["head"], rates["the rest"]) == (1e-3, 1e-4)
