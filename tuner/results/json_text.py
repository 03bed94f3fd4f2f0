"""JSON for people and other programs."""

from __future__ import annotations

import json
from typing import Any

import msgspec


def format_as_json(value: Any, *, ascii_only: bool = False) -> str:
    """Return indented JSON that ends with a newline."""
    builtins = json.loads(msgspec.json.encode(value))
    return json.dumps(builtins, indent=2, ensure_ascii=ascii_only) + "\n"
