"""What a search has to beat: recipes published for model families, and the middle of its ranges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from tuner.errors import TunerError
from tuner.recipe.groups import part_of_parameter
from tuner.recipe.layers import resolve_layer_expression
from tuner.recipe.numbers import round_to_digits
from tuner.recipe.rates import find_rate_owner
from tuner.recipe.space import (
    LAYER_DECAY_PREFIX,
    LR_PREFIX,
    TIMES_PREFIX,
    WEIGHT_DECAY_PREFIX,
    search_space,
)
from tuner.recipe.types import Choices, GroupSpec, Range, Recipe, Scalar, TiedRate

LARGE_HIDDEN_SIZE: Final = 1024
SMALL_HIDDEN_SIZE: Final = 512
TINY_HIDDEN_SIZE: Final = 128
"""Hidden sizes: large from 1024, small to 512, base between; nothing is published below 128."""


@dataclass(frozen=True, slots=True)
class PublishedRecipe:
    """One recipe: AdamW, a linear schedule, no accumulation, no label smoothing.

    `layer_decay` multiplies the rate once per layer on the way down from the head.
    """

    source: str
    rate: float
    epochs: int
    batch_size: int
    warmup: float
    weight_decay: float
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    layer_decay: float = 1.0


_LIU = "Liu et al. 2019, arXiv 1907.11692; fairseq examples/roberta/README.glue.md (RTE)"
_CLARK = "Clark et al. 2020, arXiv 2003.10555, table of fine-tuning hyperparameters; its code"
# Rate and epochs are the card's; its batch (8 devices × 8) and warmup (in updates) are for MNLI's
# 393,000 rows, so that the smallest batch of the paper's grid and the usual warmup stand in.
_DEBERTA = "He et al. 2021, arXiv 2111.09543; model cards of deberta-v3 (run_glue command)"

GENERAL_RECIPE: Final = PublishedRecipe("common practice", 2e-5, 3, 16, 0.06, 0.0)
_ROBERTA: Final = PublishedRecipe(_LIU, 2e-5, 10, 16, 0.06, 0.1, 0.98, 1e-6)
_ALBERT: Final = PublishedRecipe(
    # 800 updates of 32 rows, 200 of them warmup, on the 2,490 rows of RTE.
    "Lan et al. 2020, arXiv 1909.11942, table 14 (RTE)",
    3e-5,
    10,
    32,
    0.25,
    0.0,
    adam_epsilon=1e-6,
)
_DISTILBERT: Final = PublishedRecipe(
    # 600 warmup updates of 6,315.
    "model card distilbert-base-uncased-finetuned-sst-2-english",
    1e-5,
    3,
    32,
    0.095,
    0.0,
)

PUBLISHED: Final[dict[str, dict[str, PublishedRecipe]]] = {
    "bert": {
        "small": PublishedRecipe(
            "Turc et al. 2019, arXiv 1908.08962; google-research/bert: 4 epochs, a rate it lists",
            1e-4,
            4,
            32,
            0.1,
            0.01,
            adam_epsilon=1e-6,
        ),
        "base": PublishedRecipe(
            "Devlin et al. 2019, arXiv 1810.04805, section 4.1", 2e-5, 3, 32, 0.1, 0.01, 0.999, 1e-6
        ),
        "large": PublishedRecipe(
            "Mosbach et al. 2021, arXiv 2006.04884 (the stable baseline)",
            2e-5,
            20,
            16,
            0.1,
            0.01,
            adam_epsilon=1e-6,
        ),
    },
    "roberta": {"base": _ROBERTA, "large": _ROBERTA},
    "electra": {
        "small": PublishedRecipe(_CLARK, 3e-4, 3, 32, 0.1, 0.0, 0.999, 1e-6, 0.8),
        "base": PublishedRecipe(_CLARK, 1e-4, 3, 32, 0.1, 0.0, 0.999, 1e-6, 0.8),
        "large": PublishedRecipe(_CLARK, 5e-5, 3, 32, 0.1, 0.0, 0.999, 1e-6, 0.9),
    },
    "deberta-v2": {
        "base": PublishedRecipe(_DEBERTA, 2e-5, 3, 16, 0.06, 0.01, adam_epsilon=1e-6),
        "large": PublishedRecipe(_DEBERTA, 6e-6, 2, 16, 0.06, 0.01, adam_epsilon=1e-6),
    },
    "albert": {"base": _ALBERT, "large": _ALBERT},
    "distilbert": {"base": _DISTILBERT},
}


def published_recipe(model_type: str, hidden_size: int) -> PublishedRecipe:
    """Return the recipe published for models of this family and size, else `GENERAL_RECIPE`.

    `model_type` is as in a model's configuration ("bert", "deberta-v2").
    """
    if hidden_size < TINY_HIDDEN_SIZE:
        return GENERAL_RECIPE
    size = (
        "large"
        if hidden_size >= LARGE_HIDDEN_SIZE
        else "small"
        if hidden_size <= SMALL_HIDDEN_SIZE
        else "base"
    )
    return PUBLISHED.get(model_type, {}).get(size, GENERAL_RECIPE)


def baseline_values(
    recipe: Recipe, model_type: str, hidden_size: int, layers: int
) -> dict[str, Scalar]:
    """Return the flat values of a trial with the recipe published for this kind of model.

    All groups are trained, frozen ones too. Where the published rates fall from layer to layer, a
    group has the geometric mean of its layers' rates.
    """
    published = published_recipe(model_type, hidden_size)
    rates = {group.name: published_group_rate(published, group, layers) for group in recipe.groups}
    values: dict[str, Scalar] = {}
    for group in recipe.groups:
        if isinstance(group.lr, TiedRate):
            owner_rate = rates[find_rate_owner(recipe.groups, group).name]
            values[TIMES_PREFIX + group.name] = round_to_digits(rates[group.name] / owner_rate)
        else:
            values[LR_PREFIX + group.name] = rates[group.name]
        if group.layer_decay is not None:
            values[LAYER_DECAY_PREFIX + group.name] = published.layer_decay
    values |= {
        WEIGHT_DECAY_PREFIX + group.name: published.weight_decay
        for group in recipe.groups
        if group.weight_decay is not None
    }
    return values | {
        "epochs": published.epochs,
        "batch_size": published.batch_size,
        "accumulation": 1,
        "warmup": published.warmup,
        "weight_decay": published.weight_decay,
        "schedule": "linear",
        "label_smoothing": 0.0,
        "adam_beta1": 0.9,
        "adam_beta2": published.adam_beta2,
        "adam_epsilon": published.adam_epsilon,
    }


def published_group_rate(published: PublishedRecipe, group: GroupSpec, layers: int) -> float:
    """Return the published rate of a group in a model of `layers` layers.

    ELECTRA's code gives embeddings depth 0, layer i depth i + 1 and the head depth layers + 2. A
    group with layer decay of its own takes the rate of its top layer, any other the geometric mean.
    """
    if published.layer_decay == 1.0:
        return published.rate
    depths = _group_depths(group, layers) or list(range(1, layers + 1))
    mean = math.fsum(depths) / max(1, len(depths))
    # The geometric mean of rates that fall geometrically is the rate at the mean depth.
    depth = mean if group.layer_decay is None else max(depths)
    return round_to_digits(published.rate * published.layer_decay ** (layers + 2 - depth))


def _group_depths(group: GroupSpec, layers: int) -> list[int]:
    """Return the depths of what a group holds; [] where only the model could tell."""
    if group.layers is not None:
        try:
            return [index + 1 for index in resolve_layer_expression(group.layers, layers)]
        except TunerError:
            return []
    if group.params is not None:
        named = [p for p in group.params if "*" not in p.partition(".")[0]]
        return [depth for p in named for depth in _depths_of_part(*part_of_parameter(p), layers)]
    return [depth for part in group.parts for depth in _depths_of_part(part, None, layers)]


def _depths_of_part(part: str, index: int | None, layers: int) -> list[int]:
    if index is not None:
        return [index + 1]
    if part == "layers":
        return list(range(1, layers + 1))
    return [0] if part == "embeddings" else [layers + 2]


def middle_values(recipe: Recipe) -> dict[str, Scalar]:
    """Return the middle of every searched setting."""
    return {name: middle_of_setting(setting) for name, setting in search_space(recipe).items()}


def middle_of_setting(setting: Range | Choices, digits: int = 3) -> Scalar:
    """Return the middle: geometric on a log scale, the middle entry of choices.

    Rounded to `digits` significant digits if that stays inside of the range.
    """
    if isinstance(setting, Choices):
        return setting.values[(len(setting.values) - 1) // 2]
    if setting.scale == "log":
        exact = math.exp((math.log(setting.low) + math.log(setting.high)) / 2)
    else:
        exact = setting.low + (setting.high - setting.low) / 2
    rounded = round(exact) if setting.integer else round_to_digits(exact, digits)
    if setting.low <= rounded <= setting.high:
        return rounded
    return min(max(exact, setting.low), setting.high)
