"""The recipe of the contract, and its parts for tests."""

from __future__ import annotations

from typing import Any

from tuner.recipe.load import parse_recipe, parse_toml
from tuner.recipe.types import Parameter, Recipe

RECIPE = """\
[model]
name = "roberta-large"
max_length = 256

[data]
train = "data/RTE/train.jsonl"    # .jsonl .csv .tsv .parquet
validation = "data/RTE/val.jsonl"
holdout = 0.5
text = ["premise", "hypothesis"]
label = "label"
split_seed = 4

[training]
epochs = { low = 1, high = 40 }   # a range is searched
batch_size = 16
warmup = 0.06
weight_decay = 0.0
schedule = "linear"
precision = "auto"
seed = 4

[[groups]]
name = "layers 0-5"
layers = "0-5"
lr = { low = 1e-6, high = 5e-5, scale = "log" }

[[groups]]
name = "head"
params = ["classifier.dense.weight"]
lr = { low = 0.0, high = 1e-3, scale = "linear" }

[[groups]]
name = "the rest"
rest = true
lr = 4e-5

[search]
metric = "accuracy"
sampler = "tpe"
pruner = "halving"
trials = 40
time = "8h"
slots = "auto"
seed = 0
"""


def recipe(text: str = RECIPE) -> Recipe:
    """Parse and check the recipe of a text."""
    return parse_recipe(parse_toml(text, "recipe.toml"), "recipe.toml")


def contract_with_changes(*changes: tuple[str, str]) -> str:
    """Replace parts of the contract's recipe, as text."""
    text = RECIPE
    for old, new in changes:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    return text


def values(**keys: Any) -> dict[str, Any]:
    """Return the contract's recipe as plain values, with sections replaced."""
    return {**parse_toml(RECIPE, "recipe.toml"), **keys}


def roberta(layers: int = 24) -> list[Parameter]:
    """List the parameters of a RoBERTa classifier, some of each kind, in the model's order."""
    names = ["roberta.embeddings.word_embeddings.weight", "roberta.embeddings.LayerNorm.bias"]
    for i in range(layers):
        names.append(f"roberta.encoder.layer.{i}.attention.self.query.weight")
        names.append(f"roberta.encoder.layer.{i}.output.dense.bias")
    names += [f"classifier.{part}.{kind}" for part in ("dense", "out_proj") for kind in KINDS]
    return [Parameter(name, (4, 2) if name.endswith("weight") else (4,)) for name in names]


KINDS = ("weight", "bias")
