"""Long lists in messages: the first few, and how many more there are."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.recipe.nearest import quote_value

_SHOWN = 5


def list_first(texts: Sequence[str], most: int = _SHOWN) -> str:
    """Join the first `most` texts by commas."""
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def quote_first(names: Sequence[str], most: int = _SHOWN) -> str:
    """Join the first `most` names by commas, each in quotes."""
    return list_first([quote_value(name) for name in names], most)
