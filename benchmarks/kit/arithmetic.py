"""How much arithmetic a training step needs, from the model's configuration alone."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

_IN_A_LAYER = re.compile(r"\.\d+\.")
_FORWARD_AND_BACKWARD = 6
_ATTENTION = 12


@dataclass(frozen=True)
class Shape:
    """What the arithmetic follows from: matrix elements per token and per row, and widths."""

    layers: int
    hidden: int
    intermediate: int
    per_token: int
    per_row: int
    parameters: int

    def flop_of_rows(self, lengths: Sequence[int]) -> float:
        """Forward and backward of rows of these lengths, without any padding.

        Six operations a matrix element and token; pooler and head once a row; the two products
        of attention, 12 × layers × hidden × length². The same count for every contender, whatever
        it saves or wastes.
        """
        products = self.per_token * sum(lengths) + self.per_row * len(lengths)
        squares = sum(length * length for length in lengths)
        attention = _ATTENTION * self.layers * self.hidden * squares
        return float(_FORWARD_AND_BACKWARD * products + attention)


def shape_of(model: str, classes: int) -> Shape:
    """Return the shape of a model folder with a head of so many classes; load no weights."""
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    config = AutoConfig.from_pretrained(model, num_labels=classes)
    with torch.device("meta"):
        built = AutoModelForSequenceClassification.from_config(config)
    linear = {
        name: module.weight.numel()
        for name, module in built.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    inside = {name for name in linear if _IN_A_LAYER.search(name)}
    return Shape(
        layers=int(config.num_hidden_layers),
        hidden=int(config.hidden_size),
        intermediate=int(config.intermediate_size),
        per_token=sum(linear[name] for name in inside),
        per_row=sum(size for name, size in linear.items() if name not in inside),
        parameters=sum(parameter.numel() for parameter in built.parameters()),
    )


def lengths_of(
    model: str, rows: Sequence[dict[str, str]], pair: bool, max_length: int
) -> list[int]:
    """Tokens of each row, special ones included."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model)
    columns = [[row[column] for row in rows] for column in ("text", "second")[: 1 + pair]]
    encoded = tokenizer(*columns, truncation=True, max_length=max_length)
    return [len(ids) for ids in encoded["input_ids"]]
