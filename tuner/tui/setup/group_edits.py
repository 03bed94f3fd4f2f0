"""What is typed in the group editor, as edits of `recipe.grouping`."""

from __future__ import annotations

import re
from dataclasses import replace

from tuner.errors import TunerError
from tuner.recipe import grouping
from tuner.recipe.groups import count_encoder_layers, resolve_groups
from tuner.recipe.key_parsers import PARTS
from tuner.recipe.layers import format_layer_expression, parse_layer_expression
from tuner.recipe.rates import group_rate_setting, rate_without_tie
from tuner.recipe.types import FROZEN, GroupSpec, Parameter, Range, Setting, TiedRate
from tuner.tui.setup.range_steps import USUAL_RANGE

Groups = tuple[GroupSpec, ...]
Parameters = tuple[Parameter, ...] | None
MOST_NAMES = 8
USUAL_DECAY = Range(0.75, 1.0)
USUAL_TIMES = Range(1.0, 100.0, "log")
"""What a decay and a head's factor are searched in where nobody said otherwise: preset llrd."""
LAYERS = re.compile(r"(?:layers?\s+)?(\d[\d\s,/–-]*)", re.IGNORECASE)
ADD_EXAMPLE = "write 9-11, embeddings, classifier.*, or NAME = 9-11"


def selector_text(group: GroupSpec) -> str:
    """Describe in words which parameters a group takes."""
    if group.layers is not None:
        return f"layers {group.layers}"
    if group.params is not None:
        return " ".join(group.params)
    if group.rest:
        return "all that no other group takes"
    return " + ".join("all layers" if part == "layers" else part for part in group.parts)


def count_layers_in_groups(groups: Groups, parameters: Parameters) -> int:
    """Count the encoder's layers: the model's, or until it is read the highest that a group names.

    Raises TunerError where that says nothing.
    """
    if parameters is not None:
        return count_encoder_layers(parameters)
    named = [parse_layer_expression(group.layers) for group in groups if group.layers is not None]
    whole = any("layers" in group.parts for group in groups)
    if whole or not named or not all(isinstance(layers, tuple) for layers in named):
        raise TunerError("the number of layers is unknown until the model is read")
    return 1 + max(index for layers in named if isinstance(layers, tuple) for index in layers)


def has_tied_rate(group: GroupSpec) -> bool:
    return isinstance(group.lr, TiedRate) or group.layer_decay is not None


def untie_group(groups: Groups, group: GroupSpec) -> Groups:
    """Give a group a single rate of its own."""
    untied = grouping.set_group_rate(groups, group.name, rate_without_tie(groups, group))
    return grouping.set_layer_decay(untied, group.name, None)


def usual_tie_text(groups: Groups, group: GroupSpec) -> str:
    """Return the proposed text for a tie: layers decay, other groups follow them."""
    if _holds_layers(group):
        return "decay 0.8..1"
    independent_groups = [
        candidate
        for candidate in groups
        if not isinstance(candidate.lr, TiedRate) and candidate is not group
    ]
    layered = [candidate for candidate in independent_groups if _holds_layers(candidate)]
    targets = layered or independent_groups
    return f"like {targets[-1].name} x 1..100" if targets else ""


def _holds_layers(group: GroupSpec) -> bool:
    return group.layers is not None or "layers" in group.parts


def group_whole_body(groups: Groups) -> Groups:
    """Make one group of the whole body, its rate decaying by layer, and tie the others to it.

    Frozen groups stay frozen.
    """
    body = [group for group in groups if group.selects_body]
    for group in body:
        if not {"embeddings", "layers"}.issuperset(group.parts):
            raise TunerError(
                f"{group.name} holds more than the body: give its parts groups of their own"
            )
    rated = [group_rate_setting(groups, group) for group in body]
    rate = next((lr for lr in reversed(rated) if lr != FROZEN), USUAL_RANGE)
    others = tuple(group for group in groups if group not in body)
    names = {group.name for group in others}
    name = "body" if "body" not in names else "whole body"
    body_group = GroupSpec(name, rate, part=("embeddings", "layers"), layer_decay=USUAL_DECAY)
    return (body_group, *(_tie_to_group(group, name) for group in others))


def _tie_to_group(group: GroupSpec, name: str) -> GroupSpec:
    if group.lr == FROZEN:
        return group
    times: Setting = 1.0 if group.rest else USUAL_TIMES
    return replace(group, lr=TiedRate(name, times), layer_decay=None)


def merge_with_next(groups: Groups, name: str, parameters: Parameters) -> Groups:
    names = [group.name for group in groups]
    next_index = names.index(name) + 1
    if next_index == len(names):
        raise TunerError(f"{name} is the last group: there is no next one to merge it with")
    pair = (groups[next_index - 1], groups[next_index])
    return grouping.merge_groups(groups, name, names[next_index], _count_or_none(pair, parameters))


def split_at_layer(groups: Groups, name: str, typed: str, parameters: Parameters) -> Groups:
    """Cut one group below the typed layer."""
    return grouping.split_group_at_layer(
        groups,
        name,
        _parse_whole_number(typed, "a layer's number"),
        count_layers_in_groups(groups, parameters),
    )


def middle_layer_text(group: GroupSpec, parameters: Parameters) -> str:
    """Return the proposed layer to split a group at; "" where it has fewer than two."""
    try:
        layers = grouping.layers_of_group(group, count_layers_in_groups((group,), parameters))
    except TunerError:
        return ""
    return str(layers[len(layers) // 2]) if len(layers) > 1 else ""


def regroup_layers(groups: Groups, typed: str, parameters: Parameters) -> Groups:
    """Group all layers by the typed size, or make one rate that decays from layer to layer."""
    if typed.strip().lower() in ("decay", "ξ"):
        return group_whole_body(groups)
    size = _parse_whole_number(typed, "a number of layers, or decay")
    return grouping.regroup_layers_by_size(groups, count_layers_in_groups(groups, parameters), size)


def add_group_from_text(groups: Groups, typed: str, parameters: Parameters) -> tuple[Groups, str]:
    """Add a group as typed; return the groups and the new one's name.

    `typed` is layers ("9-11"), a part ("embeddings") or parameter names and globs, perhaps with a
    name and "=" before them. The new group has the usual range. Raises TunerError.
    """
    name, equals, selector = (part.strip() for part in typed.rpartition("="))
    if not selector or (equals and not name):
        raise TunerError(f"nothing to put in the group: {ADD_EXAMPLE}")
    group = _group_from_selector(name, selector)
    if group.params is not None:
        groups = _remove_selected_names(groups, group, parameters)
    layers = _count_or_none(groups, parameters)
    if layers and group.layers is not None:
        _refuse_beyond(group.layers, layers)
    return grouping.insert_group(groups, group, layers), group.name


def _refuse_beyond(expression: str, layers: int) -> None:
    named = parse_layer_expression(expression)
    if isinstance(named, tuple) and max(named) >= layers:
        raise TunerError(f"there is no layer {max(named)}: the model has layers 0-{layers - 1}")


def _group_from_selector(name: str, selector: str) -> GroupSpec:
    if match := LAYERS.fullmatch(selector):
        layers = parse_layer_expression(match[1].strip())
        expression = (
            format_layer_expression(layers) if isinstance(layers, tuple) else match[1].strip()
        )
        return GroupSpec(name or f"layers {expression}", USUAL_RANGE, layers=expression)
    if selector in PARTS:
        return GroupSpec(name or selector, USUAL_RANGE, part=selector)
    names = tuple(dict.fromkeys(part for part in re.split(r"[\s,]+", selector) if part))
    return GroupSpec(name or _name_from_pattern(names[0]), USUAL_RANGE, params=names)


def _name_from_pattern(pattern: str) -> str:
    """Make a group's name from a parameter pattern: no dots, no glob characters."""
    return re.sub(r"[^\w-]+", " ", pattern.replace("*", " ")).strip() or "new group"


def _remove_selected_names(groups: Groups, group: GroupSpec, parameters: Parameters) -> Groups:
    """Take the new group's parameters away from the others, which then list the names they keep.

    A group of layers would have to list hundreds of names; that is refused.
    """
    if parameters is None:
        return groups
    selection = GroupSpec(group.name, group.lr, params=group.params)
    everything = GroupSpec("\0", 0.0, rest=True)
    selected_names = {
        p.name for p in resolve_groups((selection, everything), parameters)[0].parameters
    }
    owners = {
        resolved.spec.name: resolved.parameters for resolved in resolve_groups(groups, parameters)
    }
    return tuple(
        remaining_group
        for spec in groups
        if (
            remaining_group := _group_without_names(
                spec, [p.name for p in owners.get(spec.name, ())], selected_names
            )
        )
        is not None
    )


def _group_without_names(
    spec: GroupSpec, names: list[str], removed_names: set[str]
) -> GroupSpec | None:
    remaining_names = [name for name in names if name not in removed_names]
    if spec.rest or len(remaining_names) == len(names):
        return spec
    if not remaining_names:
        return None
    if len(remaining_names) > MOST_NAMES:
        raise TunerError(
            f"{len(names) - len(remaining_names)} of these are in {spec.name}: split it first"
        )
    return replace(spec, part=None, layers=None, params=tuple(remaining_names))


def _count_or_none(groups: Groups, parameters: Parameters) -> int:
    """Return the number of layers where the groups need it, else 0."""
    needs = any(group.layers is not None or group.part is not None for group in groups)
    return count_layers_in_groups(groups, parameters) if needs else 0


def _parse_whole_number(typed: str, what: str) -> int:
    if not typed.strip().isdecimal():
        raise TunerError(f"“{typed.strip()}” is not {what}")
    return int(typed)
