"""Good recipes are read, bad ones are refused in one line with file and key."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.recipe.contract import RECIPE, contract_with_changes, recipe
from tuner.errors import TunerError
from tuner.recipe.load import load_recipe, parse_recipe, parse_toml, recipe_to_dict
from tuner.recipe.types import Choices, GroupSpec, Range, Recipe, SearchSection, TrainingSection

HEAD_LR = 'lr = { low = 0.0, high = 1e-3, scale = "linear" }'
HEAD = f'name = "head"\nparams = ["classifier.dense.weight"]\n{HEAD_LR}'
EPOCHS = "epochs = { low = 1, high = 40 }"

# old text, new text, the key in the message, words in the message
BAD = [
    ("max_length = 256", "max_lenght = 256", "model.max_lenght", 'did you mean "max_length"?'),
    ("max_length = 256", "max_length = 2", "model.max_length", "at least 4"),
    ("max_length = 256", "max_length = 256.5", "model.max_length", "whole number"),
    ("max_length = 256", 'max_length = "many"', "model.max_length", "a whole number of at least"),
    ("max_length = 256", "max_length = true", "model.max_length", "not true"),
    ("max_length = 256", 'trust_remote_code = "yes"', "model.trust_remote_code", "true or false"),
    ('name = "roberta-large"', "name = 3", "model.name", "text in quotes"),
    ('name = "roberta-large"', 'name = " "', "model.name", "must not be empty"),
    ('name = "roberta-large"', "", "model.name", "is missing"),
    ("[model]", "[modle]", "modle", 'did you mean "model"?'),
    ("[search]", "[serach]", "serach", 'did you mean "search"?'),
    ('train = "data/RTE/train.jsonl"', "", "data.train", "is missing"),
    ('validation = "data/RTE/val.jsonl"', "", "data.validation", "is missing"),
    ('validation = "data/RTE/val.jsonl"', "validation = 1.0", "data.validation", "share"),
    ('validation = "data/RTE/val.jsonl"', "validation = 0", "data.validation", "share"),
    ('text = ["premise", "hypothesis"]', "", "data.text", "is missing"),
    ('text = ["premise", "hypothesis"]', "text = []", "data.text", "one column"),
    ('text = ["premise", "hypothesis"]', 'text = ["a", "b", "c"]', "data.text", "one column"),
    ('text = ["premise", "hypothesis"]', 'text = ["a", "a"]', "data.text", "different"),
    ('text = ["premise", "hypothesis"]', "text = -1", "data.text", "number from 0"),
    ('text = ["premise", "hypothesis"]', "text = [1.5]", "data.text", "column's name"),
    ('label = "label"', "label = false", "data.label", "column's name"),
    ('label = "label"', 'lable = "label"', "data.lable", 'did you mean "label"?'),
    ("holdout = 0.5", "holdout = 1.0", "data.holdout", "below 1"),
    ("holdout = 0.5", "holdout = -0.1", "data.holdout", "at least 0"),
    ("holdout = 0.5", 'holdout = 0.5\ntest = "t.csv"', "data.holdout", "data.test"),
    ("split_seed = 4", "split_seed = -4", "data.split_seed", "from 0"),
    ("split_seed = 4", 'quotes = "none"', "data.quotes", "around fields"),
    (EPOCHS, "epochs = 0", "training.epochs", "at least 1"),
    (EPOCHS, "epochs = -3", "training.epochs", "at least 1"),
    (EPOCHS, "epochs = 2.5", "training.epochs", "whole number"),
    (EPOCHS, "epochs = { low = 5, high = 2 }", "training.epochs.low", "5 is above high = 2"),
    (EPOCHS, "epochs = { low = 0, high = 2 }", "training.epochs.low", "at least 1"),
    (EPOCHS, "epochs = { low = 1, high = 2.5 }", "training.epochs.high", "whole number"),
    (EPOCHS, "epochs = { low = 1 }", "training.epochs.high", "is missing"),
    (EPOCHS, "epochs = { min = 1, max = 3 }", "training.epochs.min", "no such key"),
    (EPOCHS, "epochs = { lo = 1, high = 3 }", "training.epochs.lo", 'did you mean "low"?'),
    (EPOCHS, "epochs = [1, 2]", "training.epochs", "whole number"),
    (EPOCHS, "epochs = { choices = [1] }", "training.epochs.choices", "at least two"),
    (EPOCHS, "epochs = { choices = [1, 1] }", "training.epochs.choices", "twice"),
    (EPOCHS, "epochs = { choices = [1, 0] }", "training.epochs.choices", "at least 1"),
    (EPOCHS, "epochs = { choices = [1, 2], low = 1 }", "training.epochs.low", "no such key"),
    (EPOCHS, "epochs = nan", "training.epochs", "whole number"),
    (EPOCHS, "epoch = 3", "training.epoch", 'did you mean "epochs"?'),
    ("batch_size = 16", "batch_size = 0", "training.batch_size", "at least 1"),
    ("warmup = 0.06", "warmup = 1.5", "training.warmup", "at most 1"),
    ("warmup = 0.06", "warmup = -0.1", "training.warmup", "at least 0"),
    ("warmup = 0.06", "warmup = inf", "training.warmup", "not inf"),
    ("warmup = 0.06", "warmup = nan", "training.warmup", "not nan"),
    ("warmup = 0.06", "warmup = { low = 0, high = 2 }", "training.warmup.high", "at most 1"),
    ("weight_decay = 0.0", "weight_decay = -1", "training.weight_decay", "at least 0"),
    (
        "weight_decay = 0.0",
        'weight_decay = { low = 0, high = 0.1, scale = "log" }',
        "training.weight_decay.low",
        "log scale cannot start from 0",
    ),
    ('schedule = "linear"', 'schedule = "cosin"', "training.schedule", 'did you mean "cosine"?'),
    ('schedule = "linear"', "schedule = { low = 1, high = 2 }", "training.schedule", "no range"),
    ('schedule = "linear"', "adam_beta2 = 1.0", "training.adam_beta2", "below 1"),
    ('schedule = "linear"', "adam_epsilon = 0", "training.adam_epsilon", "above 0"),
    ('schedule = "linear"', "dropout = 1.0", "training.dropout", "below 1"),
    ('schedule = "linear"', 'keep = "first"', "training.keep", "not known"),
    ('schedule = "linear"', "evaluations_per_epoch = 0", "training.evaluations_per_epoch", "1"),
    ('precision = "auto"', 'precision = "fp16"', "training.precision", 'did you mean "bf16"?'),
    ("split_seed = 4", 'split_seed = "each"', "data.split_seed", "whole number"),
    ('"auto"\nseed = 4', '"auto"\nseed = "each"', "training.seed", '"per-trial"'),
    ('"auto"\nseed = 4', '"auto"\nseed = 4294967296', "training.seed", "4294967295"),
    (HEAD_LR, "lr = -1e-5", "groups.head.lr", "at least 0"),
    (HEAD_LR, "lr = inf", "groups.head.lr", "at least 0"),
    (HEAD_LR, 'lr = "1e-5."', "groups.head.lr", "a learning rate is a number"),
    (HEAD_LR, 'lr = "froze"', "groups.head.lr", 'did you mean "frozen"?'),
    (HEAD_LR, "lr = { low = 0, high = 1e-3 }", "groups.head.lr.low", "cannot start from 0"),
    (HEAD_LR, "lr = { low = nan, high = 1e-3 }", "groups.head.lr.low", "not nan"),
    (HEAD_LR, "lr = { low = -1.0, high = 1e-3 }", "groups.head.lr.low", "at least 0"),
    (HEAD_LR, "lr = { low = 1e-2, high = 1e-3 }", "groups.head.lr.low", "0.01 is above high"),
    (HEAD_LR, 'lr = { low = 1, high = 2, scale = "logg" }', "groups.head.lr.scale", '"log"'),
    (HEAD_LR, 'lr = { low = "frozen", high = 2 }', "groups.head.lr.low", "must be a number"),
    (HEAD_LR, "", "groups.head.lr", "is missing"),
    (HEAD_LR, 'lr = { like = "hed" }', "groups.head.lr.like", "no group"),
    (HEAD_LR, 'lr = { like = "head" }', "groups.head.lr.like", "is tied itself"),
    (HEAD_LR, 'lr = { like = "the rest", time = 2 }', "groups.head.lr.time", '"times"'),
    (HEAD_LR, 'lr = { like = "the rest", times = 0 }', "groups.head.lr.times", "above 0"),
    (HEAD_LR, 'lr = { like = "the rest", times = { low = 1 } }', "groups.head.lr.times.high", "is"),
    (HEAD_LR, f"{HEAD_LR}\nlayer_decay = 1.5", "groups.head.layer_decay", "at most 1"),
    (HEAD_LR, f"{HEAD_LR}\nlayer_decay = 0", "groups.head.layer_decay", "above 0"),
    (HEAD_LR, f"{HEAD_LR}\nweight_decay = -1", "groups.head.weight_decay", "at least 0"),
    (HEAD_LR, f"{HEAD_LR}\nlearning_rate = 1", "groups.head.learning_rate", "no such key"),
    (HEAD, HEAD.replace('"head"', '"layers 0-5"'), "groups.layers 0-5.name", "two groups"),
    (HEAD, HEAD.replace('"head"', '"he.ad"'), "groups[2].name", '"."'),
    (HEAD, HEAD.replace('"head"', '"a=b"'), "groups[2].name", '"="'),
    (HEAD, HEAD.replace('"head"', '" head"'), "groups[2].name", "blank"),
    (HEAD, HEAD.replace('"head"', '"a\\u001bb"'), "groups[2].name", "\\x1b"),
    (HEAD, HEAD_LR, "groups[2].name", "is missing"),
    (HEAD, f'name = "head"\n{HEAD_LR}', "groups.head", "exactly one of part, layers, params"),
    (HEAD, f'{HEAD}\npart = "head"', "groups.head", "part and params are given"),
    (HEAD, f'name = "head"\nrest = true\n{HEAD_LR}', "groups.the rest.rest", "the rest already"),
    (HEAD, f'name = "head"\nrest = false\n{HEAD_LR}', "groups.head", "none is given"),
    (HEAD, f'name = "head"\npart = "heads"\n{HEAD_LR}', "groups.head.part", '"head"'),
    (HEAD, f'name = "head"\npart = []\n{HEAD_LR}', "groups.head.part", "a list of different ones"),
    (HEAD, f'name = "head"\npart = ["head", "head"]\n{HEAD_LR}', "groups.head.part", "different"),
    (HEAD, f'name = "head"\nparams = []\n{HEAD_LR}', "groups.head.params", "names or globs"),
    (HEAD, f'name = "head"\nparams = [3]\n{HEAD_LR}', "groups.head.params", "text in quotes"),
    ('layers = "0-5"', 'layers = "5-0"', "groups.layers 0-5.layers", "is not a layer expression"),
    ('layers = "0-5"', 'layers = "0-"', "groups.layers 0-5.layers", "is not a layer expression"),
    ('layers = "0-5"', 'layers = "a"', "groups.layers 0-5.layers", "is not a layer expression"),
    ('layers = "0-5"', 'layers = "0/4"', "groups.layers 0-5.layers", "is not a slice"),
    ('layers = "0-5"', 'layers = "5/4"', "groups.layers 0-5.layers", "is not a slice"),
    ('layers = "0-5"', 'layers = "1/0"', "groups.layers 0-5.layers", "is not a slice"),
    ('layers = "0-5"', 'layers = "0-3,2"', "groups.layers 0-5.layers", "layer 2 twice"),
    ('layers = "0-5"', 'layers = "0-99999999"', "groups.layers 0-5.layers", "is not a layer"),
    ('layers = "0-5"', "layers = -1", "groups.layers 0-5.layers", "is not a layer expression"),
    ('metric = "accuracy"', 'metric = "f1"', "search.metric", 'write "f1_macro"'),
    ('metric = "accuracy"', 'metric = "macro_f1"', "search.metric", 'did you mean "f1_macro"?'),
    ('metric = "accuracy"', 'metric = "f1-macro"', "search.metric", 'did you mean "f1_macro"?'),
    ('metric = "accuracy"', 'metric = "acuracy"', "search.metric", 'did you mean "accuracy"?'),
    ('metric = "accuracy"', 'metric = "f1."', "search.metric", "not known"),
    ('metric = "accuracy"', "metric = 1", "search.metric", "not known"),
    ('sampler = "tpe"', 'sampler = "TEP"', "search.sampler", 'did you mean "tpe"?'),
    ('sampler = "tpe"', 'sampler = "bayes"', "search.sampler", 'did you mean "tpe"?'),
    ('pruner = "halving"', 'pruner = "halfing"', "search.pruner", 'did you mean "halving"?'),
    ('pruner = "halving"', 'pruner = "hyperband"', "search.pruner", 'did you mean "halving"?'),
    ("trials = 40", "trials = 0", "search.trials", "at least 1"),
    ("trials = 40", "trials = 4.0", "search.trials", "whole number"),
    ('time = "8h"', 'time = "8 ours"', "search.time", '"1h30m"'),
    ('time = "8h"', 'time = "0h"', "search.time", "above 0"),
    ('time = "8h"', "time = -1", "search.time", "above 0"),
    ('time = "8h"', "time = 08:00:00", "search.time", "above 0"),
    ('slots = "auto"', "slots = 0", "search.slots", "from 1"),
    ('slots = "auto"', 'slots = "all"', "search.slots", '"auto"'),
    ('slots = "auto"', "first_rung = 0", "search.first_rung", "above 0"),
    ('slots = "auto"', "reduction = 1", "search.reduction", "at least 2"),
    ('slots = "auto"', "patience = 0", "search.patience", "at least 1"),
    ("[model]", 'preset = "basics"\n[model]', "preset", 'did you mean "basic"?'),
    ("[model]", "preset = 3\n[model]", "preset", "no preset 3"),
    ("[model]", "groups = 3\n[model]", "line", "not TOML"),
    (HEAD_LR, f"lr = 1{'0' * 400}", "groups.head.lr", "at least 0"),
    (HEAD_LR, "lr = 1e400", "groups.head.lr", "not inf"),
    ("trials = 40", f"trials = 1{'0' * 400}", "search.trials", "at least 1"),
    ('time = "8h"', f"time = 1{'0' * 400}", "search.time", "above 0"),
    ("trials = 40", f"trials = 1{'0' * 5000}", "not TOML", "number too long"),
    ("trials = 40", f"{'t' * 5000} = 40", 'search."tttt', "no such key"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "words"), BAD)
def test_one_line_names_file_key_and_what_is_wrong(
    old: str, new: str, key: str, words: str, tmp_path: Path
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(contract_with_changes((old, new)), encoding="utf-8")
    with pytest.raises(TunerError) as caught:
        load_recipe(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {key}"), message
    assert words in message
    assert message.isprintable()


def test_there_are_enough_bad_recipes() -> None:
    assert len(BAD) >= 60


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[model\n", 1),
        ('[model]\nname = "a\n', 2),
        ("[model]\nname = \n", 2),
        ("[model]\nname = 'a'\nname = 'b'\n", 3),
        ("[model]\n\n\nname 'a'", 4),
        ("a = [1,\n", 2),
    ],
)
def test_a_syntax_error_names_its_line(text: str, line: int) -> None:
    with pytest.raises(TunerError) as caught:
        parse_toml(text, "recipe.toml")
    assert str(caught.value).startswith(f"recipe.toml: line {line}: not TOML: ")
    assert str(caught.value).isprintable()


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(TunerError, match="cannot be read: no such file"):
        load_recipe(tmp_path / "none.toml")
    with pytest.raises(TunerError, match="cannot be read"):
        load_recipe(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes("a = 'é'".encode("latin-1"))
    with pytest.raises(TunerError, match="not UTF-8"):
        load_recipe(latin)


def test_missing_groups() -> None:
    with pytest.raises(TunerError, match=r"recipe.toml: groups: is missing"):
        recipe('[model]\nname="a"\n[data]\ntrain="t"\nvalidation=0.1\ntext="t"\nlabel=1\n')
    with pytest.raises(TunerError, match=r"groups: must be a list"):
        parse_recipe({**parse_toml(RECIPE, "r"), "groups": {"name": "all"}}, "r")
    with pytest.raises(TunerError, match=r"r: groups\[1\]: must be a table"):
        parse_recipe({**parse_toml(RECIPE, "r"), "groups": ["all"]}, "r")
    with pytest.raises(TunerError, match=r"r: model: must be a table"):
        parse_recipe({**parse_toml(RECIPE, "r"), "model": "bert"}, "r")


def test_the_contract_is_read() -> None:
    parsed_recipe = recipe()
    assert parsed_recipe.training.epochs == Range(1, 40, "linear", integer=True)
    assert parsed_recipe.data.text == ("premise", "hypothesis")
    assert parsed_recipe.search.time == 8 * 3600
    assert parsed_recipe.groups[0] == GroupSpec(
        "layers 0-5", Range(1e-6, 5e-5, "log"), layers="0-5"
    )
    assert parsed_recipe.groups[1].lr == Range(0.0, 1e-3, "linear")
    assert parsed_recipe.groups[2] == GroupSpec("the rest", 4e-5, rest=True)


def test_a_file_with_windows_line_ends_and_mark_is_read(tmp_path: Path) -> None:
    path = tmp_path / "recipe.toml"
    path.write_bytes(b"\xef\xbb\xbf" + RECIPE.replace("\n", "\r\n").encode())
    assert load_recipe(path) == recipe()


def test_rates_have_a_log_scale_unless_told_otherwise() -> None:
    parsed_recipe = recipe(contract_with_changes((HEAD_LR, "lr = { low = 1e-5, high = 1e-3 }")))
    assert parsed_recipe.groups[1].lr == Range(1e-5, 1e-3, "log")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ('"8h"', 28800),
        ('"90m"', 5400),
        ('"1h30m"', 5400),
        ('"45s"', 45),
        ("60", 60),
        ('"1d"', 86400),
    ],
)
def test_times(written: str, seconds: float) -> None:
    assert recipe(contract_with_changes(('"8h"', written))).search.time == seconds


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (HEAD_LR, 'lr = "frozen"'),
        (HEAD_LR, "lr = 0"),
        (HEAD_LR, "lr = { choices = [1e-5, 1e-4] }"),
        (HEAD_LR, f"{HEAD_LR}\nweight_decay = 0"),
        (HEAD_LR, f"{HEAD_LR}\nweight_decay = {{ low = 0, high = 0.1 }}"),
        (HEAD, f'name = "head"\npart = ["pooler", "head"]\n{HEAD_LR}'),
        (HEAD, f'name = "head"\nparams = "classifier.*"\n{HEAD_LR}'),
        ('layers = "0-5"', "layers = 3"),
        ('text = ["premise", "hypothesis"]', "text = [0, 1]"),
        ('text = ["premise", "hypothesis"]', 'text = "sentence"'),
        ('validation = "data/RTE/val.jsonl"', "validation = 0.1"),
        ('schedule = "linear"', 'schedule = { choices = ["linear", "cosine"] }'),
        ('schedule = "linear"', "dropout = { low = 0.0, high = 0.3 }"),
        ("batch_size = 16", "batch_size = { choices = [16, 32] }"),
        ('"auto"\nseed = 4', '"auto"\nseed = "per-trial"'),
        ('metric = "accuracy"', 'metric = "f1.not entailed, or so"'),
        ('slots = "auto"', "slots = 2\npatience = 20\nfirst_rung = 0.25"),
        ('time = "8h"', ""),
        ("[model]", 'preset = "groups"\n[model]'),
    ],
)
def test_through_plain_values_and_back(old: str, new: str) -> None:
    parsed_recipe = recipe(contract_with_changes((old, new)))
    through_json = json.loads(json.dumps(recipe_to_dict(parsed_recipe)))
    assert parse_recipe(through_json, "json") == parsed_recipe


rates = st.floats(0, 1, allow_nan=False) | st.just("frozen")
scales = st.sampled_from(["log", "linear"])


@st.composite
def ranges(draw: st.DrawFn, integer: bool = False) -> Range:
    low, high = sorted(
        (draw(st.integers(1, 99)), draw(st.integers(1, 99)))
        if integer
        else (draw(st.floats(1e-9, 1)), draw(st.floats(1e-9, 1)))
    )
    return Range(low, high, "log" if draw(st.booleans()) else "linear", integer)


names = st.text("abc -0159_é", min_size=1, max_size=12).filter(lambda name: name == name.strip())


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    groups = tuple(
        GroupSpec(
            name, draw(rates | ranges()), layers=str(i), weight_decay=draw(st.none() | ranges())
        )
        for i, name in enumerate(draw(st.lists(names, min_size=1, max_size=4, unique=True)))
    )
    training = TrainingSection(
        epochs=draw(st.integers(1, 50) | ranges(integer=True)),
        warmup=draw(st.floats(0, 1) | ranges()),
        schedule=draw(st.just("cosine") | st.just(Choices(("linear", "constant")))),
        seed=draw(st.just("per-trial") | st.integers(0, 2**32 - 1)),
        dropout=draw(st.none() | st.floats(0, 0.9)),
    )
    search = SearchSection(
        trials=draw(st.integers(1, 99)), time=draw(st.none() | st.floats(1, 1e6))
    )
    return replace(recipe(), groups=groups, training=training, search=search)


@given(recipes())
def test_any_recipe_survives_json(any_recipe: Recipe) -> None:
    assert parse_recipe(json.loads(json.dumps(recipe_to_dict(any_recipe))), "json") == any_recipe


def refusal(raw: dict[str, Any]) -> str | None:
    """Return what is wrong with a recipe, if anything."""
    try:
        parse_recipe(raw, "r")
    except TunerError as error:
        return str(error)
    return None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
KEYS = [
    ("model", "name"), ("data", "text"), ("data", "validation"), ("training", "epochs"),
    ("training", "schedule"), ("training", "seed"), ("search", "metric"), ("search", "time"),
    ("search", "slots"),
]  # fmt: skip


@given(st.sampled_from(KEYS), json_values)
def test_no_value_whatever_raises_anything_but_one_line(
    key: tuple[str, str], value: object
) -> None:
    raw = parse_toml(RECIPE, "r")
    raw[key[0]] = {**raw[key[0]], key[1]: value}
    message = refusal(raw)
    if message is None:
        assert parse_recipe(recipe_to_dict(parse_recipe(raw, "r")), "r") == parse_recipe(raw, "r")
    else:
        assert message.startswith(f"r: {key[0]}.{key[1]}")
        assert "\n" not in message


@given(json_values)
def test_no_group_whatever_raises_anything_but_one_line(value: object) -> None:
    for group in (
        value,
        {"name": "a", "lr": value, "rest": True},
        {"name": value, "lr": 1, "rest": True},
        {"name": "a", "lr": 1, "layers": value},
        {"name": "a", "lr": 1, "part": value},
    ):
        raw = {**parse_toml(RECIPE, "r"), "groups": [group]}
        message = refusal(raw)
        assert message is None or (message.startswith("r: groups") and "\n" not in message)
