"""The rate of each parameter: ties between groups, and decay from layer to layer.

The one place with these formulas; the trainer, best.json, `tuner groups` and the editor ask here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tuner.recipe.config import TrialConfig
from tuner.recipe.groups import count_encoder_layers, part_of_parameter
from tuner.recipe.numbers import round_to_digits
from tuner.recipe.types import (
    FROZEN,
    Choices,
    GroupSpec,
    Parameter,
    Range,
    ResolvedGroup,
    Scale,
    Setting,
    TiedRate,
)


@dataclass(frozen=True, slots=True)
class ParamGroup:
    """The parameters of a group that have one and the same rate, as in torch's optimizers.

    They are `layers_below_top` layers below the group's top one; without layer decay a group is one
    param group. `name` is the group's, with the layer's where there are several.
    """

    name: str
    group: GroupSpec
    layers_below_top: int
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True)
class RatedParamGroup(ParamGroup):
    """A param group with its rate in one trial; None if it is frozen."""

    lr: float | None
    weight_decay: float


def find_rate_owner(groups: Sequence[GroupSpec], group: GroupSpec) -> GroupSpec:
    """Return the group with this group's rate: itself, or the one it is tied to."""
    if not isinstance(group.lr, TiedRate):
        return group
    target = group.lr.group
    return next(candidate for candidate in groups if candidate.name == target)


def split_into_param_groups(resolved: Sequence[ResolvedGroup]) -> tuple[ParamGroup, ...]:
    """Split groups with layer decay into one param group per layer, the lowest first.

    Embeddings are one layer below layer 0, pooler and head one above the last layer.
    """
    layers = count_encoder_layers(parameter for group in resolved for parameter in group.parameters)
    param_groups: list[ParamGroup] = []
    for group in resolved:
        if group.spec.layer_decay is None:
            param_groups.append(ParamGroup(group.spec.name, group.spec, 0, group.parameters))
            continue
        by_depth: dict[int, list[Parameter]] = {}
        for parameter in group.parameters:
            by_depth.setdefault(_depth_of_parameter(parameter.name, layers), []).append(parameter)
        # Depths count over the whole model, not over the group: a group without some layers keeps
        # their distance.
        top = max(by_depth)
        param_groups += [
            ParamGroup(
                f"{group.spec.name} {_name_of_depth(depth, layers)}",
                group.spec,
                top - depth,
                tuple(members),
            )
            for depth, members in sorted(by_depth.items())
        ]
    return tuple(param_groups)


def rated_param_groups(
    resolved: Sequence[ResolvedGroup], config: TrialConfig
) -> tuple[RatedParamGroup, ...]:
    """Return every param group with the rate that a trial trains it at."""
    return tuple(
        RatedParamGroup(
            param_group.name,
            param_group.group,
            param_group.layers_below_top,
            param_group.parameters,
            _param_group_rate(config, param_group),
            config.weight_decays[param_group.group.name],
        )
        for param_group in split_into_param_groups(resolved)
    )


def param_group_setting(groups: Sequence[GroupSpec], param_group: ParamGroup) -> Setting:
    """Return what a param group's rate can be: fixed, frozen, choices, or a range."""
    setting = group_rate_setting(groups, param_group.group)
    decay = param_group.group.layer_decay
    if decay is None or param_group.layers_below_top == 0:
        return setting
    powers = _map_setting_values(decay, lambda value: value**param_group.layers_below_top)
    return _multiply_settings(setting, powers)


def group_rate_setting(groups: Sequence[GroupSpec], group: GroupSpec) -> Setting:
    """Return what a group's rate (that of its top layer) can be, with its tie followed."""
    if not isinstance(group.lr, TiedRate):
        return group.lr
    owner_rate = find_rate_owner(groups, group).lr
    assert not isinstance(owner_rate, TiedRate), "a tie leads to a group with a rate of its own"
    return owner_rate if group.lr.times == 1.0 else _multiply_settings(owner_rate, group.lr.times)


def is_frozen_group(groups: Sequence[GroupSpec], group: GroupSpec) -> bool:
    return find_rate_owner(groups, group).lr == FROZEN


def rate_without_tie(groups: Sequence[GroupSpec], group: GroupSpec) -> Setting:
    """Return what a tied group's rate can be now, to three digits, to become its own rate."""
    return round_rate_setting(group_rate_setting(groups, group))


def round_rate_setting(setting: Setting) -> Setting:
    """Round the numbers of a rate to three digits."""
    return _map_setting_values(setting, round_to_digits)


def _param_group_rate(config: TrialConfig, param_group: ParamGroup) -> float | None:
    name = param_group.group.name
    top = config.learning_rates[name]
    if top is None or name not in config.layer_decays:
        return top
    return top * config.layer_decays[name] ** param_group.layers_below_top


def _depth_of_parameter(name: str, layers: int) -> int:
    part, index = part_of_parameter(name)
    if index is not None:
        return index + 1
    return 0 if part == "embeddings" else layers + 1


def _name_of_depth(depth: int, layers: int) -> str:
    if depth == 0:
        return "embeddings"
    return f"layer {depth - 1}" if depth <= layers else "head"


def _rate_bounds(setting: Setting) -> tuple[float, float, Scale]:
    """Return the lowest and the highest rate, and the scale between them."""
    if isinstance(setting, Range):
        return setting.low, setting.high, setting.scale
    values = setting.values if isinstance(setting, Choices) else (setting,)
    rates = [float(value) for value in values if not isinstance(value, str)]
    return min(rates), max(rates), "log"


def _multiply_settings(a: Setting, b: Setting) -> Setting:
    """Return the span of a × b; frozen stays frozen, and two fixed factors give a fixed rate."""
    if FROZEN in (a, b):
        return FROZEN
    low, high, scale = _rate_bounds(a)
    low_factor, high_factor, factor_scale = _rate_bounds(b)
    # The scale of the one that is searched; of two ranges that of the first.
    if not isinstance(a, Range):
        scale = factor_scale
    low, high = low * low_factor, high * high_factor
    if low == high:
        return low
    return Range(low, high, scale if low > 0 else "linear")


def _map_setting_values(setting: Setting, change: Callable[[float], float]) -> Setting:
    match setting:
        case Range(low, high, scale, integer):
            return Range(change(low), change(high), scale, integer)
        case Choices(values):
            return Choices(tuple(v if isinstance(v, str) else change(float(v)) for v in values))
        case str():
            return setting
    return change(float(setting))
