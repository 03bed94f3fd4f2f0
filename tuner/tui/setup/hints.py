"""What is worth knowing about the groups' ranges: hints, never obstacles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuner.recipe.types import FROZEN, GroupSpec, Range, Setting
from tuner.tui.setup.text import number_text
from tuner.tui.widgets.group_axis import rates_of

BIG_MODEL = 200_000_000
"""Parameters from which on a body was seen to collapse at moderate rates."""

BIG_BODY_LIMIT = 1e-4
"""Of 48 RoBERTa-large runs on RTE with rates of up to 4e-4, 38 answered one label only; published
recipes of the large models stay below 5e-5 (Rajapakse 2020, Mosbach et al. 2021)."""

BODY_LIMIT = 1e-3
"""Above this an encoder's own layers forget what they were pre-trained on, whatever their size."""

TINY_MODEL = 10_000_000
"""Models below this were trained at high rates in the first place, and bear them."""

WIDE_DECADES = 2.0


@dataclass(frozen=True, slots=True)
class Hint:
    """`text` is one line; a `strong` one is marked in the group's row as well."""

    group: str
    text: str
    strong: bool = False


def group_hints(groups: Sequence[GroupSpec], parameters: int | None) -> list[Hint]:
    """Hints for all groups, in their order; `parameters` is the model's size where it is known."""
    hints: list[Hint] = []
    for group in groups:
        if is_body(group) or (group.rest and not any(map(is_body, groups))):
            hints += collapse_hints(group, parameters)
        hints += scale_hints(group)
    return hints + overlap_hints(groups)


def is_body(group: GroupSpec) -> bool:
    """Whether the group holds embeddings or encoder layers, as far as its selector tells."""
    if group.layers is not None:
        return True
    parts = (group.part,) if isinstance(group.part, str) else tuple(group.part or ())
    return any(part in ("embeddings", "layers") for part in parts)


def collapse_hints(group: GroupSpec, parameters: int | None) -> list[Hint]:
    """Where a body's group may learn so fast that the model ends with one answer for everything."""
    rates = rates_of(group.lr)
    if parameters is None or parameters < TINY_MODEL:
        return []
    big = parameters >= BIG_MODEL
    limit = BIG_BODY_LIMIT if big else BODY_LIMIT
    if not rates or max(rates) <= limit:
        return []
    whose = "a model this large" if big else "an encoder"
    text = f"{number_text(max(rates))} invites collapse: {whose} rarely bears above"
    return [Hint(group.name, f"{text} {number_text(limit)}", strong=True)]


def scale_hints(group: GroupSpec) -> list[Hint]:
    """A uniform range over decades draws nearly all its rates from the highest one."""
    lr = group.lr
    if not isinstance(lr, Range) or lr.scale == "log" or lr.high <= 0:
        return []
    if lr.low > 0 and math.log10(lr.high / lr.low) < WIDE_DECADES:
        return []
    tenth = lr.high / 10
    share = (lr.high - tenth) / (lr.high - lr.low)
    text = f"uniform: {share:.0%} of its draws lie above {number_text(tenth)}; log spreads them"
    return [Hint(group.name, text)]


def overlap_hints(groups: Sequence[GroupSpec]) -> list[Hint]:
    """Lower layers whose range reaches above that of the layers over them, or meets it."""
    body = [group for group in groups if is_body(group) and rates_of(group.lr)]
    hints = []
    for lower, upper in pairwise(body):
        if _high(lower.lr) > _high(upper.lr):
            text = f"high ({number_text(_high(lower.lr))}) is above that of {upper.name}"
            hints.append(Hint(lower.name, f"{text} ({number_text(_high(upper.lr))})"))
        elif isinstance(lower.lr, Range) and _high(lower.lr) > _low(upper.lr):
            text = f"high ({number_text(_high(lower.lr))}) overlaps {upper.name}"
            hints.append(Hint(lower.name, f"{text}, low ({number_text(_low(upper.lr))}): allowed"))
    return hints


def unused_hint(groups: Sequence[GroupSpec]) -> str:
    """Why nothing would be learnt at all, "" where something would."""
    frozen = all(group.lr in (FROZEN, 0, 0.0) for group in groups)
    return "every group is frozen: nothing would be trained" if frozen else ""


def _high(lr: Setting) -> float:
    return max(rates_of(lr))


def _low(lr: Setting) -> float:
    return min(rates_of(lr))
