"""The checkpoint's classifier and the data's labels: which of its rows stands for which label."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tuner.training.listing import quote_first

_UNNAMED = re.compile(r"LABEL_(\d+)")


@dataclass(frozen=True, slots=True)
class HeadShape:
    """The tensors outside the encoder of a model of class `owner`: their shapes by name.

    `by_label` holds those with a row for each label, and the axis of these rows.
    """

    owner: str
    shapes: dict[str, torch.Size]
    by_label: dict[str, int]


@dataclass(frozen=True, slots=True)
class HeadMatch:
    """The checkpoint's row for each of the data's labels, in their order; None: newly initialised.

    `reason` says by what the rows were matched, or why the head is initialised anew.
    """

    rows: tuple[int, ...] | None
    reason: str
    checkpoint_has_head: bool = True


def find_head_shape(model: nn.Module, model_of_one_more: nn.Module) -> HeadShape:
    """Find the head without knowing the architecture: of two models, the other has a label more.

    A pooler counts as head wherever it is: checkpoints of language models come without one.
    """
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    larger = {name: tensor.shape for name, tensor in model_of_one_more.state_dict().items()}
    by_label = {
        name: _axis_that_differs(shape, larger[name])
        for name, shape in shapes.items()
        if shape != larger[name]
    }
    body = encoder_prefix(model)
    tops = {name.split(".")[0] for name in by_label}
    outside = {
        name: shape
        for name, shape in shapes.items()
        if is_pooler_tensor(name, body)
        or (not name.startswith(body) if body else name.split(".")[0] in tops)
    }
    return HeadShape(type(model).__name__, outside, by_label)


def encoder_prefix(model: Any) -> str:
    """Return what the names of the encoder's tensors begin with, "" where that cannot be known."""
    base = str(getattr(model, "base_model_prefix", ""))
    return f"{base}." if base and hasattr(model, base) else ""


def is_pooler_tensor(name: str, body: str) -> bool:
    """Return whether a tensor is in the module between last hidden states and classifier."""
    return name.removeprefix(body).split(".")[0].endswith("pooler")


def _axis_that_differs(shape: torch.Size, larger_shape: torch.Size) -> int:
    return next(
        axis for axis, pair in enumerate(zip(shape, larger_shape, strict=True)) if len({*pair}) > 1
    )


def match_checkpoint_head(
    own_config: Any, labels: Sequence[str], head: HeadShape, tensors: dict[str, Tensor]
) -> HeadMatch:
    """Match the checkpoint's classifier with the data's labels, by their names alone.

    `own_config` is the checkpoint's configuration as it came, `tensors` are those of its files.
    """
    if head.by_label.keys().isdisjoint(tensors):
        return HeadMatch(None, "the checkpoint has no classifier", checkpoint_has_head=False)
    reason = _why_head_is_unusable(own_config, head, tensors)
    if reason is not None:
        return HeadMatch(None, reason)
    names = checkpoint_label_names(own_config)
    counts = {tensors[name].shape[axis] for name, axis in head.by_label.items()}
    if counts != {len(names)}:
        sizes = " and ".join(map(str, sorted(counts)))
        return HeadMatch(
            None, f"its classifier has {sizes} rows, its config.json {len(names)} labels"
        )
    return match_head_labels(names, labels)


def _why_head_is_unusable(
    own_config: Any, head: HeadShape, tensors: dict[str, Tensor]
) -> str | None:
    classes = [str(name) for name in getattr(own_config, "architectures", None) or []]
    if classes and not any(n == head.owner or "SequenceClassification" in n for n in classes):
        return f"its classifier belongs to a {classes[0]}"
    if _is_built_otherwise(head, tensors):
        return "its classifier is built differently"
    if getattr(own_config, "problem_type", None) == "regression" or own_config.num_labels == 1:
        return "it predicts a number, not labels"
    return None


def _is_built_otherwise(head: HeadShape, tensors: dict[str, Tensor]) -> bool:
    """Return whether the head differs from the model's in any tensor.

    Rows of a classifier mean something only together with all layers that they were trained with.
    """
    modules = {name.rpartition(".")[0] for name in head.by_label}
    inside = {name for name in tensors if name.rpartition(".")[0] in modules}
    before = {name: shape for name, shape in head.shapes.items() if name not in head.by_label}
    return inside != head.by_label.keys() or any(
        name not in tensors or tensors[name].shape != shape for name, shape in before.items()
    )


def checkpoint_label_names(config: Any) -> list[str]:
    """Return a configuration's label names in the order of its classifier's rows."""
    names = [str(config.id2label[number]) for number in sorted(config.id2label)]
    if not all(_UNNAMED.fullmatch(name) for name in names):
        return names
    numbers = {int(number): str(name) for name, number in (config.label2id or {}).items()}
    complete = len(config.label2id) == len(names) and sorted(numbers) == list(range(len(names)))
    return [numbers[number] for number in sorted(numbers)] if complete else names


def match_head_labels(head_names: Sequence[str], labels: Sequence[str]) -> HeadMatch:
    """Match by names as they stand, else regardless of case, blanks and underscores.

    Names that nobody gave (LABEL_0, LABEL_1) stand for the numbers 0, 1 and for nothing else.
    """
    numbers = [match[1] for match in map(_UNNAMED.fullmatch, head_names) if match]
    unnamed = len(numbers) == len(head_names)
    ways: list[tuple[str, Sequence[str], Callable[[str], str]]] = [
        ("matched by label names", head_names, str),
        ("matched by label names, ignoring case and blanks", head_names, loose_label_name),
        ("matched by number (LABEL_0 is 0)", numbers if unnamed else [], str),
    ]
    for how, names, key in ways:
        rows = _head_rows_for_labels(key, names, labels)
        if rows is not None:
            return HeadMatch(rows, how + _describe_row_order(head_names, rows))
    if unnamed:
        return HeadMatch(
            None,
            f"its classes have no names ({quote_first(head_names)}), so they cannot be matched "
            f"with {quote_first(labels)}; with id2label in its config.json it would be kept",
        )
    numbered = all(label.isdecimal() for label in labels)
    hint = "; data.label_names gives numbers their names" if numbered else ""
    return HeadMatch(
        None,
        f"its labels ({quote_first(head_names)}) are not the data's ({quote_first(labels)}){hint}",
    )


def _head_rows_for_labels(
    key: Callable[[str], str], names: Sequence[str], labels: Sequence[str]
) -> tuple[int, ...] | None:
    keys, label_keys = [key(name) for name in names], [key(label) for label in labels]
    counts = Counter(keys)
    if len(set(label_keys)) < len(label_keys) or any(counts[name] != 1 for name in label_keys):
        return None
    return tuple(keys.index(name) for name in label_keys)


def loose_label_name(name: str) -> str:
    """Normalise a label's case, Unicode form, blanks, underscores and hyphens."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\s_-]+", " ", folded).strip()


def _describe_row_order(head_names: Sequence[str], rows: tuple[int, ...]) -> str:
    if len(rows) < len(head_names):
        return f" ({len(rows)} of its {len(head_names)})"
    return (
        ""
        if rows == tuple(range(len(head_names)))
        else f" (its own order is {quote_first(head_names)})"
    )


def reorder_head_rows(
    tensors: dict[str, Tensor], head: HeadShape, match: HeadMatch
) -> dict[str, Tensor]:
    """Put the classifier's rows in the data's order, or leave the classifier out."""
    if match.rows is None:
        return {name: tensor for name, tensor in tensors.items() if name not in head.by_label}
    rows = torch.tensor(match.rows)
    return tensors | {
        name: tensors[name].index_select(axis, rows) for name, axis in head.by_label.items()
    }
