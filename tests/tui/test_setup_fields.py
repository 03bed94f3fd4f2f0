"""The fields of the forms, and hints about ranges: pure."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.setup_harness import complete_document
from tuner.errors import TunerError
from tuner.recipe.baselines import published_recipe
from tuner.recipe.schema import SECTIONS
from tuner.recipe.types import FROZEN, Choices, GroupSpec, Range, SearchSection, TiedRate
from tuner.tui.setup.field_table import FORM, OTHER, SEARCH, TASK
from tuner.tui.setup.fields import (
    FieldValue,
    FormField,
    displayed_value_text,
    field_value_text,
    next_field_word,
    parse_field_text,
    toggle_searched,
    value_in_recipe,
)
from tuner.tui.setup.hints import Hint, HintContext, all_frozen_hint, hints_for_groups
from tuner.tui.setup.rungs import Rung, halving_rungs, pruning_sketch, training_share

ALL = {field.key: field for field in (*TASK, *FORM, *OTHER, *SEARCH)}


def test_every_field_is_a_key_of_a_recipe_and_has_help() -> None:
    recipe = complete_document().parse_recipe()
    for key, field in ALL.items():
        section, name = key.split(".")
        assert name in SECTIONS[section]
        assert field.help
        value_in_recipe(recipe, field)


@pytest.mark.parametrize("field", ALL.values(), ids=ALL.keys())
def test_what_a_field_shows_for_typing_is_read_back(field: FormField) -> None:
    value = value_in_recipe(complete_document().parse_recipe(), field)
    for shown_value in (value, field.usual):
        if shown_value is not None:
            assert parse_field_text(field, field_value_text(field, shown_value)) == shown_value


@pytest.mark.parametrize(
    ("key", "typed", "value"),
    [
        ("training.epochs", "3", 3),
        ("training.epochs", "2..10", Range(2, 10, "linear", True)),
        ("training.batch_size", "{16,32}", Choices((16, 32))),
        ("training.warmup", "0..0.2", Range(0.0, 0.2)),
        ("training.schedule", "cosine", "cosine"),
        ("training.schedule", "{linear, cosine}", Choices(("linear", "cosine"))),
        ("training.dropout", "", None),
        ("training.seed", "per-trial", "per-trial"),
        ("training.seed", "7", 7),
        ("training.keep", "last", "last"),
        ("data.text", "premise, hypothesis", ("premise", "hypothesis")),
        ("data.text", "0", (0,)),
        ("data.label", "3", 3),
        ("data.validation", "0.1", 0.1),
        ("data.validation", "a b/val.csv", "a b/val.csv"),
        ("data.validation", "10%", 0.1),
        ("data.holdout", "50 %", 0.5),
        ("data.test", "", None),
        ("data.separator", "tab", "\t"),
        ("data.header", "true", True),
        ("data.header", "", None),
        ("data.quotes", "backslash", "backslash"),
        ("data.encoding", "latin1", "iso8859-1"),
        ("data.unlabelled", "-1, ?", ("-1", "?")),
        ("data.unlabelled", "none", ()),
        ("data.label_names", "World, Sports", ("World", "Sports")),
        ("data.label_names", "0=World, 1=Sports", {"0": "World", "1": "Sports"}),
        ("training.warmup", ".1", 0.1),
        ("training.warmup", "0..20%", Range(0.0, 0.2)),
        ("search.time", "1.5h", 5400.0),
        ("search.trials", "1_000", 1000),
        ("search.time", "1h30m", 5400.0),
        ("search.time", "90", 90.0),
        ("search.slots", "auto", "auto"),
        ("search.slots", "3", 3),
        ("search.baseline", "false", False),
        ("search.metric", "f1.yes", "f1.yes"),
        ("search.first_rung", "0.25", 0.25),
    ],
)
def test_typed_values(key: str, typed: str, value: FieldValue) -> None:
    assert parse_field_text(ALL[key], typed) == value


@pytest.mark.parametrize(
    ("key", "typed", "reason"),
    [
        ("training.epochs", "0", "at least 1"),
        ("training.epochs", "2.5", "whole number"),
        ("training.epochs", "", "cannot be empty"),
        ("training.batch_size", "{16,x}", "not a number"),
        ("training.schedule", "cosin", "did you mean"),
        ("training.precision", "fp16", "bf16"),
        ("training.precision", "{fp32,bf16}", "table|not known"),
        ("training.warmup", "2", "at most 1"),
        ("data.holdout", "1", "below 1"),
        ("data.text", "a, b, c", "two different"),
        ("search.time", "soon", "time"),
        ("search.metric", "f1", "of what"),
        ("search.trials", "2..3", "cannot be searched"),
        ("search.baseline", "maybe", "true or false|none of|not known|must be|not a number"),
    ],
)
def test_wrong_values_are_refused_in_one_line(key: str, typed: str, reason: str) -> None:
    with pytest.raises(TunerError, match=reason) as error:
        parse_field_text(ALL[key], typed)
    assert "\n" not in str(error.value)
    assert "training." not in str(error.value)


def test_words_go_round() -> None:
    schedule = ALL["training.schedule"]
    assert next_field_word(schedule, "linear", 1) == "cosine"
    assert next_field_word(schedule, "linear", -1) == "constant"
    assert next_field_word(schedule, Choices(("linear", "cosine")), 1) == "linear"
    assert next_field_word(ALL["training.epochs"], 3, 1) is None


def test_space_searches_and_fixes() -> None:
    epochs, seed = ALL["training.epochs"], ALL["training.seed"]
    assert toggle_searched(epochs, 3, {}) == epochs.usual
    before = Range(1, 40, "linear", True)
    assert toggle_searched(epochs, 3, {epochs.key: before}) == before
    assert toggle_searched(epochs, before, {}) == 20
    assert toggle_searched(ALL["training.batch_size"], Choices((16, 32)), {}) == 16
    with pytest.raises(TunerError, match="cannot be searched"):
        toggle_searched(seed, 0, {})


def test_shown_values_are_short() -> None:
    assert displayed_value_text(ALL["training.epochs"], Range(2, 10, "linear", True)) == (
        "2 … 10",
        "uniform",
    )
    assert displayed_value_text(ALL["search.first_rung"], 1 / 3) == ("0.3333", "")
    assert displayed_value_text(ALL["data.text"], ("a", "b")) == ("a + b", "")
    assert displayed_value_text(ALL["data.label_names"], {"0": "World"}) == ("0=World", "")
    assert displayed_value_text(ALL["data.unlabelled"], ()) == ("none", "")
    assert displayed_value_text(ALL["training.dropout"], None) == ("—", "fixed")


LOWER = GroupSpec("layers 0-5", Range(1e-6, 5e-5, "log"), layers="0-5")
UPPER = GroupSpec("layers 6-11", Range(1e-5, 1e-4, "log"), layers="6-11")
HEAD = GroupSpec("head", Range(1e-4, 1e-2, "log"), part="head")


def hints(*groups: GroupSpec, **context_fields: Any) -> list[Hint]:
    return hints_for_groups(groups, HintContext(**context_fields))


def texts(*groups: GroupSpec, size: int | None = None, rows: int | None = None) -> list[str]:
    return [hint.text for hint in hints(*groups, parameters=size, rows=rows)]


def test_overlaps_are_told_and_allowed() -> None:
    assert texts(LOWER, UPPER) == ["high (5e-5) overlaps layers 6-11, low (1e-5): allowed"]
    assert texts(UPPER, LOWER)[0].startswith("high (1e-4) is above that of layers 0-5")


def test_a_body_that_may_collapse_is_told_a_head_is_not() -> None:
    hot = GroupSpec("layers 0-5", Range(1e-6, 5e-3, "log"), layers="0-5")
    warm = GroupSpec("all", Range(1e-6, 4e-4, "log"), rest=True)
    assert any("risks collapse" in text for text in texts(hot, size=23_000_000))
    assert not any("risks collapse" in text for text in texts(HEAD, size=23_000_000))
    assert not texts(hot, size=600_000)
    assert not texts(hot)
    assert not texts(warm, size=23_000_000)
    assert any("risks collapse" in text for text in texts(warm, size=355_000_000))


def test_a_uniform_range_over_decades_is_told() -> None:
    uniform = GroupSpec("head", Range(0.0, 4e-4, "linear"), part="head")
    assert texts(uniform) == ["uniform: 90 % of its draws lie above 4e-5; log spreads them evenly"]


def test_a_large_model_on_few_rows_collapses_earlier() -> None:
    warm = GroupSpec("layers 0-5", Range(1e-6, 8e-5, "log"), layers="0-5")
    assert not texts(warm, size=355_000_000, rows=100_000)
    assert texts(warm, size=355_000_000, rows=2_490) == [
        "8e-5 risks collapse: a model this large on 2,490 rows rarely survives above 5e-5"
    ]


def test_a_tied_group_is_judged_by_the_rates_that_follow() -> None:
    low = GroupSpec("top", Range(1e-6, 1e-5, "log"), layers="6-11")
    tied = GroupSpec("low", TiedRate("top", 1000.0), layers="0-5")
    assert [hint.group for hint in hints(tied, low, parameters=23_000_000) if hint.strong] == [
        "low"
    ]


def test_ranges_with_nothing_to_find_and_slow_heads_are_told() -> None:
    narrow = GroupSpec("head", Range(1e-4, 1.5e-4, "log"), part="head")
    assert texts(narrow) == ["only ×1.5 from end to end: = would fix it"]
    assert not texts(GroupSpec("head", Range(1e-4, 2e-4, "log"), part="head"))
    slow = GroupSpec("head", Range(1e-6, 1e-5, "log"), part="head")
    assert texts(UPPER, slow) == ["stays below the body (1e-4), but starts from random weights"]


def test_embeddings_that_are_forgotten_and_a_published_rate_that_is_left_out_are_told() -> None:
    rest_group = GroupSpec("the rest", 4e-5, rest=True)
    assert [h.group for h in hints(UPPER, rest_group)] == ["the rest"]
    assert not hints(GroupSpec("all", 4e-5, rest=True))
    embeddings = GroupSpec("e", 1e-6, params=("*.word_embeddings.*",))
    assert not any("no group of their own" in text for text in texts(embeddings, UPPER, rest_group))
    published = published_recipe("roberta", 1024)
    far = GroupSpec("all", Range(1e-4, 1e-3, "log"), rest=True)
    assert (
        "the baseline's rate 2e-5 lies below the range: Liu et al. 2019"
        in hints(far, published=published)[0].text
    )
    near = GroupSpec("all", Range(1e-5, 1e-3, "log"), rest=True)
    assert not hints(near, published=published)
    (general,) = hints(far, published=published_recipe("unheard-of", 1024))
    assert general.text.endswith("below the range: common practice")


def test_nothing_to_train_is_told() -> None:
    assert all_frozen_hint([GroupSpec("all", FROZEN, rest=True)])
    assert not all_frozen_hint([GroupSpec("all", FROZEN, rest=True), HEAD])


def test_rungs_halve_the_trials_and_double_the_share() -> None:
    rungs = halving_rungs(SearchSection(trials=40, first_rung=0.25, reduction=2))
    assert rungs == [Rung(0.25, 40), Rung(0.5, 20), Rung(1.0, 10)]
    assert training_share(rungs) == (10 + 5 + 5) / 40


@pytest.mark.parametrize("pruner", ["halving", "median", "patient", "none"])
@pytest.mark.parametrize("first_rung", [0.001, 0.25, 1 / 3, 0.9])
def test_every_pruner_has_a_sketch_that_fits(pruner: str, first_rung: float) -> None:
    lines = pruning_sketch(SearchSection(pruner=pruner, first_rung=first_rung), 34)
    assert lines
    assert max(map(len, lines)) <= 38
