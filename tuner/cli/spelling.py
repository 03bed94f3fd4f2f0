"""The nearest valid spelling of what was typed, for the end of an error."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.recipe.nearest import nearest


def hint(word: str, choices: Iterable[str]) -> str:
    """`; did you mean X?`, or nothing."""
    match = nearest(word, choices)
    return f"; did you mean {match}?" if match else ""
