"""Which parameters of a model each layer group holds. The only place that decides this."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from tuner.errors import TunerError
from tuner.recipe.layers import Slice, layer_indices, parse_layers
from tuner.recipe.nearest import nearest, show
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


def part_of(name: str) -> tuple[PartName, int | None]:
    """The part of an encoder classifier that a parameter belongs to, and its layer's index if any.

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


def layer_count(parameters: Iterable[Parameter]) -> int:
    """The number of encoder layers; layers that share their weights count once."""
    indices = (part_of(parameter.name)[1] for parameter in parameters)
    return max((index for index in indices if index is not None), default=-1) + 1


def resolve_groups(
    groups: Sequence[GroupSpec], parameters: Sequence[Parameter]
) -> tuple[ResolvedGroup, ...]:
    """The parameters of each group, in the model's order; every parameter is in exactly one group.

    Left out of the result: slices of a shallow encoder that hold no layer (unless all are empty)
    and a rest of nothing. Raises TunerError, naming parameters, where one is in two groups or in
    none, and where a selector matches nothing.
    """
    names = [parameter.name for parameter in parameters]
    taken = {spec.name: _selected(spec, names) for spec in groups if not spec.rest}
    owners: dict[str, list[str]] = {name: [] for name in names}
    for group, selected in taken.items():
        for name in selected:
            owners[name].append(group)
    _refuse_shared(owners)
    left = [name for name in names if not owners[name]]
    rest = next((spec for spec in groups if spec.rest), None)
    if rest is not None:
        owners |= {name: [rest.name] for name in left}
    elif left:
        raise TunerError(
            f"groups: {_some(left)} in no group; add a group with rest = true, or name them in one"
        )
    _refuse_empty(groups, taken)
    members = {spec.name: [p for p in parameters if spec.name in owners[p.name]] for spec in groups}
    return tuple(ResolvedGroup(s, tuple(members[s.name])) for s in groups if members[s.name])


def _refuse_shared(owners: dict[str, list[str]]) -> None:
    shared = [name for name, groups in owners.items() if len(groups) > 1]
    if not shared:
        return
    both = owners[shared[0]]
    same = [name for name in shared if owners[name] == both]
    raise TunerError(
        f"groups: {_some(same)} in two groups: {' and '.join(show(name) for name in both[:2])}"
    )


def _refuse_empty(groups: Sequence[GroupSpec], taken: dict[str, list[str]]) -> None:
    slices = [s for s in groups if s.layers and isinstance(parse_layers(s.layers), Slice)]
    if slices and not any(taken[spec.name] for spec in slices):
        raise TunerError(
            f"groups.{slices[0].name}.layers: {show(slices[0].layers)} holds nothing: "
            "the model has no layers for any of these slices"
        )
    if not groups:
        raise TunerError("groups: there are no groups")


def _selected(spec: GroupSpec, names: Sequence[str]) -> list[str]:
    if spec.layers is not None:
        return _in_layers(spec, spec.layers, names)
    if spec.params is not None:
        return _matching(spec, spec.params, names)
    return _in_parts(spec, names)


def _in_layers(spec: GroupSpec, expression: str, names: Sequence[str]) -> list[str]:
    indices = [part_of(name)[1] for name in names]
    count = max((index for index in indices if index is not None), default=-1) + 1
    try:
        wanted = set(layer_indices(expression, count))
    except TunerError as error:
        raise TunerError(f"groups.{spec.name}.layers: {error}") from None
    return [name for name, index in zip(names, indices, strict=True) if index in wanted]


def _in_parts(spec: GroupSpec, names: Sequence[str]) -> list[str]:
    """A single part must be there; of several, one must."""
    wanted = (spec.part,) if isinstance(spec.part, str) else spec.part or ()
    kinds = {"layer" if part == "layers" else part for part in wanted}
    found = [name for name in names if part_of(name)[0] in kinds]
    if not found:
        there = sorted({part_of(name)[0].replace("layer", "layers") for name in names})
        raise TunerError(
            f"groups.{spec.name}.part: the model has no {' or '.join(wanted)}; "
            f"it has {', '.join(there)}"
        )
    return found


def _matching(spec: GroupSpec, patterns: Sequence[str], names: Sequence[str]) -> list[str]:
    found: set[str] = set()
    for pattern in patterns:
        hits = [name for name in names if fnmatchcase(name, pattern)]
        if not hits:
            close = nearest(pattern, names)
            hint = f"; did you mean {show(close)}?" if close else "; `tuner groups` lists them all"
            raise TunerError(
                f"groups.{spec.name}.params: {show(pattern)} matches no parameter{hint}"
            )
        found.update(hits)
    return [name for name in names if name in found]


def _some(names: Sequence[str]) -> str:
    """'3 parameters (a, b, c) are', at most a few of them named."""
    shown = ", ".join(names[:_NAMES_SHOWN]) + (", …" if len(names) > _NAMES_SHOWN else "")
    return f"{len(names)} parameter{'s' if len(names) > 1 else ''} ({shown}) " + (
        "are" if len(names) > 1 else "is"
    )
