"""Which rows train, which validate and which are sealed."""

from __future__ import annotations

from dataclasses import dataclass

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


def divide(train: Indices, validation: Indices | None, section: DataSection) -> Division:
    """Divide by class numbers: `validation` is None where it is a share of train."""
    train_rows = np.arange(len(train), dtype=np.int64)
    if validation is None:
        share = float(section.validation)
        train_rows, rows = stratified_cut(train, share, section.split_seed, _VALIDATION_STREAM)
        classes = train[rows]
    else:
        rows, classes = np.arange(len(validation), dtype=np.int64), validation
    if section.test is not None or section.holdout == 0:
        return Division(train_rows, rows, None)
    kept, sealed = stratified_cut(classes, section.holdout, section.split_seed, _HOLDOUT_STREAM)
    return Division(train_rows, rows[kept], rows[sealed])


def stratified_cut(
    classes: Indices, share: float, seed: int, stream: int = 0
) -> tuple[Indices, Indices]:
    """Cut rows in (kept, cut), `share` of them cut, each class in proportion.

    Classes get whole rows by largest remainder and keep at least one row. Deterministic in
    (seed, stream). Raises TunerError where a side would be empty.
    """
    total = int(np.floor(len(classes) * share + 0.5))
    generator = np.random.Generator(np.random.PCG64([seed, stream]))
    values, counts = np.unique(classes, return_counts=True)
    cut_counts = _largest_remainders(counts, share, total)
    cut = [
        generator.permutation(np.flatnonzero(classes == value))[:count]
        for value, count in zip(values, cut_counts, strict=True)
    ]
    rows = np.sort(np.concatenate(cut)).astype(np.int64)
    kept = np.setdiff1d(np.arange(len(classes), dtype=np.int64), rows)
    if not len(rows) or not len(kept):
        raise TunerError(
            f"data: a share of {share} of {len(classes)} rows leaves one side of the split empty"
        )
    return kept, rows


def _largest_remainders(counts: Indices, share: float, total: int) -> Indices:
    quotas = counts * share
    whole = np.floor(quotas).astype(np.int64)
    for index in np.argsort(whole - quotas, kind="stable"):
        if whole.sum() >= total:
            break
        whole[index] += whole[index] < quotas[index]
    return np.asarray(np.minimum(whole, counts - 1), dtype=np.int64)
