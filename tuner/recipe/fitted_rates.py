"""Ranges of a preset, laid round the rate that is published for the model's kind and size."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from tuner.recipe.baselines import GENERAL, LARGE, group_rate
from tuner.recipe.document import RecipeDocument
from tuner.recipe.groups import part_of
from tuner.recipe.model_shape import ModelShape
from tuner.recipe.presets import preset_document
from tuner.recipe.types import GroupSpec, Like, Range, Rate

LARGE_BODY: Final = 0.5
"""Of a range's high end: of 48 RoBERTa-large runs on RTE with rates of up to 4e-4, 38 answered one
label only, and at 5e-5 some do (Rajapakse 2020); smaller models bear five times their rate.
"""


def fit_rates(document: RecipeDocument, shape: ModelShape) -> bool:
    """Move the rates of a preset, which are written for one of 2e-5, to the model's own.

    As far as the baseline's are from that: each group by its own where they fall from layer to
    layer. Tied rates follow; rates that are no longer the preset's stay. Tells whether anything
    changed.
    """
    changed = False
    preset = {group.name: group.lr for group in preset_document(document.get("preset")).groups()}
    for group in document.groups():
        rate = fitted_rate(group, shape)
        if rate != group.lr and group.lr == preset.get(group.name):
            document.set(f"groups.{group.name}.lr", _as_written(rate))
            changed = True
    return changed


def fitted_groups(groups: tuple[GroupSpec, ...], shape: ModelShape) -> tuple[GroupSpec, ...]:
    """The same for groups that are in no document."""
    return tuple(replace(group, lr=fitted_rate(group, shape)) for group in groups)


def fitted_rate(group: GroupSpec, shape: ModelShape) -> Rate:
    """A group's rate or range, as far from the preset's as the model's baseline is."""
    rate = group.lr
    factor = group_rate(shape.published, group, shape.layers) / GENERAL.rate
    if isinstance(rate, Range):
        body = LARGE_BODY if shape.hidden_size >= LARGE and not _is_head(group) else 1.0
        return replace(rate, low=_short(rate.low * factor), high=_short(rate.high * factor * body))
    if isinstance(rate, Like | str) or not isinstance(rate, float | int):
        return rate
    return _short(rate * factor)


def _is_head(group: GroupSpec) -> bool:
    parts = (group.part,) if isinstance(group.part, str) else group.part or ()
    named = (part_of(name.replace("*", ""))[0] for name in group.params or ())
    return bool({"head", "pooler"} & {*parts, *named})


def _as_written(rate: Rate) -> object:
    """With the scale, which need not be said: presets say it."""
    if isinstance(rate, Range):
        return {"low": rate.low, "high": rate.high, "scale": rate.scale}
    return rate


def _short(rate: float) -> float:
    return float(f"{rate:.1e}")
