"""Which parameters of a model each layer group holds. The only place that decides this."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from tuner.errors import TunerError
from tuner.recipe.layers import LayerSlice, parse_layer_expression, resolve_layer_expression
from tuner.recipe.nearest import nearest_spelling, quote_value
from tuner.recipe.types import GroupSpec, Parameter, ResolvedGroup

PartName = Literal["embeddings", "layer", "pooler", "head"]

# ALBERT's shared layers are numbered by group; the first match wins, so that layers inside layers
# (T5's block.N.layer.M) count by the outer number.
_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?|albert_layer_groups)\.(\d+)(?:\.|$)")
_HEAD = re.compile(
    r"(?:^|\.)(?:classifier|classification_head|pre_classifier|score|head|lm_head|logits_proj|sequence_summary)"
    r"(?:\.|$)"
)
_POOLER = re.compile(r"(?:^|\.)pooler(?:\.|$)")
_EMBEDDING = re.compile(
    r"embed|(?:^|\.)(?:wte|wpe|shared|relative_attention_bias|mask_emb)(?:\.|$)"
)
_FINAL = re.compile(r"(?:^|\.)(?:final_\w*norm|final_layer_norm|ln_f|norm_f)(?:\.|$)")
_NAMES_SHOWN = 3


def part_of_parameter(name: str) -> tuple[PartName, int | None]:
    """Return the part of an encoder classifier that a parameter is in, and the index of its layer.

    Goes by the names that transformers gives. What all layers share outside of them (DeBERTa's
    `encoder.rel_embeddings`, `encoder.LayerNorm` and `encoder.conv`, ALBERT's
    `embedding_hidden_mapping_in`, MPNet's `relative_attention_bias`) counts as embeddings; norms
    after the last layer (ModernBERT's `final_norm`, GPT's `ln_f`) count as head, as does whatever
    is neither in an encoder nor known.
    """
    layer = _LAYER.search(name)
    if _HEAD.search(name[: layer.start()] if layer else name):
        return "head", None
    if layer:
        return "layer", int(layer[1])
    if _POOLER.search(name):
        return "pooler", None
    if _EMBEDDING.search(name):
        return "embeddings", None
    if _FINAL.search(name) or "encoder." not in name:
        return "head", None
    return "embeddings", None


def count_encoder_layers(parameters: Iterable[Parameter]) -> int:
    """Count the encoder layers; layers that share their weights count once."""
    indices = (part_of_parameter(parameter.name)[1] for parameter in parameters)
    return max((index for index in indices if index is not None), default=-1) + 1


def resolve_groups(
    groups: Sequence[GroupSpec], parameters: Sequence[Parameter]
) -> tuple[ResolvedGroup, ...]:
    """Return each group with its parameters, in the model's order, each in exactly one group.

    Left out of the result: slices of a shallow encoder that hold no layer (unless all are empty)
    and a rest that holds nothing. Raises TunerError, naming parameters, where one is in two groups
    or in none, and where a selector matches nothing.
    """
    names = [parameter.name for parameter in parameters]
    selected_names = {
        spec.name: _select_parameter_names(spec, names) for spec in groups if not spec.rest
    }
    owners: dict[str, list[str]] = {name: [] for name in names}
    for group, selected in selected_names.items():
        for name in selected:
            owners[name].append(group)
    _check_no_overlap(owners)
    unassigned = [name for name in names if not owners[name]]
    rest_group = next((spec for spec in groups if spec.rest), None)
    if rest_group is not None:
        owners |= {name: [rest_group.name] for name in unassigned}
    elif unassigned:
        raise TunerError(
            f"groups: {_describe_parameters(unassigned)} in no group; "
            "add a group with rest = true, or name them in one"
        )
    _check_not_all_empty(groups, selected_names)
    members = {spec.name: [p for p in parameters if spec.name in owners[p.name]] for spec in groups}
    return tuple(ResolvedGroup(s, tuple(members[s.name])) for s in groups if members[s.name])


def _check_no_overlap(owners: dict[str, list[str]]) -> None:
    shared = [name for name, groups in owners.items() if len(groups) > 1]
    if not shared:
        return
    both = owners[shared[0]]
    same = [name for name in shared if owners[name] == both]
    names = " and ".join(quote_value(name) for name in both[:2])
    raise TunerError(f"groups: {_describe_parameters(same)} in two groups: {names}")


def _check_not_all_empty(groups: Sequence[GroupSpec], selected_names: dict[str, list[str]]) -> None:
    slices = [
        s for s in groups if s.layers and isinstance(parse_layer_expression(s.layers), LayerSlice)
    ]
    if slices and not any(selected_names[spec.name] for spec in slices):
        raise TunerError(
            f"groups.{slices[0].name}.layers: {quote_value(slices[0].layers)} holds nothing: "
            "the model has no layers for any of these slices"
        )
    if not groups:
        raise TunerError("groups: there are no groups")


def _select_parameter_names(spec: GroupSpec, names: Sequence[str]) -> list[str]:
    if spec.layers is not None:
        return _names_in_layers(spec, spec.layers, names)
    if spec.params is not None:
        return _names_matching_globs(spec, spec.params, names)
    return _names_in_parts(spec, names)


def _names_in_layers(spec: GroupSpec, expression: str, names: Sequence[str]) -> list[str]:
    indices = [part_of_parameter(name)[1] for name in names]
    count = max((index for index in indices if index is not None), default=-1) + 1
    try:
        selected_layers = set(resolve_layer_expression(expression, count))
    except TunerError as error:
        raise TunerError(f"groups.{spec.name}.layers: {error}") from None
    return [name for name, index in zip(names, indices, strict=True) if index in selected_layers]


def _names_in_parts(spec: GroupSpec, names: Sequence[str]) -> list[str]:
    """Select by part: a single part must exist; of several, one must."""
    kinds = {"layer" if part == "layers" else part for part in spec.parts}
    matching_names = [name for name in names if part_of_parameter(name)[0] in kinds]
    if not matching_names:
        existing_parts = sorted(
            {part_of_parameter(name)[0].replace("layer", "layers") for name in names}
        )
        raise TunerError(
            f"groups.{spec.name}.part: the model has no {' or '.join(spec.parts)}; "
            f"it has {', '.join(existing_parts)}"
        )
    return matching_names


def _names_matching_globs(
    spec: GroupSpec, patterns: Sequence[str], names: Sequence[str]
) -> list[str]:
    matching_names: set[str] = set()
    for pattern in patterns:
        hits = [name for name in names if fnmatchcase(name, pattern)]
        if not hits:
            close = nearest_spelling(pattern, names)
            hint = (
                f"; did you mean {quote_value(close)}?"
                if close
                else "; `tuner groups` lists them all"
            )
            raise TunerError(
                f"groups.{spec.name}.params: {quote_value(pattern)} matches no parameter{hint}"
            )
        matching_names.update(hits)
    return [name for name in names if name in matching_names]


def _describe_parameters(names: Sequence[str]) -> str:
    """Write '3 parameters (a, b, c) are', with at most a few of them named."""
    first_names = ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
    return f"{len(names)} parameter{'s' if len(names) > 1 else ''} ({first_names}) " + (
        "are" if len(names) > 1 else "is"
    )
