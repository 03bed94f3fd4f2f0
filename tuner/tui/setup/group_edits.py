"""The group editor's typed wishes, put into the edits of `recipe.grouping`."""

from __future__ import annotations

import re
from dataclasses import replace

from tuner.errors import TunerError
from tuner.recipe import grouping
from tuner.recipe.groups import layer_count, resolve_groups
from tuner.recipe.layers import layer_expression, parse_layers
from tuner.recipe.rates import group_setting, untied
from tuner.recipe.schema import PARTS
from tuner.recipe.types import FROZEN, GroupSpec, Like, Parameter, Range, Rate, Setting
from tuner.tui.setup.ranges import USUAL

Groups = tuple[GroupSpec, ...]
Parameters = tuple[Parameter, ...] | None
MOST_NAMES = 8
USUAL_DECAY = Range(0.75, 1.0)
USUAL_TIMES = Range(1.0, 100.0, "log")
"""What a decay and a head's factor are searched in where nobody said otherwise: preset llrd."""
LAYERS = re.compile(r"(?:layers?\s+)?(\d[\d\s,/–-]*)", re.IGNORECASE)
ADD_EXAMPLE = "write 9-11, embeddings, classifier.*, or NAME = 9-11"


def selector_text(group: GroupSpec) -> str:
    """What a group takes, in words."""
    if group.layers is not None:
        return f"layers {group.layers}"
    if group.params is not None:
        return " ".join(group.params)
    if group.rest:
        return "all that no other group takes"
    return " + ".join("all layers" if part == "layers" else part for part in _parts(group))


def _parts(group: GroupSpec) -> tuple[str, ...]:
    return (group.part,) if isinstance(group.part, str) else group.part or ()


def count_layers(groups: Groups, parameters: Parameters) -> int:
    """The encoder's layers: the model's, or before it is read the highest that a group names.

    Raises TunerError where that says nothing.
    """
    if parameters is not None:
        return layer_count(parameters)
    named = [parse_layers(group.layers) for group in groups if group.layers is not None]
    whole = any("layers" in _parts(group) for group in groups)
    if whole or not named or not all(isinstance(layers, tuple) for layers in named):
        raise TunerError("how many layers there are is not known before the model is read")
    return 1 + max(index for layers in named if isinstance(layers, tuple) for index in layers)


def with_rate(groups: Groups, name: str, lr: Rate) -> Groups:
    """The groups, one of them with another rate."""
    return grouping.set_rate(groups, name, lr)


def with_layer_decay(groups: Groups, name: str, decay: Setting | None) -> Groups:
    """The groups, the rate of one falling from layer to layer."""
    return grouping.set_layer_decay(groups, name, decay)


def with_weight_decay(groups: Groups, name: str, decay: Setting | None) -> Groups:
    """The groups, one of them with another weight decay; None: that of [training]."""
    return grouping.set_weight_decay(groups, name, decay)


def is_tied(group: GroupSpec) -> bool:
    """Whether a key can untie the group."""
    return isinstance(group.lr, Like) or group.layer_decay is not None


def untie(groups: Groups, name: str) -> Groups:
    """The groups, one of them with one rate of its own."""
    group = grouping.find_group(groups, name)
    own = with_rate(groups, name, untied(groups, group))
    return with_layer_decay(own, name, None)


def usual_tie(groups: Groups, group: GroupSpec) -> str:
    """What is offered to be typed for a tie: layers decay, others follow them."""
    if _has_layers(group):
        return "decay 0.8..1"
    own = [other for other in groups if not isinstance(other.lr, Like) and other is not group]
    layered = [other for other in own if _has_layers(other)]
    targets = layered or own
    return f"like {targets[-1].name} x 1..100" if targets else ""


def _has_layers(group: GroupSpec) -> bool:
    return group.layers is not None or "layers" in _parts(group)


def layerwise(groups: Groups) -> Groups:
    """One group for the whole body, its rate decaying by layer, and the others tied to it.

    What is frozen stays so.
    """
    body = [group for group in groups if group.layers is not None or _is_body(group)]
    for group in body:
        if not {"embeddings", "layers"}.issuperset(_parts(group)):
            raise TunerError(f"{group.name} holds more than the body: give its parts own groups")
    rated = [group_setting(groups, group) for group in body]
    rate = next((lr for lr in reversed(rated) if lr != FROZEN), USUAL)
    others = tuple(group for group in groups if group not in body)
    names = {group.name for group in others}
    name = "body" if "body" not in names else "whole body"
    made = GroupSpec(name, rate, part=("embeddings", "layers"), layer_decay=USUAL_DECAY)
    return (made, *(_tied_to(group, name) for group in others))


def _is_body(group: GroupSpec) -> bool:
    parts = set(_parts(group))
    return bool(parts & {"embeddings", "layers"})


def _tied_to(group: GroupSpec, name: str) -> GroupSpec:
    if group.lr == FROZEN:
        return group
    times: Setting = 1.0 if group.rest else USUAL_TIMES
    return replace(group, lr=Like(name, times), layer_decay=None)


def delete(groups: Groups, name: str) -> Groups:
    """The groups without one; the rest takes what it held."""
    return grouping.delete_group(groups, name)


def rename(groups: Groups, name: str, new: str) -> Groups:
    """The groups, one of them called `new`."""
    return grouping.rename_group(groups, name, new)


def merge(groups: Groups, name: str, parameters: Parameters) -> Groups:
    """The groups, one of them and the next made one."""
    names = [group.name for group in groups]
    at = names.index(name) + 1
    if at == len(names):
        raise TunerError(f"{name} is the last group: there is no next one to merge it with")
    pair = (groups[at - 1], groups[at])
    return grouping.merge_groups(groups, name, names[at], _count_or_none(pair, parameters))


def split(groups: Groups, name: str, typed: str, parameters: Parameters) -> Groups:
    """The groups, one of them cut below the typed layer."""
    return grouping.split_group(
        groups, name, _whole(typed, "a layer's number"), count_layers(groups, parameters)
    )


def middle_layer(group: GroupSpec, parameters: Parameters) -> str:
    """The layer that a group would be cut at if nothing else is said; "" where it has no two."""
    try:
        layers = grouping.layers_of(group, count_layers((group,), parameters))
    except TunerError:
        return ""
    return str(layers[len(layers) // 2]) if len(layers) > 1 else ""


def regroup(groups: Groups, typed: str, parameters: Parameters) -> Groups:
    """All layers in groups of the typed size, or one rate that decays from layer to layer."""
    if typed.strip().lower() in ("decay", "ξ"):
        return layerwise(groups)
    size = _whole(typed, "a number of layers, or decay")
    return grouping.group_by_layers(groups, count_layers(groups, parameters), size)


def add(groups: Groups, typed: str, parameters: Parameters) -> tuple[Groups, str]:
    """The groups and a new one, with its name.

    `typed` is layers ("9-11"), a part ("embeddings") or parameter names and globs, perhaps with a
    name and "=" before them. The new group has the usual range. Raises TunerError.
    """
    name, equals, selector = (part.strip() for part in typed.rpartition("="))
    if not selector or (equals and not name):
        raise TunerError(f"nothing to put into the group: {ADD_EXAMPLE}")
    group = _selected(name, selector)
    if group.params is not None:
        groups = _without_names(groups, group, parameters)
    layers = _count_or_none(groups, parameters)
    if layers and group.layers is not None:
        _refuse_beyond(group.layers, layers)
    return grouping.add_group(groups, group, layers), group.name


def _refuse_beyond(expression: str, layers: int) -> None:
    named = parse_layers(expression)
    if isinstance(named, tuple) and max(named) >= layers:
        raise TunerError(f"there is no layer {max(named)}: the model has layers 0-{layers - 1}")


def _selected(name: str, selector: str) -> GroupSpec:
    if match := LAYERS.fullmatch(selector):
        layers = parse_layers(match[1].strip())
        expression = layer_expression(layers) if isinstance(layers, tuple) else match[1].strip()
        return GroupSpec(name or f"layers {expression}", USUAL, layers=expression)
    if selector in PARTS:
        return GroupSpec(name or selector, USUAL, part=selector)
    names = tuple(dict.fromkeys(part for part in re.split(r"[\s,]+", selector) if part))
    return GroupSpec(name or _name_for(names[0]), USUAL, params=names)


def _name_for(pattern: str) -> str:
    """A group's name from a parameter's: no dots, nothing that a glob adds."""
    return re.sub(r"[^\w-]+", " ", pattern.replace("*", " ")).strip() or "new group"


def _without_names(groups: Groups, group: GroupSpec, parameters: Parameters) -> Groups:
    """Groups by parts or names that lose what the new one takes, told by its remaining names.

    A group of layers would have to be told by hundreds of names; that is refused.
    """
    if parameters is None:
        return groups
    wanted = GroupSpec(group.name, group.lr, params=group.params)
    everything = GroupSpec("\0", 0.0, rest=True)
    taken = {p.name for p in resolve_groups((wanted, everything), parameters)[0].parameters}
    owners = {found.spec.name: found.parameters for found in resolve_groups(groups, parameters)}
    return tuple(
        left
        for spec in groups
        if (left := _less(spec, [p.name for p in owners.get(spec.name, ())], taken)) is not None
    )


def _less(spec: GroupSpec, held: list[str], taken: set[str]) -> GroupSpec | None:
    left = [name for name in held if name not in taken]
    if spec.rest or len(left) == len(held):
        return spec
    if not left:
        return None
    if len(left) > MOST_NAMES:
        raise TunerError(f"{len(held) - len(left)} of these are in {spec.name}: split that first")
    return replace(spec, part=None, layers=None, params=tuple(left))


def _count_or_none(groups: Groups, parameters: Parameters) -> int:
    """The number of layers where it is known, else 0: enough for edits without layers."""
    needs = any(group.layers is not None or group.part is not None for group in groups)
    return count_layers(groups, parameters) if needs else 0


def _whole(typed: str, what: str) -> int:
    if not typed.strip().isdecimal():
        raise TunerError(f"“{typed.strip()}” is not {what}")
    return int(typed)
