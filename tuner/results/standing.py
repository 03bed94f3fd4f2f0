"""Which of two evaluations, or trials, stands higher: one rule for trainer, log and search."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """A metric's value, and whether it is that of a model with one answer for all rows.

    Such a model learned nothing, however much of the data has that label: it stands below any
    other.
    """

    value: float
    one_label: bool = False

    def by_value(self) -> Standing:
        """The same value, to be compared as earlier versions did: by that alone."""
        return Standing(self.value)

    def is_above(self, other: Standing | None, direction: str) -> bool:
        """Whether this one stands higher, as anything does where there is no other; NaN never."""
        if math.isnan(self.value):
            return False
        if other is None:
            return True
        if self.one_label != other.one_label:
            return other.one_label
        if direction == "minimize":
            return self.value < other.value
        return self.value > other.value


def kept_values(values: Iterable[float], *, maximize: bool, keep: str) -> list[float]:
    """What a trial counts with after each of its evaluations, at rungs as at its end.

    That is the best so far, or where `keep` is "last" the newest.
    """
    kept: list[float] = []
    for value in values:
        better = max if maximize else min
        kept.append(better(kept[-1], value) if kept and keep != "last" else value)
    return kept
