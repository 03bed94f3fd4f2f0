"""What the content of a file decided about how it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Decision:
    """A decision in a few words, and the recipe's key that overrules it."""

    text: str
    key: str


def decision_line(source: str, decisions: Sequence[Decision]) -> str:
    """Put all decisions about a file into one sentence."""
    texts = ", ".join(decision.text for decision in decisions)
    keys = ", ".join(dict.fromkeys(decision.key for decision in decisions))
    return f"{source}: {texts} (override with {keys})"
