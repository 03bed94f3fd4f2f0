"""Layer expressions: "0-5", "3", "0-2,9" by index, or "2/4" for the second of four equal slices."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value

_SLICE = re.compile(r"\s*(\d+)\s*/\s*(\d+)\s*")
_SPAN = re.compile(r"\s*(\d+)(?:\s*[-–]\s*(\d+))?\s*")
_FORM = 'write "0-5", "3", "0-2,9", or "2/4" for the second of four equal slices'


@dataclass(frozen=True, slots=True)
class LayerSlice:
    """The `number`-th (from 1) of `of` equal slices of an encoder."""

    number: int
    slice_count: int

    def layers_in_slice(self, layer_count: int) -> tuple[int, ...]:
        """Return the layers of this slice; () if the encoder has fewer layers than slices."""
        start, end = (
            (self.number - 1) * layer_count // self.slice_count,
            self.number * layer_count // self.slice_count,
        )
        return tuple(range(start, end))


def parse_layer_expression(expression: str) -> LayerSlice | tuple[int, ...]:
    """Parse a layer expression into a slice or sorted indices; TunerError if it is neither."""
    if match := _SLICE.fullmatch(expression):
        number, slice_count = int(match[1]), int(match[2])
        if not 1 <= number <= slice_count:
            raise TunerError(
                f"{quote_value(expression)} is not a slice: the first of four is 1/4, the last 4/4"
            )
        return LayerSlice(number, slice_count)
    indices: set[int] = set()
    for part in expression.split(","):
        indices |= _parse_layer_span(part, expression, indices)
    return tuple(sorted(indices))


def _parse_layer_span(part: str, expression: str, used_layers: set[int]) -> set[int]:
    match = _SPAN.fullmatch(part)
    if match is None:
        raise TunerError(f"{quote_value(expression)} is not a layer expression; {_FORM}")
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first or last > 10_000:
        raise TunerError(
            f"{quote_value(expression)} is not a layer expression: {first} to {last}; {_FORM}"
        )
    span = set(range(first, last + 1))
    if span & used_layers:
        raise TunerError(f"{quote_value(expression)} names layer {min(span & used_layers)} twice")
    return span


def resolve_layer_expression(expression: str, layer_count: int) -> tuple[int, ...]:
    """Return the layers of an expression; TunerError if the encoder has fewer."""
    parsed = parse_layer_expression(expression)
    if isinstance(parsed, LayerSlice):
        return parsed.layers_in_slice(layer_count)
    if parsed[-1] >= layer_count:
        several = f"layers 0-{layer_count - 1}" if layer_count > 1 else "only layer 0"
        has = several if layer_count else "no numbered layers"
        raise TunerError(f"there is no layer {parsed[-1]}: the model has {has}")
    return parsed


def format_layer_expression(indices: Iterable[int]) -> str:
    """Write the shortest expression for these layers: {0, 1, 2, 9} is "0-2,9"."""
    spans: list[list[int]] = []
    for index in sorted(set(indices)):
        if spans and index == spans[-1][1] + 1:
            spans[-1][1] = index
        else:
            spans.append([index, index])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
