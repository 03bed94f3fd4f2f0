"""What rate each parameter is trained at: ties between groups, and decay from layer to layer.

The one place with these formulas; the trainer, best.json, `tuner groups` and the editor ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.recipe.config import TrialConfig
from tuner.recipe.groups import layer_count, part_of
from tuner.recipe.types import (
    FROZEN,
    Choices,
    GroupSpec,
    Like,
    Parameter,
    Range,
    ResolvedGroup,
    Scale,
    Setting,
)


@dataclass(frozen=True, slots=True)
class Level:
    """The parameters of a group that have one and the same rate.

    They are `below` layers below the group's top one; without layer decay all of a group is one
    level. `name` is the group's, with the level's own part where there are several.
    """

    name: str
    group: GroupSpec
    below: int
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class RatedLevel(Level):
    """A level with its rate in one trial; None where it is frozen."""

    lr: float | None
    weight_decay: float


def own_rate(groups: Sequence[GroupSpec], group: GroupSpec) -> GroupSpec:
    """The group that says this group's rate: itself, or the one it is tied to."""
    if not isinstance(group.lr, Like):
        return group
    target = group.lr.group
    return next(other for other in groups if other.name == target)


def tied_rate(rate: float, times: float) -> float:
    """The rate of a group that is tied to one with `rate`."""
    return rate * times


def layer_rate(top: float, decay: float, below: int) -> float:
    """The rate of what lies `below` layers below a group's top one."""
    return top * decay**below


def levels(resolved: Sequence[ResolvedGroup]) -> tuple[Level, ...]:
    """The groups in their order; one with layer decay as a level for each layer, the lowest first.

    Embeddings lie one below layer 0, pooler and head one above the last layer.
    """
    layers = layer_count(parameter for group in resolved for parameter in group.parameters)
    out: list[Level] = []
    for group in resolved:
        if group.spec.layer_decay is None:
            out.append(Level(group.spec.name, group.spec, 0, group.parameters))
            continue
        by_depth: dict[int, list[Parameter]] = {}
        for parameter in group.parameters:
            by_depth.setdefault(_depth(parameter.name, layers), []).append(parameter)
        top = max(by_depth)
        out += [
            Level(
                f"{group.spec.name} {_place(depth, layers)}", group.spec, top - depth, tuple(held)
            )
            for depth, held in sorted(by_depth.items())
        ]
    return tuple(out)


def rated_levels(resolved: Sequence[ResolvedGroup], config: TrialConfig) -> tuple[RatedLevel, ...]:
    """Every level with the rate that a trial trains it at."""
    return tuple(
        RatedLevel(
            level.name,
            level.group,
            level.below,
            level.parameters,
            _rate_in(config, level),
            config.weight_decays[level.group.name],
        )
        for level in levels(resolved)
    )


def level_setting(groups: Sequence[GroupSpec], level: Level) -> Setting:
    """What the rate of a level can be: fixed, frozen, choices, or a range from low to high."""
    setting = group_setting(groups, level.group)
    decay = level.group.layer_decay
    if decay is None or level.below == 0:
        return setting
    powers = _mapped(decay, lambda value: layer_rate(1.0, value, level.below))
    return _product(setting, powers)


def group_setting(groups: Sequence[GroupSpec], group: GroupSpec) -> Setting:
    """What a group's rate (that of its top layer) can be, ties followed."""
    if not isinstance(group.lr, Like):
        return group.lr
    own = own_rate(groups, group).lr
    assert not isinstance(own, Like), "a tie leads to a group with a rate of its own"
    return own if group.lr.times == 1.0 else _product(own, group.lr.times)


def is_frozen(groups: Sequence[GroupSpec], group: GroupSpec) -> bool:
    """Whether a group is not trained in any trial."""
    return own_rate(groups, group).lr == FROZEN


def untied(groups: Sequence[GroupSpec], group: GroupSpec) -> Setting:
    """A rate of its own for a tied group: what it can be now, to three digits."""
    return rounded(group_setting(groups, group))


def rounded(setting: Setting) -> Setting:
    """A rate with three digits."""
    return _mapped(setting, lambda rate: float(f"{rate:.3g}"))


def _rate_in(config: TrialConfig, level: Level) -> float | None:
    name = level.group.name
    top = config.learning_rates[name]
    if top is None or name not in config.layer_decays:
        return top
    return layer_rate(top, config.layer_decays[name], level.below)


def _depth(name: str, layers: int) -> int:
    part, index = part_of(name)
    if index is not None:
        return index + 1
    return 0 if part == "embeddings" else layers + 1


def _place(depth: int, layers: int) -> str:
    if depth == 0:
        return "embeddings"
    return f"layer {depth - 1}" if depth <= layers else "head"


def _ends(setting: Setting) -> tuple[float, float, Scale]:
    """The lowest and the highest rate, and how it is drawn between them."""
    if isinstance(setting, Range):
        return setting.low, setting.high, setting.scale
    values = setting.values if isinstance(setting, Choices) else (setting,)
    rates = [float(value) for value in values if not isinstance(value, str)]
    return min(rates), max(rates), "log"


def _product(a: Setting, b: Setting) -> Setting:
    """The span of a × b; frozen stays frozen, and two fixed factors give a fixed rate."""
    if FROZEN in (a, b):
        return FROZEN
    low, high, scale = _ends(a)
    low_factor, high_factor, factor_scale = _ends(b)
    if not isinstance(a, Range):
        scale = factor_scale
    low, high = low * low_factor, high * high_factor
    if low == high:
        return low
    return Range(low, high, scale if low > 0 else "linear")


def _mapped(setting: Setting, change: Callable[[float], float]) -> Setting:
    match setting:
        case Range(low, high, scale, integer):
            return Range(change(low), change(high), scale, integer)
        case Choices(values):
            return Choices(tuple(v if isinstance(v, str) else change(float(v)) for v in values))
        case str():
            return setting
    return change(float(setting))
