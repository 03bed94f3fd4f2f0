"""A checkpoint's weights in a model for the data's labels, and a report of what became of them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tuner.errors import TunerError
from tuner.recipe.findings import LoadingReport
from tuner.training.heads import (
    HeadMatch,
    HeadShape,
    encoder_prefix,
    find_head_shape,
    is_pooler_tensor,
    match_checkpoint_head,
    reorder_head_rows,
)
from tuner.training.listing import list_first
from tuner.training.misfits import Misfits, explain_misfits
from tuner.training.model import (
    ModelSource,
    build_empty_model,
    checkpoint_config,
    explain_load_errors,
)
from tuner.training.weight_files import checkpoint_tensors, strip_wrappers

_BUFFERS = ("position_ids", "token_type_ids", "inv_freq", "masked_bias")
_MATRIX = 2


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """The model in fp32 on the CPU; `fresh` names the tensors that the checkpoint does not have."""

    model: nn.Module
    fresh: set[str]
    report: LoadingReport


def load_model_weights(source: ModelSource, config: Any) -> LoadedModel:
    """Load a model for the labels of `config`, its classifier matched by their names.

    Raises TunerError where anything outside the head is missing, unknown or of another shape.
    """
    shape = build_empty_model(source, config)
    head = find_head_shape(shape, build_empty_model(source, _config_with_one_more_label(config)))
    body = encoder_prefix(shape)
    with explain_load_errors(source, "weights"):
        tensors = checkpoint_tensors(source)
        tensors, prefix = strip_wrappers(tensors, shape.state_dict().keys(), body)
        match = match_checkpoint_head(
            checkpoint_config(source), _labels_of_config(config), head, tensors
        )
        state_dict = reorder_head_rows(tensors, head, match)
        model, info = type(shape).from_pretrained(  # type: ignore[attr-defined]
            None,
            config=config,
            state_dict=state_dict,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    misfits = _misfits_outside_head(info, shape, head, tensors)
    if misfits:
        raise TunerError(f"model.name: {source.name}: {explain_misfits(misfits, shape, tensors)}")
    _refuse_not_finite(model, source)
    fresh = set(info["missing_keys"]) | set(_mismatched_shapes(info))
    left_out = [name for name in tensors if name in info["unexpected_keys"]]
    loaded = len(shape.state_dict().keys() - fresh)
    return LoadedModel(
        model, fresh, _build_loading_report(loaded, prefix, left_out, fresh, head, match)
    )


def _refuse_not_finite(model: nn.Module, source: ModelSource) -> None:
    wrong = [n for n, tensor in model.named_parameters() if not bool(tensor.isfinite().all())]
    if wrong:
        counted = "1 tensor holds" if len(wrong) == 1 else f"{len(wrong)} tensors hold"
        raise TunerError(
            f"model.name: {source.name}: {counted} values that are not finite (nan or infinite), "
            f"the first is {wrong[0]}: the checkpoint is damaged"
        )


def _config_with_one_more_label(config: Any) -> Any:
    larger = copy.deepcopy(config)
    larger.num_labels = config.num_labels + 1
    return larger


def _labels_of_config(config: Any) -> list[str]:
    return [str(config.id2label[number]) for number in range(config.num_labels)]


def _mismatched_shapes(info: dict[str, Any]) -> dict[str, tuple[Sequence[int], Sequence[int]]]:
    """Return (shape in the file, shape in the model) of tensors where they differ."""
    return {name: (in_file, in_model) for name, in_file, in_model in info["mismatched_keys"]}


def _misfits_outside_head(
    info: dict[str, Any], shape: nn.Module, head: HeadShape, tensors: dict[str, Tensor]
) -> Misfits:
    """Collect what does not fit outside of the head."""
    mismatched = _mismatched_shapes(info)
    encoder_names = shape.state_dict().keys() - head.shapes.keys()
    return Misfits(
        missing=sorted(set(info["missing_keys"]) - head.shapes.keys()),
        unknown=sorted(
            _names_in_body(info["unexpected_keys"], encoder_names, encoder_prefix(shape), tensors)
        ),
        mismatched={n: mismatched[n] for n in sorted(mismatched.keys() - head.shapes.keys())},
    )


def _names_in_body(
    names: Iterable[str], encoder_names: Iterable[str], body: str, tensors: dict[str, Tensor]
) -> list[str]:
    """Return those of the checkpoint's tensors that would belong among `encoder_names`.

    The others belong to heads that a classifier has no use for, or are buffers that once were
    saved.
    """
    tops = {name.removeprefix(body).split(".")[0] for name in encoder_names}
    all_have_prefix = body and any(name.startswith(body) for name in tensors)

    def is_in_body(name: str) -> bool:
        if is_pooler_tensor(name, body) or _is_saved_buffer(name, tensors.get(name)):
            return False
        if all_have_prefix and not name.startswith(body):
            return False
        return name.removeprefix(body).split(".")[0] in tops

    return [name for name in names if is_in_body(name)]


def _is_saved_buffer(name: str, tensor: Tensor | None) -> bool:
    """Return whether it is a mask, a position or a frequency, which older versions saved."""
    last = name.rpartition(".")[2]
    if last in _BUFFERS or tensor is None:
        return last in _BUFFERS
    return not tensor.is_floating_point() or (last == "bias" and tensor.ndim > _MATRIX)


def _build_loading_report(
    loaded: int,
    prefix: str,
    left_out: Sequence[str],
    fresh: set[str],
    head: HeadShape,
    match: HeadMatch,
) -> LoadingReport:
    weights = f"weights: {loaded} tensors from the checkpoint{_describe_extras(prefix, left_out)}"
    line = f"head: {_describe_head_fate(fresh, head, match)}"
    dropped = match.rows is None and match.checkpoint_has_head
    return LoadingReport(
        loaded=loaded,
        fresh=sorted(fresh),
        left_out=len(left_out),
        prefix=prefix,
        head="dropped" if dropped else "drawn" if match.rows is None else "kept",
        lines=[weights] if dropped else [weights, line],
        warnings=[line] if dropped else [],
    )


def _describe_head_fate(fresh: set[str], head: HeadShape, match: HeadMatch) -> str:
    if match.rows is not None:
        return f"kept from the checkpoint, its rows {match.reason}"
    kept_modules = _join_module_names(head.shapes.keys() - fresh)
    before = f"; {kept_modules} before it comes from the checkpoint" if kept_modules else ""
    return f"{_join_module_names(fresh)} initialised anew for every trial: {match.reason}{before}"


def _describe_extras(prefix: str, left_out: Sequence[str]) -> str:
    stripped = f', without the prefix "{prefix}" of their names' if prefix else ""
    if not left_out:
        return stripped
    tops = sorted({name.split(".")[0] for name in left_out})
    listed = list_first(tops)
    return f"{stripped}; {len(left_out)} that a classifier does not need are left out ({listed})"


def _join_module_names(names: Iterable[str]) -> str:
    """Name the modules that hold these tensors: `bert.pooler.dense and classifier`."""
    modules = sorted({name.rpartition(".")[0] or name for name in names})
    return " and ".join(modules)
