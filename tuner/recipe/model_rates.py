"""Move the ranges of a preset to the rates that are published for the model's kind and size."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tuner.recipe.baselines import GENERAL_RECIPE, LARGE_HIDDEN_SIZE, published_group_rate
from tuner.recipe.document import RecipeDocument
from tuner.recipe.groups import part_of_parameter
from tuner.recipe.model_shape import ModelShape
from tuner.recipe.numbers import round_to_digits
from tuner.recipe.presets import preset_document
from tuner.recipe.types import GroupSpec, Range, Rate, TiedRate

LARGE_BODY_FACTOR: Final = 0.5
"""Of a range's high end: of 48 RoBERTa-large runs on RTE with rates of up to 4e-4, 38 answered one
label only, and at 5e-5 some do (Rajapakse 2020); smaller models bear five times their rate.
"""


def scale_rates_to_model(document: RecipeDocument, shape: ModelShape) -> bool:
    """Move the rates of a preset, which are written for a model with rate 2e-5, to this model's.

    By the factor between its baseline and 2e-5; each group by its own factor where the published
    rates fall from layer to layer. Tied rates follow; rates that were edited stay. Return whether
    anything changed.
    """
    changed = False
    preset = {
        group.name: group.lr
        for group in preset_document(document.get_value("preset")).parse_groups()
    }
    for group in document.parse_groups():
        rate = scale_rate_to_model(group, shape)
        if rate != group.lr and group.lr == preset.get(group.name):
            document.set_value(f"groups.{group.name}.lr", _rate_as_toml_value(rate))
            changed = True
    return changed


def scale_groups_to_model(
    groups: tuple[GroupSpec, ...], shape: ModelShape
) -> tuple[GroupSpec, ...]:
    """Do the same for groups that are in no document."""
    return tuple(replace(group, lr=scale_rate_to_model(group, shape)) for group in groups)


def scale_rate_to_model(group: GroupSpec, shape: ModelShape) -> Rate:
    rate = group.lr
    factor = published_group_rate(shape.published_recipe, group, shape.layers) / GENERAL_RECIPE.rate
    if isinstance(rate, Range):
        body = (
            LARGE_BODY_FACTOR
            if shape.hidden_size >= LARGE_HIDDEN_SIZE and not _holds_head(group)
            else 1.0
        )
        return replace(
            rate,
            low=round_to_digits(rate.low * factor, 2),
            high=round_to_digits(rate.high * factor * body, 2),
        )
    if isinstance(rate, TiedRate | str) or not isinstance(rate, float | int):
        return rate
    return round_to_digits(rate * factor, 2)


def _holds_head(group: GroupSpec) -> bool:
    named = (part_of_parameter(name.replace("*", ""))[0] for name in group.params or ())
    return bool({"head", "pooler"} & {*group.parts, *named})


def _rate_as_toml_value(rate: Rate) -> object:
    """Return a range with its scale spelled out, as presets have it."""
    if isinstance(rate, Range):
        return {"low": rate.low, "high": rate.high, "scale": rate.scale}
    return rate
