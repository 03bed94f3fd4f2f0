"""Values as TOML text, written the way people write recipes: 1e-6 rather than 1e-06."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit

from tuner.recipe.numbers import shorten_exponent
from tuner.recipe.types import Choices, Range, Scale, TiedRate


def format_toml_value(value: Any, default_scale: Scale = "linear") -> str:
    """Write a TOML value on one line. A range's scale is left out if it is the key's default."""
    if isinstance(value, Range):
        ends = {"low": value.low, "high": value.high}
        scale = {"scale": value.scale} if value.scale != default_scale else {}
        return format_toml_value(ends | scale)
    if isinstance(value, Choices):
        return format_toml_value({"choices": list(value.values)})
    if isinstance(value, TiedRate):
        times = {"times": value.times} if value.times != 1.0 else {}
        return format_toml_value({"like": value.group} | times, default_scale)
    if isinstance(value, Mapping):
        pairs = (
            f"{_format_toml_key(str(key))} = {format_toml_value(inner, default_scale)}"
            for key, inner in value.items()
        )
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return f"[{', '.join(format_toml_value(inner) for inner in value)}]"
    return format_toml_float(value) if isinstance(value, float) else tomlkit.item(value).as_string()


def format_toml_float(value: float) -> str:
    """Write the shortest text that reads back as the same number: 1e-6, 0.06, 4e-5, 0.0."""
    return shorten_exponent(repr(value))


def _format_toml_key(key: str) -> str:
    bare = re.fullmatch(r"[A-Za-z0-9_-]+", key)
    return key if bare else tomlkit.item(key).as_string()
