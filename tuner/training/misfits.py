"""Weights that do not fit their configuration: how many, and the likely reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from tuner.recipe.groups import count_encoder_layers, part_of_parameter
from tuner.recipe.types import Parameter
from tuner.training.heads import encoder_prefix

_ADAPTED = re.compile(r"\.(?:lora_\w+|base_layer|adapters?|modules_to_save)\.")
_QUANTIZED = re.compile(r"\.(?:qweight|qzeros|scales|absmax|quant_state\S*|SCB|weight_scale)$")


@dataclass(frozen=True, slots=True)
class Misfits:
    """Tensors by name; `mismatched` has their shapes in the file and by the configuration."""

    missing: Sequence[str]
    unknown: Sequence[str]
    mismatched: Mapping[str, tuple[Sequence[int], Sequence[int]]]

    def __bool__(self) -> bool:
        return bool(self.missing or self.unknown or self.mismatched)


def explain_misfits(misfits: Misfits, model: Any, tensors: Mapping[str, Tensor]) -> str:
    """Say in one line how many there are, with an example each, and the likely reason."""
    counts = []
    total = len(model.state_dict())
    if misfits.missing:
        counts.append(f"missing {len(misfits.missing)} of {total} tensors ({misfits.missing[0]})")
    if misfits.unknown:
        counts.append(f"unknown to the model {len(misfits.unknown)} ({misfits.unknown[0]})")
    for name, (in_file, by_config) in list(misfits.mismatched.items())[:1]:
        sizes = f"{_format_shape(in_file)} in the file, {_format_shape(by_config)} by config.json"
        counts.append(f"of another shape {len(misfits.mismatched)} ({name}: {sizes})")
    return f"its weights do not fit: {', '.join(counts)}; {_likely_reason(misfits, model, tensors)}"


def _format_shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape))


def _likely_reason(misfits: Misfits, model: Any, tensors: Mapping[str, Tensor]) -> str:
    reasons = (
        _adapter_reason(tensors),
        _quantized_reason(tensors),
        _vocabulary_reason(misfits, model),
        _layer_count_reason(misfits, model, tensors),
        _prefix_reason(misfits, model, tensors),
        _architecture_reason(misfits, model),
    )
    reason = next(filter(None, reasons), None)
    return reason or "save configuration and weights once more, together (save_pretrained)"


def _adapter_reason(tensors: Mapping[str, Tensor]) -> str | None:
    if any(_ADAPTED.search(f".{name}.") for name in tensors):
        return "they hold an adapter (PEFT): save the model after merge_and_unload()"
    return None


def _quantized_reason(tensors: Mapping[str, Tensor]) -> str | None:
    if any(_QUANTIZED.search(name) for name in tensors):
        return "they are quantized: use the model that they were made from"
    return None


def _vocabulary_reason(misfits: Misfits, model: Any) -> str | None:
    embeddings = model.get_input_embeddings()
    names = [name for name, p in model.named_parameters() if p is embeddings.weight]
    shapes = next((misfits.mismatched[n] for n in names if n in misfits.mismatched), None)
    if shapes is None or shapes[0][1:] != shapes[1][1:] or misfits.missing or misfits.unknown:
        return None
    return (
        f"the file has embeddings of {shapes[0][0]} tokens, config.json says {shapes[1][0]} "
        "(vocab_size): save the model once more after resize_token_embeddings()"
    )


def _layer_count_reason(misfits: Misfits, model: Any, tensors: Mapping[str, Tensor]) -> str | None:
    """Explain the misfits where they are whole layers at the end, missing or too many."""
    odd = [*misfits.missing, *misfits.unknown]
    body = encoder_prefix(model)
    in_file, by_config = (
        count_encoder_layers(_parameters_named(n)) for n in (tensors, model.state_dict())
    )
    first = min(in_file, by_config)
    if misfits.mismatched or in_file == by_config or not in_file:
        return None
    if any((part_of_parameter(f"{body}{n.removeprefix(body)}")[1] or 0) < first for n in odd):
        return None
    return (
        f"the file holds {in_file} layers, config.json says {by_config} (num_hidden_layers); "
        "one of the two is wrong"
    )


def _parameters_named(names: Iterable[str]) -> list[Parameter]:
    return [Parameter(name, ()) for name in names]


def _prefix_reason(misfits: Misfits, model: nn.Module, tensors: Mapping[str, Tensor]) -> str | None:
    """Explain the misfits where the missing tensors are there under an unknown prefix."""
    body = encoder_prefix(model)
    missing = {name.removeprefix(body) for name in misfits.missing}
    prefixes = Counter(
        name.removesuffix(end)
        for name in tensors
        for end in _dotted_suffixes(name)
        if end in missing and end != name
    )
    likely = [prefix for prefix, count in prefixes.items() if 2 * count > len(missing)]
    if not likely:
        return None
    more = " or ".join(f'"{prefix}"' for prefix in sorted(likely))
    instead = f' instead of "{body}"' if body else ""
    return f"they are there under {more}{instead}: save that part alone (save_pretrained)"


def _dotted_suffixes(name: str) -> Iterable[str]:
    parts = name.split(".")
    return (".".join(parts[start:]) for start in range(len(parts)))


def _architecture_reason(misfits: Misfits, model: Any) -> str | None:
    most_are_missing = 2 * len(misfits.missing) > len(model.state_dict())
    if most_are_missing or (misfits.missing and misfits.unknown):
        return (
            f"config.json says model_type {model.config.model_type}, "
            "the weights seem to be of another model or of another version of it"
        )
    if misfits.mismatched and not misfits.missing:
        return "config.json is of a model of another size"
    return None
