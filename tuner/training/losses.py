"""The training losses between two evaluations, summed on the device: nothing waits for it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import torch

from tuner.results.collapse import label_frequency_losses

Indices = npt.NDArray[np.int64]
Costs = npt.NDArray[np.float64]


class LossSums(msgspec.Struct, frozen=True):
    """What a checkpoint keeps of the losses; NaN is what an earlier version did not keep."""

    loss: float
    updates: int
    guess: float
    excess_squares: float


@dataclass(frozen=True, slots=True)
class LossSummary:
    """Means over `updates`, which are 0 where `guess` and `spread` are not known.

    `guess` is what predicting the label frequencies would have lost on the same rows, `spread` the
    standard deviation, from update to update, of the loss beyond that.
    """

    mean: float
    updates: int
    guess: float
    spread: float


class TrainingLosses:
    """Sums the losses of updates beside what predicting the label frequencies loses on their rows.

    The spread is that of the difference between the two, not of the loss: which labels a batch
    happens to hold moves both alike.
    """

    def __init__(self, row_costs: Costs, device: torch.device) -> None:
        self._row_costs = row_costs
        # Double precision: thousands of fp32 losses would lose digits, and a resumed sum has to go
        # on exactly where it was.
        self._loss = torch.zeros((), dtype=accumulator_dtype(device), device=device)
        self._excess_squares = torch.zeros_like(self._loss)
        self._guess = 0.0
        self._updates = 0

    def add_update(self, loss: torch.Tensor, rows: Indices) -> None:
        """Add the mean loss of an update on these rows."""
        guess = float(self._row_costs[rows].mean())
        exact = loss.to(self._loss.dtype)
        excess = exact - guess
        self._loss += exact
        self._excess_squares += excess * excess
        self._guess += guess
        self._updates += 1

    def take_summary(self) -> LossSummary:
        """Summarize everything since the last summary. Waits for the device."""
        sums = self.current_sums()
        self.restore_sums(LossSums(0.0, 0, 0.0, 0.0))
        return summarize_losses(sums)

    def current_sums(self) -> LossSums:
        """Return what a checkpoint needs. Waits for the device."""
        return LossSums(float(self._loss), self._updates, self._guess, float(self._excess_squares))

    def restore_sums(self, sums: LossSums) -> None:
        self._loss.fill_(sums.loss)
        self._excess_squares.fill_(sums.excess_squares)
        self._guess, self._updates = sums.guess, sums.updates


def summarize_losses(sums: LossSums) -> LossSummary:
    """Compute means and the spread between updates, 0 for a single one."""
    count = sums.updates
    mean = sums.loss / max(1, count)
    if not count or math.isnan(sums.guess):
        return LossSummary(mean, 0, 0.0, 0.0)
    excess = (sums.loss - sums.guess) / count
    # Σ(x - mean)² = Σx² - n mean²; rounding may make it slightly negative.
    squares = max(0.0, sums.excess_squares - count * excess * excess)
    return LossSummary(mean, count, sums.guess / count, math.sqrt(squares / max(1, count - 1)))


def guess_loss_of_rows(classes: Indices, labels: int, smoothing: float) -> Costs:
    """Return what predicting the label frequencies of all rows loses on each row, in nats."""
    counts = np.bincount(classes, minlength=labels)
    return np.array(label_frequency_losses(counts.tolist(), smoothing))[classes]


def accumulator_dtype(device: torch.device) -> torch.dtype:
    """Return the type for sums: double precision, which MPS does not have."""
    return torch.float32 if device.type == "mps" else torch.float64
