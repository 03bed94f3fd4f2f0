"""Dotted keys and KEY=VALUE as they are given on a command line."""

from __future__ import annotations

import re
import tomllib
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value
from tuner.recipe.numbers import split_choices

_PART = re.compile(r"""\s*(?:"([^"]*)"|'([^']*)'|([^."'=]+?))\s*(?:\.|$)""")
_KEY = re.compile(r"""(?:"[^"]*"|'[^']*'|[^"'=])*""")


def split_dotted_key(key: str, source: str) -> list[str]:
    """Split a dotted key; a part may be quoted, and may contain blanks either way."""
    parts: list[str] = []
    position = 0
    while position < len(key):
        match = _PART.match(key, position)
        if match is None:
            raise TunerError(
                f"{source}: {quote_value(key)} is not a key; write one such as training.epochs"
            )
        parts.append(next(part for part in match.groups() if part is not None))
        position = match.end()
    if not parts or key.rstrip().endswith("."):
        raise TunerError(
            f"{source}: {quote_value(key)} is not a key; write one such as training.epochs"
        )
    return parts


def split_expression(expression: str, source: str) -> tuple[str, Any]:
    """Split KEY=VALUE into the key and the value: TOML, or text if it is a bare word."""
    match = _KEY.match(expression)
    key = match[0].strip() if match else ""
    equals = match.end() if match else 0
    if not key or expression[equals : equals + 1] != "=":
        raise TunerError(
            f"{source}: {quote_value(expression)} is not KEY=VALUE, such as training.epochs=3"
        )
    return key, parse_typed_value(expression[equals + 1 :].strip(), f"{source}: {key}")


def parse_typed_value(written: str, source: str) -> Any:
    """Parse a value from a command line: TOML if it is TOML, else text as it stands."""
    if not written:
        raise TunerError(f'{source}: has no value; write "" for an empty text')
    try:
        parsed = tomllib.loads(f"value = {written}")
    except (ValueError, RecursionError) as error:
        if split_choices(written) is not None:
            return written
        if written[0] in "{[\"'":
            reason = str(error).partition(" (at")[0]
            raise TunerError(f"{source}: {quote_value(written)} is not TOML: {reason}") from None
        return written
    return parsed["value"] if len(parsed) == 1 and "\n" not in written else written
