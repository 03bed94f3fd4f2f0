"""Hints about the groups' ranges; they never block an edit or a start."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tuner.recipe.baselines import PublishedRecipe, published_group_rate
from tuner.recipe.groups import part_of_parameter
from tuner.recipe.numbers import format_typed_number
from tuner.recipe.rates import group_rate_setting, is_frozen_group
from tuner.recipe.types import GroupSpec, Range
from tuner.results import format as fmt
from tuner.tui.setup.group_axis import rates_of_setting

Groups = Sequence[GroupSpec]

BIG_MODEL = 200_000_000
"""From this many parameters on, bodies collapse at moderate rates."""

BIG_BODY_LIMIT = 1e-4
"""Of 48 RoBERTa-large runs on RTE with rates of up to 4e-4, 38 predicted one label only; published
recipes of the large models stay below 5e-5 (Rajapakse 2020, Mosbach et al. 2021)."""

SMALL_DATA = 10_000
SMALL_DATA_LIMIT = 5e-5
"""On few rows a large model collapses earlier: at 5e-5 on RTE's 2,490 (Rajapakse 2020)."""

BODY_LIMIT = 1e-3
"""Above this an encoder's own layers forget what they were pre-trained on, whatever their size."""

TINY_MODEL = 10_000_000
"""Models below this were trained at high rates in the first place, and bear them."""

WIDE_DECADES = 2.0
GRID_STEP = 2.0
"""The smallest factor between two numbers of the 1-2-5 grid."""


@dataclass(frozen=True, slots=True)
class Hint:
    """`text` is one line; a `strong` one is marked in the group's row as well."""

    group: str
    text: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class HintContext:
    """What hints depend on besides the groups: model size, rows, and the published recipe.

    `published` is the baseline's recipe, None where no baseline is trained or no model is known.
    """

    parameters: int | None = None
    rows: int | None = None
    published: PublishedRecipe | None = None
    layers: int = 0


def hints_for_groups(groups: Groups, context: HintContext) -> list[Hint]:
    """Return hints for all groups, the strongest kind first, in the groups' order."""
    body = [group for group in groups if group.selects_body]
    body = body or [group for group in groups if group.rest]
    hints = [hint for group in body for hint in collapse_hints(groups, group, context)]
    hints += [hint for group in groups for hint in uniform_scale_hints(group)]
    hints += narrow_range_hints(groups)
    hints += slow_head_hints(groups, body)
    hints += overlap_hints(groups)
    hints += embedding_hints(groups)
    return [*hints, *baseline_hints(groups, context)]


def collapse_limit(context: HintContext) -> tuple[float, str]:
    """Return the rate above which a body tends to collapse, and the kind of model it holds for."""
    if context.parameters is None or context.parameters < TINY_MODEL:
        return math.inf, ""
    if context.parameters < BIG_MODEL:
        return BODY_LIMIT, "an encoder"
    if context.rows is not None and context.rows < SMALL_DATA:
        return SMALL_DATA_LIMIT, f"a model this large on {fmt.format_full_count(context.rows)} rows"
    return BIG_BODY_LIMIT, "a model this large"


def collapse_hints(groups: Groups, group: GroupSpec, context: HintContext) -> list[Hint]:
    """Warn where a body group learns so fast that the model may predict one label for all rows."""
    limit, whose = collapse_limit(context)
    rates = rates_of_setting(group_rate_setting(groups, group))
    if not rates or max(rates) <= limit:
        return []
    text = f"{format_typed_number(max(rates))} risks collapse: {whose} rarely survives above"
    return [Hint(group.name, f"{text} {format_typed_number(limit)}", strong=True)]


def uniform_scale_hints(group: GroupSpec) -> list[Hint]:
    """Warn of a uniform range over decades: nearly all its draws come from the highest one."""
    lr = group.lr
    if not isinstance(lr, Range) or lr.scale == "log" or lr.high <= 0:
        return []
    if lr.low > 0 and math.log10(lr.high / lr.low) < WIDE_DECADES:
        return []
    tenth = lr.high / 10
    share = (lr.high - tenth) / (lr.high - lr.low)
    lies = f"{fmt.format_percent(share)} of its draws lie above {format_typed_number(tenth)}"
    text = f"uniform: {lies}; log spreads them evenly"
    return [Hint(group.name, text)]


def narrow_range_hints(groups: Groups) -> list[Hint]:
    """Warn of ranges too narrow to find anything in."""
    hints = []
    for group in groups:
        lr = group.lr
        if isinstance(lr, Range) and 0 < lr.low < lr.high < lr.low * GRID_STEP * (1 - 1e-9):
            text = f"only ×{fmt.format_amount(lr.high / lr.low)} from end to end: = would fix it"
            hints.append(Hint(group.name, text))
    return hints


def slow_head_hints(groups: Groups, body: Groups) -> list[Hint]:
    """Warn of a head slower than the body: it starts from random weights."""
    tops = [
        _highest_rate(groups, group)
        for group in body
        if rates_of_setting(group_rate_setting(groups, group))
    ]
    if not tops:
        return []
    text = (
        f"stays below the body ({format_typed_number(max(tops))}), but starts from random weights"
    )
    return [
        Hint(group.name, text)
        for group in groups
        if "head" in group.parts
        and group not in body
        and rates_of_setting(group_rate_setting(groups, group))
        and _highest_rate(groups, group) < max(tops)
    ]


def overlap_hints(groups: Groups) -> list[Hint]:
    """Warn of lower layers whose range exceeds or overlaps that of the layers above them."""
    body = [g for g in groups if g.selects_body and rates_of_setting(group_rate_setting(groups, g))]
    hints = []
    for lower, upper in pairwise(body):
        high = _highest_rate(groups, lower)
        low_above, high_above = _lowest_rate(groups, upper), _highest_rate(groups, upper)
        if high > high_above:
            text = f"high ({format_typed_number(high)}) is above that of {upper.name}"
            hints.append(Hint(lower.name, f"{text} ({format_typed_number(high_above)})"))
        elif isinstance(lower.lr, Range) and high > low_above:
            text = f"high ({format_typed_number(high)}) overlaps {upper.name}"
            hints.append(
                Hint(lower.name, f"{text}, low ({format_typed_number(low_above)}): allowed")
            )
    return hints


def embedding_hints(groups: Groups) -> list[Hint]:
    """Warn of embeddings that fall to the rest beside groups of layers: easily overlooked."""
    layered = any(group.layers is not None or "layers" in group.parts for group in groups)
    if not layered or any(_names_embeddings(group) for group in groups):
        return []
    return [
        Hint(group.name, "the embeddings have no group of their own: they are in this one")
        for group in groups
        if group.rest
    ]


def baseline_hints(groups: Groups, context: HintContext) -> Iterator[Hint]:
    """Warn of ranges that exclude the baseline's rate: no sampled trial can match it."""
    published = context.published
    if published is None:
        return
    for group in groups:
        rates = rates_of_setting(group_rate_setting(groups, group))
        rate = published_group_rate(published, group, context.layers)
        if len(set(rates)) < 2 or min(rates) <= rate <= max(rates):
            continue
        where = "above" if rate > max(rates) else "below"
        source = published.source.partition(";")[0]
        text = f"the baseline's rate {format_typed_number(rate)} lies {where} the range: {source}"
        yield Hint(group.name, text)


def all_frozen_hint(groups: Groups) -> str:
    """Return a warning where every group is frozen, else ""."""
    still = all(is_frozen_group(groups, group) or group.lr == 0 for group in groups)
    return "every group is frozen: nothing would be trained" if still else ""


def _names_embeddings(group: GroupSpec) -> bool:
    named = any(
        part_of_parameter(name.replace("*", ""))[0] == "embeddings" for name in group.params or ()
    )
    return named or "embeddings" in group.parts


def _highest_rate(groups: Groups, group: GroupSpec) -> float:
    return max(rates_of_setting(group_rate_setting(groups, group)))


def _lowest_rate(groups: Groups, group: GroupSpec) -> float:
    return min(rates_of_setting(group_rate_setting(groups, group)))
