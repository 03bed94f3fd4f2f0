"""How much each searched setting decides whether a trial is among the best: PED-ANOVA.

The same computation as optuna.importance.PedAnovaImportanceEvaluator, for a space without
conditions; a test holds it against Optuna's. It is here because the screens, which do not import
Optuna, compute it for whatever trials are filtered, and because the bootstrap evaluates it on a
hundred resamples at every look, for which each trial's grid cells are found once.

Source: Watanabe, Bansal & Hutter 2023 (arXiv 2304.10255); optuna.importance in Optuna 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.recipe.ranges import Space, has_single_value
from tuner.recipe.types import Choices, Range, Scalar
from tuner.results.verdict import MIN_TRIALS

_BEST_SHARE = 0.1
_GRID_CELLS = 50
_MIN_BANDWIDTH = 0.5 / 1.64  # 90 % of such a bell lies in one cell of the grid

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Point = Mapping[str, Scalar]


@dataclass(frozen=True)
class _Column:
    """One setting: the grid cell that each trial's value falls into."""

    name: str
    cells: Whole
    size: int
    ordered: bool


@dataclass(frozen=True)
class _Table:
    """The trials with a finite value; the lower the loss, the better."""

    losses: Floats
    columns: tuple[_Column, ...]


def compute_importance(
    space: Space, points: Sequence[Point], values: Sequence[float], *, maximize: bool
) -> dict[str, float] | None:
    """Return the importance of each setting, the most important first; they sum to 1.

    `points` are the settings of each trial, every one of the space; trials whose value is not
    finite are left out. None with fewer than four values, or if no value or no setting differs.
    """
    table = _build_table(space, points, values, maximize=maximize)
    if len(table.losses) < MIN_TRIALS:
        return None
    shares = _importance_shares(table, np.arange(len(table.losses)))
    if shares is None:
        return None
    by_name = {column.name: float(s) for column, s in zip(table.columns, shares, strict=True)}
    return dict(sorted(by_name.items(), key=lambda item: -item[1]))


def bootstrap_importance(
    space: Space,
    points: Sequence[Point],
    values: Sequence[float],
    *,
    maximize: bool,
    resamples: int = 100,
    level: float = 0.9,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """Return the percentile interval of each setting's importance, resampling the trials.

    {} where `compute_importance` gives None. Resamples in which nothing differs are left out.
    Source: Efron 1979, "Bootstrap methods: another look at the jackknife".
    """
    table = _build_table(space, points, values, maximize=maximize)
    count = len(table.losses)
    if count < MIN_TRIALS or _importance_shares(table, np.arange(count)) is None:
        return {}
    draws = np.random.default_rng(seed).integers(count, size=(resamples, count))
    resampled_shares = [
        shares for rows in draws if (shares := _importance_shares(table, rows)) is not None
    ]
    if not resampled_shares:
        return {}
    ends = np.quantile(np.array(resampled_shares), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {c.name: (float(ends[0, i]), float(ends[1, i])) for i, c in enumerate(table.columns)}


def _build_table(
    space: Space, points: Sequence[Point], values: Sequence[float], *, maximize: bool
) -> _Table:
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    finite_values = np.array([values[index] for index in finite], dtype=np.float64)
    columns = (
        _build_column(name, setting, [points[index][name] for index in finite])
        for name, setting in space.items()
    )
    return _Table(-finite_values if maximize else finite_values, tuple(columns))


def _importance_shares(table: _Table, rows: Whole) -> Floats | None:
    """Return the importances of these rows in the order of the space, None if nothing differs."""
    losses = table.losses[rows]
    if losses.min() == losses.max():
        return None
    best = rows[_mask_of_best(losses)]
    raw = np.array([_pearson_divergence(column, rows, best) for column in table.columns])
    total = raw.sum()
    return raw / total if total > 0 else None


def _mask_of_best(losses: Floats) -> NDArray[np.bool_]:
    # Trials that tie with the last of the best tenth are among the best, too.
    last = math.ceil(_BEST_SHARE * losses.size) - 1
    mask: NDArray[np.bool_] = losses <= np.partition(losses, last)[last]
    return mask


def _build_column(name: str, setting: Range | Choices, values: Sequence[Scalar]) -> _Column:
    if has_single_value(setting):
        return _Column(name, np.zeros(len(values), dtype=np.int64), 1, ordered=False)
    if isinstance(setting, Choices):
        indices = [setting.values.index(value) for value in values]
        return _Column(name, np.array(indices, dtype=np.int64), len(setting.values), ordered=False)
    size = _count_grid_cells(setting)
    low, high, numbers = setting.low, setting.high, np.array(values, dtype=np.float64)
    if setting.scale == "log":
        low, high, numbers = math.log(low), math.log(high), np.log(numbers)
    # The nearest cell; of two equally near ones the lower, as Optuna has it (np.round: the even).
    places = np.ceil((numbers - low) / ((high - low) / (size - 1)) - 0.5)
    return _Column(name, np.clip(places, 0, size - 1).astype(np.int64), size, ordered=True)


def _count_grid_cells(setting: Range) -> int:
    if not setting.integer:
        return _GRID_CELLS
    numbers = int(setting.high - setting.low) + 1
    return min(
        math.ceil(math.log2(numbers)) + 1 if setting.scale == "log" else numbers, _GRID_CELLS
    )


def _pearson_divergence(column: _Column, rows: Whole, best: Whole) -> float:
    if column.size == 1:
        return 0.0
    density = _numerical_density if column.ordered else _categorical_density
    # The Pearson divergence of the best trials' density from that of all trials. Optuna's epsilon
    # keeps cells that no trial fell into from dividing by 0.
    everywhere = density(np.bincount(column.cells[rows], minlength=column.size)) + 1e-12
    at_the_best = density(np.bincount(column.cells[best], minlength=column.size)) + 1e-12
    return float(everywhere @ (at_the_best / everywhere - 1) ** 2)


def _weights_with_prior(weights: NDArray[Any]) -> Floats:
    # A kernel weighs as much as the trials in its cell, the prior as much as one trial.
    extended = np.append(weights, 1.0).astype(np.float64)
    normal: Floats = extended / extended.sum()
    return normal


def _categorical_density(counts: Whole) -> Floats:
    seen_cells = np.flatnonzero(counts)
    kernels = np.full((len(seen_cells) + 1, len(counts)), 1.0 / (len(seen_cells) + 1))
    # A choice that was seen gets most of its kernel, the others an equal rest (as in TPE).
    kernels[np.arange(len(seen_cells)), seen_cells] += 1
    kernels /= kernels.sum(axis=1, keepdims=True)
    density: Floats = _weights_with_prior(counts[seen_cells]) @ kernels
    return density


def _numerical_density(counts: Whole) -> Floats:
    """Sum Gaussian kernels of Scott's bandwidth on the cells seen, and a wide one as the prior."""
    seen_cells, size = np.flatnonzero(counts), len(counts)
    width = max(_scott_bandwidth(seen_cells, counts[seen_cells]), _MIN_BANDWIDTH)
    # An edge and a cell differ by a whole number and a half: few values of the normal distribution.
    below = _normal_cdf(tuple((step - 0.5) / width for step in range(1 - size, size + 1)))
    # Cut off at the ends of the range, so each kernel is scaled to sum to 1 below.
    masses = np.diff(below[np.arange(size + 1) - seen_cells[:, None] + size - 1], axis=1)
    kernels = np.vstack([masses, _prior_kernel(size)])
    density: Floats = _weights_with_prior(counts[seen_cells]) @ (
        kernels / kernels.sum(axis=1, keepdims=True)
    )
    return density


@cache
def _prior_kernel(size: int) -> Floats:
    edges = tuple((edge - 0.5 - (size - 1) / 2) / size for edge in range(size + 1))
    mass: Floats = np.diff(_normal_cdf(edges))
    return mass


def _normal_cdf(points: Sequence[float]) -> Floats:
    return np.array([0.5 * math.erfc(-point / math.sqrt(2)) for point in points])


def _scott_bandwidth(cells: Whole, weights: Whole) -> float:
    """Apply Scott's rule (1992), with the quartiles as Optuna takes them."""
    cumulated = np.cumsum(weights)
    total = int(cumulated[-1])
    mean = cells @ weights / total
    deviation = math.sqrt(((cells - mean) ** 2 @ weights) / max(1, total - 1))
    # The cells of the n/4-th and the 3n/4-th trial; which of two it is, Optuna decides so.
    lower = int(np.searchsorted(cumulated, total // 4, side="left"))
    upper = int(np.searchsorted(cumulated, total * 3 // 4, side="right"))
    quartiles = float(cells[min(len(cells) - 1, upper)] - cells[lower])
    return float(1.059 * min(quartiles / 1.34, deviation) * total**-0.2)
