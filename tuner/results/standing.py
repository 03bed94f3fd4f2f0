"""Which of two evaluations, or trials, ranks higher: one rule for trainer, log and search."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Standing:
    """A metric's value, and whether its model predicts one label for all rows.

    Such a model learned nothing, however much of the data has that label: it ranks below any other.
    """

    value: float
    one_label: bool = False

    def without_one_label(self) -> Standing:
        """Compare by the value alone, as earlier versions did."""
        return Standing(self.value)

    def ranks_above(self, rival: Standing | None, direction: str) -> bool:
        """Tell whether this one ranks higher. Anything ranks above None, NaN above nothing."""
        if math.isnan(self.value):
            return False
        if rival is None:
            return True
        if self.one_label != rival.one_label:
            return rival.one_label
        if direction == "minimize":
            return self.value < rival.value
        return self.value > rival.value


def cumulative_kept_values(values: Iterable[float], *, maximize: bool, keep: str) -> list[float]:
    """Return what a trial counts with after each of its evaluations, at rungs as at its end.

    That is the best so far, or the newest if `keep` is "last".
    """
    kept_so_far: list[float] = []
    for value in values:
        better = max if maximize else min
        kept_so_far.append(
            better(kept_so_far[-1], value) if kept_so_far and keep != "last" else value
        )
    return kept_so_far
