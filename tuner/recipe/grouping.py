"""Edits of layer groups, for an editor: each takes a tuple of groups and returns a new one.

No edit puts a layer into two groups or drops it from all of them. Explicit parameter names may
still overlap with a part or a layer; `resolve_groups` finds out, since it knows the model's names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tuner.errors import TunerError
from tuner.recipe.field_parsers import Location
from tuner.recipe.key_parsers import PARTS, parse_group_name
from tuner.recipe.layers import LayerSlice, format_layer_expression, parse_layer_expression
from tuner.recipe.nearest import quote_value, spelling_hint
from tuner.recipe.rates import find_rate_owner
from tuner.recipe.types import FROZEN, GroupSpec, Rate, Setting, TiedRate

Groups = tuple[GroupSpec, ...]
REST_NAME = "the rest"


def find_group_by_name(groups: Groups, name: str) -> GroupSpec:
    """Return the group of this name; TunerError with the nearest name if there is none."""
    for group in groups:
        if group.name == name:
            return group
    raise TunerError(
        f"no group {quote_value(name)}; {spelling_hint(name, [g.name for g in groups])}"
    )


def layers_of_group(group: GroupSpec, layer_count: int) -> tuple[int, ...]:
    """Return the layers that a group selects by expression or part; () if it selects other things.

    Those beyond the model's last layer are left out, so that groups made for a deeper model can be
    edited; `resolve_groups` refuses them.
    """
    if group.layers is not None:
        parsed = parse_layer_expression(group.layers)
        if isinstance(parsed, LayerSlice):
            return parsed.layers_in_slice(layer_count)
        return tuple(index for index in parsed if index < layer_count)
    return tuple(range(layer_count)) if "layers" in group.parts else ()


def split_group_at_layer(groups: Groups, name: str, at_layer: int, layer_count: int) -> Groups:
    """Split a group into the layers below `at_layer` and those from it on. Both keep the rate."""
    group = find_group_by_name(groups, name)
    layers = layers_of_group(group, layer_count)
    halves = [i for i in layers if i < at_layer], [i for i in layers if i >= at_layer]
    if not (halves[0] and halves[1]) or len(group.parts) > 1:
        raise TunerError(
            f"{quote_value(name)} cannot be split at layer {at_layer}: "
            f"{_describe_group_layers(group, layers)}"
        )
    other_names = {g.name for g in groups if g is not group}
    pieces: list[GroupSpec] = []
    for half in halves:
        piece_name = _unused_name(
            _name_for_layers(half), other_names | {piece.name for piece in pieces}
        )
        pieces.append(_select_layers(replace(group, name=piece_name), half))
    successors = {name: pieces[-1].name}
    return _repair_broken_ties(groups, _replace_group(groups, group, pieces), successors)


def merge_groups(groups: Groups, a: str, b: str, layer_count: int) -> Groups:
    """Merge two groups, at the place of the first, with the rates of `a`.

    Layers merge with layers, parts with parts, names with names, and anything with the rest;
    TunerError for other pairs, which no single selector can express.
    """
    first, second = find_group_by_name(groups, a), find_group_by_name(groups, b)
    if first is second:
        raise TunerError(f"{quote_value(a)} cannot be merged with itself")
    others = {group.name for group in groups} - {a, b}
    merged = _merge_selectors(first, second, layer_count)
    if merged.layers is not None and _is_named_by_layers(first, layer_count):
        name = _name_for_layers(layers_of_group(merged, layer_count))
        merged = replace(merged, name=_unused_name(name, others))
    remaining = [merged if g is first else g for g in groups if g is not second]
    if groups.index(second) < groups.index(first):
        remaining.remove(merged)
        remaining.insert(groups.index(second), merged)
    return _repair_broken_ties(groups, remaining, {a: merged.name, b: merged.name})


def insert_group(groups: Groups, group: GroupSpec, layer_count: int) -> Groups:
    """Insert a group above the rest; the layers and parts it selects are removed from the others.

    A group that loses everything is removed. TunerError if the name is taken, or for a second rest.
    """
    _check_group_name(group.name, {existing.name for existing in groups})
    if group.rest and any(existing.rest for existing in groups):
        raise TunerError("there is already a group with rest = true; only one can have it")
    taken_layers = set(layers_of_group(group, layer_count))
    remaining = [
        reduced
        for existing in groups
        if (reduced := _remove_from_group(existing, taken_layers, set(group.parts), layer_count))
        is not None
    ]
    position = next((i for i, existing in enumerate(remaining) if existing.rest), len(remaining))
    remaining.insert(position if not group.rest else len(remaining), group)
    return _repair_broken_ties(groups, remaining)


def delete_group(groups: Groups, name: str) -> Groups:
    """Remove a group; what it held falls to the rest.

    If there is no rest yet, one is made with the deleted group's rates.
    """
    group = find_group_by_name(groups, name)
    if group.rest:
        raise TunerError(
            f"{quote_value(name)} holds what no other group holds, so it cannot be deleted"
        )
    remaining = tuple(existing for existing in groups if existing is not group)
    if any(existing.rest for existing in remaining):
        return _repair_broken_ties(groups, remaining)
    rest_name = _unused_name(REST_NAME, {existing.name for existing in remaining})
    rest_group = replace(group, name=rest_name, part=None, layers=None, params=None, rest=True)
    return _repair_broken_ties(groups, (*remaining, rest_group), {name: rest_name})


def rename_group(groups: Groups, name: str, new_name: str) -> Groups:
    group = find_group_by_name(groups, name)
    _check_group_name(new_name, {existing.name for existing in groups if existing is not group})
    renamed = _replace_group(groups, group, [replace(group, name=new_name)])
    return _repair_broken_ties(groups, renamed, {name: new_name})


def set_group_rate(groups: Groups, name: str, lr: Rate) -> Groups:
    """Give one group another rate: a number, a range, choices, "frozen" or a tie.

    Groups that were tied to it are tied to the same target. TunerError for a target that is tied
    itself.
    """
    group = find_group_by_name(groups, name)
    if isinstance(lr, TiedRate):
        target = find_group_by_name(groups, lr.group)
        if target is group or isinstance(target.lr, TiedRate):
            whose = (
                "itself" if target is group else f"{quote_value(target.name)}, which is tied itself"
            )
            raise TunerError(f"{quote_value(name)} cannot be tied to {whose}")
        followers = (g for g in groups if isinstance(g.lr, TiedRate) and g.lr.group == name)
        for follower in list(followers):
            assert isinstance(follower.lr, TiedRate)
            retied = replace(follower, lr=replace(follower.lr, group=lr.group))
            groups = _replace_group(groups, follower, [retied])
    return _replace_group(groups, group, [replace(group, lr=lr)])


def freeze_group(groups: Groups, name: str) -> Groups:
    return set_group_rate(groups, name, FROZEN)


def fix_group_rate(groups: Groups, name: str, rate: float) -> Groups:
    return set_group_rate(groups, name, rate)


def set_weight_decay(groups: Groups, name: str, decay: Setting | None) -> Groups:
    """Give one group another weight decay; None leaves it to [training]."""
    group = find_group_by_name(groups, name)
    return _replace_group(groups, group, [replace(group, weight_decay=decay)])


def set_layer_decay(groups: Groups, name: str, decay: Setting | None) -> Groups:
    """Give one group another layer decay; None for one rate in all of its layers."""
    group = find_group_by_name(groups, name)
    return _replace_group(groups, group, [replace(group, layer_decay=decay)])


def regroup_layers_by_size(groups: Groups, layer_count: int, size: int) -> Groups:
    """Replace the groups of layers by new ones of `size` layers each; the last may be smaller.

    Each takes its rates from the group that had its first layer before, or else from the first
    group of layers, or the rest.
    """
    if size < 1 or layer_count < 1:
        raise TunerError(f"cannot make groups of {size} layers in an encoder of {layer_count}")
    all_layers = set(range(layer_count))
    others = [
        None if group.layers else _remove_from_group(group, all_layers, {"layers"}, layer_count)
        for group in groups
    ]
    remaining = [group for group in others if group is not None]
    used_names = {group.name for group in remaining}
    fresh: list[GroupSpec] = []
    for start in range(0, layer_count, size):
        layers = range(start, min(start + size, layer_count))
        template = _group_holding_layer(groups, start, layer_count)
        name = _unused_name(_name_for_layers(layers), used_names)
        spec = GroupSpec(name, template.lr, weight_decay=template.weight_decay)
        fresh.append(_select_layers(spec, layers))
    position = next((i for i, group in enumerate(others) if group is not groups[i]), None)
    if position is None:
        position = next((i for i, group in enumerate(remaining) if group.rest), len(remaining))
    return _repair_broken_ties(groups, (*remaining[:position], *fresh, *remaining[position:]))


def _repair_broken_ties(
    before: Groups, groups: Iterable[GroupSpec], successors: Mapping[str, str] | None = None
) -> Groups:
    """Point broken ties at the successor of their target, or replace them by a rate.

    Of several groups that were tied to a group that is gone, the first inherits its rate and the
    others are tied to that one.
    """
    successors = dict(successors or {})
    repaired = {group.name: group for group in groups}
    for name, group in repaired.items():
        if not isinstance(group.lr, TiedRate):
            continue
        target = successors.get(group.lr.group, group.lr.group)
        target_rate = repaired[target].lr if target in repaired else None
        if isinstance(target_rate, TiedRate):
            target = successors.get(target_rate.group, target_rate.group)
        if target in repaired and target != name:
            repaired[name] = replace(group, lr=replace(group.lr, group=target))
        else:
            repaired[name] = replace(group, lr=find_rate_owner(before, group).lr)
            successors[group.lr.group] = name
    return tuple(repaired.values())


def _group_holding_layer(groups: Groups, layer: int, layer_count: int) -> GroupSpec:
    owners = [group for group in groups if layer in layers_of_group(group, layer_count)]
    fallbacks = [group for group in groups if layers_of_group(group, layer_count) or group.rest]
    candidates = owners + fallbacks + list(groups)
    if not candidates:
        raise TunerError("there are no groups to take rates from")
    return candidates[0]


def _merge_selectors(first: GroupSpec, second: GroupSpec, layer_count: int) -> GroupSpec:
    if first.rest or second.rest:
        return replace(first, part=None, layers=None, params=None, rest=True)
    layers = {*layers_of_group(first, layer_count), *layers_of_group(second, layer_count)}
    parts = {*first.parts, *second.parts}
    if first.params is not None and second.params is not None:
        names = dict.fromkeys((*first.params, *second.params))
        return replace(first, params=tuple(names))
    if first.params is None and second.params is None and parts <= {"layers"}:
        return _select_layers(first, layers)
    if first.part is not None and second.part is not None:
        return _select_parts(first, parts)
    raise TunerError(
        f"{quote_value(first.name)} and {quote_value(second.name)} cannot be merged: "
        "layers merge with layers, parts with parts, parameter names with parameter names"
    )


def _remove_from_group(
    group: GroupSpec, layers: Collection[int], parts: Collection[str], layer_count: int
) -> GroupSpec | None:
    """Take these layers and parts away from a group; None if nothing is left of it."""
    own_parts = set(group.parts)
    own_layers = set(layers_of_group(group, layer_count))
    lost_parts = own_parts & set(parts)
    if not lost_parts and not own_layers & set(layers):
        return group
    left_layers = own_layers - set(layers)
    left_parts = own_parts - set(parts)
    if left_layers and left_layers != own_layers:
        left_parts -= {"layers"}
        if left_parts:
            raise TunerError(
                f"{quote_value(group.name)} has {' and '.join(sorted(own_parts))} together; "
                "take its layers out of it as a whole first"
            )
        return _select_layers(group, left_layers)
    if not left_layers:
        left_parts -= {"layers"}
    return _select_parts(group, left_parts) if left_parts else None


def _select_layers(group: GroupSpec, layers: Iterable[int]) -> GroupSpec:
    expression = format_layer_expression(layers)
    decay = None if expression.isdigit() else group.layer_decay
    return replace(group, layers=expression, part=None, params=None, rest=False, layer_decay=decay)


def _select_parts(group: GroupSpec, parts: Collection[str]) -> GroupSpec:
    ordered = tuple(part for part in PARTS if part in parts)
    part = ordered[0] if len(ordered) == 1 else ordered
    decay = group.layer_decay if "layers" in parts else None
    return replace(group, part=part, layers=None, params=None, rest=False, layer_decay=decay)


def _replace_group(groups: Groups, old: GroupSpec, new: Iterable[GroupSpec]) -> Groups:
    position = groups.index(old)
    return (*groups[:position], *new, *groups[position + 1 :])


def _name_for_layers(layers: Iterable[int]) -> str:
    expression = format_layer_expression(layers)
    return f"layer {expression}" if expression.isdigit() else f"layers {expression}"


def _is_named_by_layers(group: GroupSpec, layer_count: int) -> bool:
    layers = layers_of_group(group, layer_count)
    return bool(layers) and group.name == _name_for_layers(layers)


def _unused_name(name: str, used_names: Collection[str]) -> str:
    if name not in used_names:
        return name
    return next(
        f"{name} ({n})" for n in range(2, len(used_names) + 3) if f"{name} ({n})" not in used_names
    )


def _check_group_name(name: str, used_names: Collection[str]) -> None:
    parse_group_name(name, Location("", "name"))
    if name in used_names:
        raise TunerError(f"there is already a group {quote_value(name)}")


def _describe_group_layers(group: GroupSpec, layers: tuple[int, ...]) -> str:
    if layers and len(group.parts) < 2:
        return f"it holds layers {format_layer_expression(layers)}"
    return "it holds more than layers" if layers else "it holds no numbered layers"
