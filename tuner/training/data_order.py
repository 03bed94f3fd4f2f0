"""Which rows and evaluations belong to which update."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from tuner.recipe.config import TrialConfig


@dataclass(frozen=True, slots=True)
class DataOrder:
    """Updates of a trial, from 0; the position in the data follows from the update alone."""

    rows: int
    rows_per_update: int
    epochs: int
    evaluations_per_epoch: int
    seed: int

    @classmethod
    def from_trial_config(cls, config: TrialConfig, rows: int) -> DataOrder:
        return cls(
            rows=rows,
            rows_per_update=config.batch_size * config.accumulation,
            epochs=config.epochs,
            evaluations_per_epoch=config.evaluations_per_epoch,
            seed=config.seed,
        )

    @property
    def updates_per_epoch(self) -> int:
        """Return the updates of an epoch, the last of which may have fewer rows."""
        return -(-self.rows // self.rows_per_update)

    @property
    def total_updates(self) -> int:
        return self.updates_per_epoch * self.epochs

    def rows_of_update(self, update: int) -> npt.NDArray[np.int64]:
        """Return the training rows of an update: the next ones of the epoch's own permutation."""
        order, start, end = self.slice_of_update(update)
        return order[start:end]

    def slice_of_update(self, update: int) -> tuple[npt.NDArray[np.int64], int, int]:
        """Return those rows as order[start:end]; all updates of an epoch share one order object."""
        epoch, position = divmod(update, self.updates_per_epoch)
        start = position * self.rows_per_update
        end = min(start + self.rows_per_update, self.rows)
        return epoch_permutation(self.rows, self.seed, epoch), start, end

    def evaluates_after(self, done: int) -> bool:
        """Return whether an evaluation follows when `done` updates are done."""
        position = (done - 1) % self.updates_per_epoch + 1
        per_epoch = min(self.evaluations_per_epoch, self.updates_per_epoch)
        shares = range(1, per_epoch + 1)
        return position in {-(-number * self.updates_per_epoch // per_epoch) for number in shares}


@lru_cache(maxsize=2)
def epoch_permutation(rows: int, seed: int, epoch: int) -> npt.NDArray[np.int64]:
    """Return the order of the training rows in an epoch, from (seed, epoch) alone."""
    # PCG64 seeded by (seed, epoch), not a generator that advances: a checkpoint then needs no state
    # of it, and resuming in epoch 7 does not replay six epochs.
    order = np.random.Generator(np.random.PCG64([seed, epoch])).permutation(rows)
    # Shared by all updates of an epoch, through the cache.
    order.setflags(write=False)
    return order
