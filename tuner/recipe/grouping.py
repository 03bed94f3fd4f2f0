"""Edits of layer groups, for an editor: each takes a tuple of groups and returns a new one.

No layer gets into two groups or drops out of all of them by an edit. Explicit parameter names may
still overlap with a part or a layer; `resolve_groups` tells, since only it knows the model's names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from tuner.errors import TunerError
from tuner.recipe.layers import Slice, layer_expression, parse_layers
from tuner.recipe.nearest import show, suggestion
from tuner.recipe.rates import own_rate
from tuner.recipe.readers import Place
from tuner.recipe.schema import PARTS, group_name
from tuner.recipe.types import FROZEN, GroupSpec, Like, Rate, Setting

Groups = tuple[GroupSpec, ...]
REST_NAME = "the rest"


def find_group(groups: Groups, name: str) -> GroupSpec:
    """The group of this name; TunerError with the nearest one where there is none."""
    for group in groups:
        if group.name == name:
            return group
    raise TunerError(f"no group {show(name)}; {suggestion(name, [g.name for g in groups])}")


def layers_of(group: GroupSpec, layer_count: int) -> tuple[int, ...]:
    """The layers that a group takes by expression or by part; none where it takes other things.

    Those beyond the model's last layer are left out, so that groups made for a deeper model can be
    edited; `resolve_groups` refuses them.
    """
    if group.layers is not None:
        parsed = parse_layers(group.layers)
        if isinstance(parsed, Slice):
            return parsed.indices(layer_count)
        return tuple(index for index in parsed if index < layer_count)
    return tuple(range(layer_count)) if "layers" in _parts(group) else ()


def split_group(groups: Groups, name: str, at_layer: int, layer_count: int) -> Groups:
    """Two groups for one: the layers below `at_layer`, and those from it on. Both keep the rate."""
    group = find_group(groups, name)
    layers = layers_of(group, layer_count)
    halves = [i for i in layers if i < at_layer], [i for i in layers if i >= at_layer]
    if not (halves[0] and halves[1]) or len(_parts(group)) > 1:
        raise TunerError(
            f"{show(name)} cannot be split at layer {at_layer}: {_holds(group, layers)}"
        )
    taken = {g.name for g in groups if g is not group}
    pieces: list[GroupSpec] = []
    for half in halves:
        piece_name = _free_name(_layers_name(half), taken | {piece.name for piece in pieces})
        pieces.append(_with_layers(replace(group, name=piece_name), half))
    heirs = {name: pieces[-1].name}
    return _tied_again(groups, _replaced(groups, group, pieces), heirs)


def merge_groups(groups: Groups, a: str, b: str, layer_count: int) -> Groups:
    """One group for two, at the place of the first, with the rates of `a`.

    Layers merge with layers, parts with parts, names with names, and anything with the rest;
    TunerError for other pairs, which no single selector says.
    """
    first, second = find_group(groups, a), find_group(groups, b)
    if first is second:
        raise TunerError(f"{show(a)} cannot be merged with itself")
    others = {group.name for group in groups} - {a, b}
    merged = _merged(first, second, layer_count)
    if merged.layers is not None and _has_layers_name(first, layer_count):
        name = _layers_name(layers_of(merged, layer_count))
        merged = replace(merged, name=_free_name(name, others))
    kept = [merged if g is first else g for g in groups if g is not second]
    if groups.index(second) < groups.index(first):
        kept.remove(merged)
        kept.insert(groups.index(second), merged)
    return _tied_again(groups, kept, {a: merged.name, b: merged.name})


def add_group(groups: Groups, group: GroupSpec, layer_count: int) -> Groups:
    """The groups and a new one, above the rest. What layers and parts it takes, others lose.

    A group that loses everything goes. TunerError where the name is taken, or for a second rest.
    """
    _check_name(group.name, {other.name for other in groups})
    if group.rest and any(other.rest for other in groups):
        raise TunerError("there is a rest already; one group can be")
    taken = set(layers_of(group, layer_count))
    left = [
        reduced
        for other in groups
        if (reduced := _without(other, taken, set(_parts(group)), layer_count)) is not None
    ]
    position = next((i for i, other in enumerate(left) if other.rest), len(left))
    left.insert(position if not group.rest else len(left), group)
    return _tied_again(groups, left)


def delete_group(groups: Groups, name: str) -> Groups:
    """The groups without this one; what it held falls to the rest.

    Where there is no rest yet, one is made that has the deleted group's rates.
    """
    group = find_group(groups, name)
    if group.rest:
        raise TunerError(f"{show(name)} holds what no other group does and has to stay")
    left = tuple(other for other in groups if other is not group)
    if any(other.rest for other in left):
        return _tied_again(groups, left)
    rest_name = _free_name(REST_NAME, {other.name for other in left})
    rest = replace(group, name=rest_name, part=None, layers=None, params=None, rest=True)
    return _tied_again(groups, (*left, rest), {name: rest_name})


def rename_group(groups: Groups, name: str, new: str) -> Groups:
    """The groups with one of them called `new`; TunerError where that is taken or no name."""
    group = find_group(groups, name)
    _check_name(new, {other.name for other in groups if other is not group})
    renamed = _replaced(groups, group, [replace(group, name=new)])
    return _tied_again(groups, renamed, {name: new})


def set_rate(groups: Groups, name: str, lr: Rate) -> Groups:
    """The groups with another learning rate (a number, a range, choices, "frozen", a tie) for one.

    Tying a group that others are tied to ties them to the same one. TunerError for a group without
    a rate of its own to be tied to.
    """
    group = find_group(groups, name)
    if isinstance(lr, Like):
        target = find_group(groups, lr.group)
        if target is group or isinstance(target.lr, Like):
            whose = "itself" if target is group else f"{show(target.name)}, which is tied itself"
            raise TunerError(f"{show(name)} cannot be tied to {whose}")
        followers = (g for g in groups if isinstance(g.lr, Like) and g.lr.group == name)
        for follower in list(followers):
            assert isinstance(follower.lr, Like)
            again = replace(follower, lr=replace(follower.lr, group=lr.group))
            groups = _replaced(groups, follower, [again])
    return _replaced(groups, group, [replace(group, lr=lr)])


def freeze(groups: Groups, name: str) -> Groups:
    """The groups with one of them frozen: it is not trained."""
    return set_rate(groups, name, FROZEN)


def fix(groups: Groups, name: str, rate: float) -> Groups:
    """The groups with a fixed learning rate for one."""
    return set_rate(groups, name, rate)


def set_weight_decay(groups: Groups, name: str, decay: Setting | None) -> Groups:
    """The groups with another weight decay for one; None leaves it to [training]."""
    group = find_group(groups, name)
    return _replaced(groups, group, [replace(group, weight_decay=decay)])


def set_layer_decay(groups: Groups, name: str, decay: Setting | None) -> Groups:
    """The groups with a rate that falls from layer to layer in one of them; None: it does not."""
    group = find_group(groups, name)
    return _replaced(groups, group, [replace(group, layer_decay=decay)])


def group_by_layers(groups: Groups, layer_count: int, size: int) -> Groups:
    """New groups of `size` layers each, in place of those by layers; the last may be smaller.

    Each takes its rates from the group that had its first layer before, or else from the first
    group of layers, or the rest.
    """
    if size < 1 or layer_count < 1:
        raise TunerError(f"no groups of {size} layers in an encoder of {layer_count}")
    all_layers = set(range(layer_count))
    others = [
        None if group.layers else _without(group, all_layers, {"layers"}, layer_count)
        for group in groups
    ]
    kept = [group for group in others if group is not None]
    taken = {group.name for group in kept}
    fresh: list[GroupSpec] = []
    for start in range(0, layer_count, size):
        layers = range(start, min(start + size, layer_count))
        model = _owner(groups, start, layer_count)
        name = _free_name(_layers_name(layers), taken)
        spec = GroupSpec(name, model.lr, weight_decay=model.weight_decay)
        fresh.append(_with_layers(spec, layers))
    position = next((i for i, group in enumerate(others) if group is not groups[i]), None)
    if position is None:
        position = next((i for i, group in enumerate(kept) if group.rest), len(kept))
    return _tied_again(groups, (*kept[:position], *fresh, *kept[position:]))


def _tied_again(
    before: Groups, groups: Iterable[GroupSpec], heirs: Mapping[str, str] | None = None
) -> Groups:
    """The groups, ties that lead nowhere mended: to the heir of a name, or to a rate of its own.

    Of several that were tied to a group that is gone, the first inherits its rate, and the others
    are tied to that one.
    """
    heirs = dict(heirs or {})
    mended = {group.name: group for group in groups}
    for name, group in mended.items():
        if not isinstance(group.lr, Like):
            continue
        target = heirs.get(group.lr.group, group.lr.group)
        further = mended[target].lr if target in mended else None
        if isinstance(further, Like):
            target = heirs.get(further.group, further.group)
        if target in mended and target != name:
            mended[name] = replace(group, lr=replace(group.lr, group=target))
        else:
            mended[name] = replace(group, lr=own_rate(before, group).lr)
            heirs[group.lr.group] = name
    return tuple(mended.values())


def _owner(groups: Groups, layer: int, layer_count: int) -> GroupSpec:
    owners = [group for group in groups if layer in layers_of(group, layer_count)]
    fallbacks = [group for group in groups if layers_of(group, layer_count) or group.rest]
    candidates = owners + fallbacks + list(groups)
    if not candidates:
        raise TunerError("there are no groups to take rates from")
    return candidates[0]


def _merged(first: GroupSpec, second: GroupSpec, layer_count: int) -> GroupSpec:
    if first.rest or second.rest:
        return replace(first, part=None, layers=None, params=None, rest=True)
    layers = {*layers_of(first, layer_count), *layers_of(second, layer_count)}
    parts = {*_parts(first), *_parts(second)}
    if first.params is not None and second.params is not None:
        names = dict.fromkeys((*first.params, *second.params))
        return replace(first, params=tuple(names))
    if first.params is None and second.params is None and parts <= {"layers"}:
        return _with_layers(first, layers)
    if first.part is not None and second.part is not None:
        return _with_parts(first, parts)
    raise TunerError(
        f"{show(first.name)} and {show(second.name)} cannot be merged: "
        "layers merge with layers, parts with parts, parameter names with parameter names"
    )


def _without(
    group: GroupSpec, layers: Collection[int], parts: Collection[str], layer_count: int
) -> GroupSpec | None:
    """What is left of a group that loses these layers and parts; None where nothing is."""
    own_parts = set(_parts(group))
    own_layers = set(layers_of(group, layer_count))
    lost_parts = own_parts & set(parts)
    if not lost_parts and not own_layers & set(layers):
        return group
    left_layers = own_layers - set(layers)
    left_parts = own_parts - set(parts)
    if left_layers and left_layers != own_layers:
        left_parts -= {"layers"}
        if left_parts:
            raise TunerError(
                f"{show(group.name)} has {' and '.join(sorted(own_parts))} together; "
                "take its layers out of it as a whole first"
            )
        return _with_layers(group, left_layers)
    if not left_layers:
        left_parts -= {"layers"}
    return _with_parts(group, left_parts) if left_parts else None


def _with_layers(group: GroupSpec, layers: Iterable[int]) -> GroupSpec:
    expression = layer_expression(layers)
    decay = None if expression.isdigit() else group.layer_decay
    return replace(group, layers=expression, part=None, params=None, rest=False, layer_decay=decay)


def _with_parts(group: GroupSpec, parts: Collection[str]) -> GroupSpec:
    ordered = tuple(part for part in PARTS if part in parts)
    part = ordered[0] if len(ordered) == 1 else ordered
    decay = group.layer_decay if "layers" in parts else None
    return replace(group, part=part, layers=None, params=None, rest=False, layer_decay=decay)


def _parts(group: GroupSpec) -> tuple[str, ...]:
    return (group.part,) if isinstance(group.part, str) else group.part or ()


def _replaced(groups: Groups, old: GroupSpec, new: Iterable[GroupSpec]) -> Groups:
    position = groups.index(old)
    return (*groups[:position], *new, *groups[position + 1 :])


def _layers_name(layers: Iterable[int]) -> str:
    expression = layer_expression(layers)
    return f"layer {expression}" if expression.isdigit() else f"layers {expression}"


def _has_layers_name(group: GroupSpec, layer_count: int) -> bool:
    layers = layers_of(group, layer_count)
    return bool(layers) and group.name == _layers_name(layers)


def _free_name(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    return next(f"{name} ({n})" for n in range(2, len(taken) + 3) if f"{name} ({n})" not in taken)


def _check_name(name: str, taken: Collection[str]) -> None:
    group_name(name, Place("", "name"))
    if name in taken:
        raise TunerError(f"there is a group {show(name)} already")


def _holds(group: GroupSpec, layers: tuple[int, ...]) -> str:
    if layers and len(_parts(group)) < 2:
        return f"it holds layers {layer_expression(layers)}"
    return "it holds more than layers" if layers else "it holds no layers by number"
