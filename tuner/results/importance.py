"""How much each searched setting decides whether a trial is among the best: PED-ANOVA.

Optuna's evaluator cannot be imported without scikit-learn, which its package uses for another
one: two seconds and a hundred megabytes in a worker that needs neither, nor do the screens, which
look at filtered trials with it. This is the same computation for a space without conditions, and
a test holds it against Optuna's.

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

from tuner.recipe.ranges import Space, is_single
from tuner.recipe.types import Choices, Range, Scalar
from tuner.results.verdict import FEWEST

_BEST_SHARE = 0.1
_GRID = 50
_NARROWEST = 0.5 / 1.64  # 90 % of such a bell lies in one cell of the grid

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Point = Mapping[str, Scalar]


@dataclass(frozen=True)
class _Column:
    """One setting: the cell of its grid that each trial's value falls into."""

    name: str
    cells: Whole
    size: int
    ordered: bool


@dataclass(frozen=True)
class _Table:
    """The trials with a finite value; the lower the loss, the better."""

    losses: Floats
    columns: tuple[_Column, ...]


def importance(
    space: Space, points: Sequence[Point], values: Sequence[float], *, maximize: bool
) -> dict[str, float] | None:
    """The importance of each setting, the most important first; they sum to 1.

    Args:
        points: the settings of each trial, every one of the space.
        values: the trials' values; those that are not finite are left out.

    Returns None with fewer than four values, or when no value or no setting differs.
    """
    table = _table(space, points, values, maximize=maximize)
    if len(table.losses) < FEWEST:
        return None
    shares = _shares(table, np.arange(len(table.losses)))
    if shares is None:
        return None
    by_name = {column.name: float(s) for column, s in zip(table.columns, shares, strict=True)}
    return dict(sorted(by_name.items(), key=lambda item: -item[1]))


def bootstrap(
    space: Space,
    points: Sequence[Point],
    values: Sequence[float],
    *,
    maximize: bool,
    resamples: int = 100,
    level: float = 0.9,
    seed: int = 0,
) -> dict[str, tuple[float, float]]:
    """The percentile interval of each setting's importance, over trials drawn with replacement.

    {} where `importance` is None. Resamples in which nothing differs are left out. Source: Efron
    1979, "Bootstrap methods: another look at the jackknife".
    """
    table = _table(space, points, values, maximize=maximize)
    count = len(table.losses)
    if count < FEWEST or _shares(table, np.arange(count)) is None:
        return {}
    draws = np.random.default_rng(seed).integers(count, size=(resamples, count))
    found = [shares for rows in draws if (shares := _shares(table, rows)) is not None]
    if not found:
        return {}
    ends = np.quantile(np.array(found), [(1 - level) / 2, (1 + level) / 2], axis=0)
    return {c.name: (float(ends[0, i]), float(ends[1, i])) for i, c in enumerate(table.columns)}


def _table(
    space: Space, points: Sequence[Point], values: Sequence[float], *, maximize: bool
) -> _Table:
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    kept = np.array([values[index] for index in finite], dtype=np.float64)
    columns = (
        _column(name, setting, [points[index][name] for index in finite])
        for name, setting in space.items()
    )
    return _Table(-kept if maximize else kept, tuple(columns))


def _shares(table: _Table, rows: Whole) -> Floats | None:
    """The importances of these rows in the order of the space, None where nothing differs."""
    losses = table.losses[rows]
    if losses.min() == losses.max():
        return None
    best = rows[_best(losses)]
    raw = np.array([_divergence(column, rows, best) for column in table.columns])
    total = raw.sum()
    return raw / total if total > 0 else None


def _best(losses: Floats) -> NDArray[np.bool_]:
    last = math.ceil(_BEST_SHARE * losses.size) - 1
    chosen: NDArray[np.bool_] = losses <= np.partition(losses, last)[last]
    return chosen


def _column(name: str, setting: Range | Choices, values: Sequence[Scalar]) -> _Column:
    if is_single(setting):
        return _Column(name, np.zeros(len(values), dtype=np.int64), 1, ordered=False)
    if isinstance(setting, Choices):
        indices = [setting.values.index(value) for value in values]
        return _Column(name, np.array(indices, dtype=np.int64), len(setting.values), ordered=False)
    size = _cell_count(setting)
    low, high, numbers = setting.low, setting.high, np.array(values, dtype=np.float64)
    if setting.scale == "log":
        low, high, numbers = math.log(low), math.log(high), np.log(numbers)
    places = np.ceil((numbers - low) / ((high - low) / (size - 1)) - 0.5)
    return _Column(name, np.clip(places, 0, size - 1).astype(np.int64), size, ordered=True)


def _cell_count(setting: Range) -> int:
    if not setting.integer:
        return _GRID
    numbers = int(setting.high - setting.low) + 1
    return min(math.ceil(math.log2(numbers)) + 1 if setting.scale == "log" else numbers, _GRID)


def _divergence(column: _Column, rows: Whole, best: Whole) -> float:
    if column.size == 1:
        return 0.0
    density = _number_density if column.ordered else _choice_density
    everywhere = density(np.bincount(column.cells[rows], minlength=column.size)) + 1e-12
    at_the_best = density(np.bincount(column.cells[best], minlength=column.size)) + 1e-12
    return float(everywhere @ (at_the_best / everywhere - 1) ** 2)


def _with_prior(weights: NDArray[Any]) -> Floats:
    extended = np.append(weights, 1.0).astype(np.float64)
    normal: Floats = extended / extended.sum()
    return normal


def _choice_density(counts: Whole) -> Floats:
    seen = np.flatnonzero(counts)
    kernels = np.full((len(seen) + 1, len(counts)), 1.0 / (len(seen) + 1))
    kernels[np.arange(len(seen)), seen] += 1
    kernels /= kernels.sum(axis=1, keepdims=True)
    density: Floats = _with_prior(counts[seen]) @ kernels
    return density


def _number_density(counts: Whole) -> Floats:
    """Bells on the cells that were seen, of Scott's width, and one wide bell as the prior."""
    seen, size = np.flatnonzero(counts), len(counts)
    width = max(_scott_width(seen, counts[seen]), _NARROWEST)
    # An edge and a cell differ by a whole number and a half: few values of the normal distribution.
    below = _normal(tuple((step - 0.5) / width for step in range(1 - size, size + 1)))
    masses = np.diff(below[np.arange(size + 1) - seen[:, None] + size - 1], axis=1)
    kernels = np.vstack([masses, _prior(size)])
    density: Floats = _with_prior(counts[seen]) @ (kernels / kernels.sum(axis=1, keepdims=True))
    return density


@cache
def _prior(size: int) -> Floats:
    edges = tuple((edge - 0.5 - (size - 1) / 2) / size for edge in range(size + 1))
    mass: Floats = np.diff(_normal(edges))
    return mass


def _normal(points: Sequence[float]) -> Floats:
    """The share of the standard normal distribution below each point."""
    return np.array([0.5 * math.erfc(-point / math.sqrt(2)) for point in points])


def _scott_width(cells: Whole, weights: Whole) -> float:
    """Scott 1992, with the quartiles as Optuna takes them."""
    cumulated = np.cumsum(weights)
    total = int(cumulated[-1])
    mean = cells @ weights / total
    deviation = math.sqrt(((cells - mean) ** 2 @ weights) / max(1, total - 1))
    lower = int(np.searchsorted(cumulated, total // 4, side="left"))
    upper = int(np.searchsorted(cumulated, total * 3 // 4, side="right"))
    quartiles = float(cells[min(len(cells) - 1, upper)] - cells[lower])
    return float(1.059 * min(quartiles / 1.34, deviation) * total**-0.2)
