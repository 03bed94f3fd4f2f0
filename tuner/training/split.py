"""Which rows train, which validate and which are sealed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tuner.errors import TunerError
from tuner.recipe.types import DataSection

Indices = npt.NDArray[np.int64]
_VALIDATION_STREAM = 1
_HOLDOUT_STREAM = 2


@dataclass(frozen=True, slots=True)
class Division:
    """Row numbers by use, ascending; `sealed` is None where test is a file or there is none.

    validation and sealed count in the validation file, or in train where validation is a share.
    """

    train: Indices
    validation: Indices
    sealed: Indices | None


def divide_rows(train: Indices, validation: Indices | None, section: DataSection) -> Division:
    """Divide by class numbers: `validation` is None where it is a share of train.

    Rows whose class is below 0 have no label and are in no part.
    """
    train_rows = np.flatnonzero(train >= 0)
    if validation is None:
        share = float(section.validation)
        remaining, cut = stratified_cut(
            train[train_rows], share, section.split_seed, _VALIDATION_STREAM
        )
        train_rows, rows = train_rows[remaining], train_rows[cut]
        classes = train[rows]
    else:
        rows = np.flatnonzero(validation >= 0)
        classes = validation[rows]
    if section.test is not None or section.holdout == 0:
        return Division(train_rows, rows, None)
    remaining, sealed = stratified_cut(
        classes, section.holdout, section.split_seed, _HOLDOUT_STREAM
    )
    return Division(train_rows, rows[remaining], rows[sealed])


def stratified_cut(
    classes: Indices, share: float, seed: int, stream: int = 0
) -> tuple[Indices, Indices]:
    """Cut rows in (remaining, cut), `share` of them cut, each class in proportion.

    A class's share is rounded up or down at random, up the more often the larger its remainder, so
    that no class is left out by every seed; a class keeps at least one row. Deterministic in (seed,
    stream). Raises TunerError where a side would be empty.
    """
    total = int(np.floor(len(classes) * share + 0.5))
    generator = np.random.Generator(np.random.PCG64([seed, stream]))
    values, counts = np.unique(classes, return_counts=True)
    cut_counts = _round_at_random(counts * share, counts, total, generator)
    cut = [
        generator.permutation(np.flatnonzero(classes == value))[:count]
        for value, count in zip(values, cut_counts, strict=True)
    ]
    rows = np.sort(np.concatenate(cut)).astype(np.int64)
    remaining = np.setdiff1d(np.arange(len(classes), dtype=np.int64), rows)
    if not len(rows) or not len(remaining):
        raise TunerError(
            f"data: a share of {share} of {len(classes)} rows leaves one side of the split empty"
        )
    return remaining, rows


def _round_at_random(
    quotas: npt.NDArray[np.floating[Any]],
    counts: Indices,
    total: int,
    generator: np.random.Generator,
) -> Indices:
    """Round the quotas to whole numbers whose sum is `total`, or as near as possible.

    Which quotas are rounded up is drawn without replacement with their remainders as weights: the
    largest of u^(1/weight), by Efraimidis and Spirakis (2006).
    """
    whole = np.floor(quotas).astype(np.int64)
    remainders = quotas - whole
    draws = np.log(generator.random(len(quotas)))
    order = np.argsort(-draws / np.maximum(remainders, 1e-12), kind="stable")
    up = max(min(total - int(whole.sum()), int(np.sum(remainders > 0))), 0)
    whole[order[:up]] += 1
    return np.asarray(np.minimum(whole, counts - 1), dtype=np.int64)
