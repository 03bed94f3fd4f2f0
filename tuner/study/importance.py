"""How much each searched setting decides whether a trial is among the best: PED-ANOVA.

Optuna's evaluator cannot be imported without scikit-learn, which its package uses for another
one: two seconds and a hundred megabytes in a worker that needs neither. This is the same
computation for a space without conditions, and a test holds it against Optuna's.

Source: Watanabe, Bansal & Hutter 2023 (arXiv 2304.10255); optuna.importance in Optuna 5.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.recipe.types import Choices, Range, Scalar
from tuner.study.space import Space, is_single

FEWEST_TRIALS = 4
_BEST_SHARE = 0.1
_GRID = 50
_NARROWEST = 0.5 / 1.64  # 90 % of such a bell lies in one cell of the grid

Floats = NDArray[np.float64]
Point = Mapping[str, Scalar]


def importance(
    space: Space, points: Sequence[Point], values: Sequence[float], *, maximize: bool
) -> dict[str, float] | None:
    """The importance of each setting, the most important first; they sum to 1.

    Args:
        points: the settings of each trial, every one of the space.
        values: the trials' values; those that are not finite are left out.

    Returns None with fewer than four values, or when no value or no setting differs.
    """
    finite = [index for index, value in enumerate(values) if math.isfinite(value)]
    kept = np.array([values[index] for index in finite], dtype=np.float64)
    if len(finite) < FEWEST_TRIALS or kept.min() == kept.max():
        return None
    best = _best(-kept if maximize else kept)
    raw: dict[str, float] = {}
    for name, setting in space.items():
        cells, size = _cells(setting, [points[index][name] for index in finite])
        raw[name] = _divergence(setting, cells, cells[best], size) if size > 1 else 0.0
    total = sum(raw.values())
    if total == 0:
        return None
    ranked = sorted(raw.items(), key=lambda item: -item[1])
    return {name: value / total for name, value in ranked}


def _best(losses: Floats) -> NDArray[np.bool_]:
    count = math.ceil(_BEST_SHARE * losses.size)
    chosen: NDArray[np.bool_] = losses <= np.sort(losses)[count - 1]
    return chosen


def _cells(setting: Range | Choices, values: Sequence[Scalar]) -> tuple[NDArray[np.int64], int]:
    """The cell of the setting's grid that each value falls into, and the number of cells."""
    if is_single(setting):
        return np.zeros(len(values), dtype=np.int64), 1
    if isinstance(setting, Choices):
        indices = [setting.values.index(value) for value in values]
        return np.array(indices, dtype=np.int64), len(setting.values)
    size = _cell_count(setting)
    low, high, numbers = setting.low, setting.high, np.array(values, dtype=np.float64)
    if setting.scale == "log":
        low, high, numbers = math.log(low), math.log(high), np.log(numbers)
    places = np.ceil((numbers - low) / ((high - low) / (size - 1)) - 0.5)
    return np.clip(places, 0, size - 1).astype(np.int64), size


def _cell_count(setting: Range) -> int:
    if not setting.integer:
        return _GRID
    numbers = int(setting.high - setting.low) + 1
    return min(math.ceil(math.log2(numbers)) + 1 if setting.scale == "log" else numbers, _GRID)


def _divergence(
    setting: Range | Choices, cells: NDArray[np.int64], best: NDArray[np.int64], size: int
) -> float:
    density = _choice_density if isinstance(setting, Choices) else _number_density
    everywhere = density(np.bincount(cells, minlength=size)) + 1e-12
    at_the_best = density(np.bincount(best, minlength=size)) + 1e-12
    return float(everywhere @ (at_the_best / everywhere - 1) ** 2)


def _with_prior(weights: NDArray[Any]) -> Floats:
    extended = np.append(weights, 1.0).astype(np.float64)
    normal: Floats = extended / extended.sum()
    return normal


def _choice_density(counts: NDArray[np.int64]) -> Floats:
    seen = np.flatnonzero(counts)
    kernels = np.full((len(seen) + 1, len(counts)), 1.0 / (len(seen) + 1))
    kernels[np.arange(len(seen)), seen] += 1
    kernels /= kernels.sum(axis=1, keepdims=True)
    density: Floats = _with_prior(counts[seen]) @ kernels
    return density


def _number_density(counts: NDArray[np.int64]) -> Floats:
    """Bells on the cells that were seen, of Scott's width, and one wide bell as the prior."""
    from scipy.special import ndtr  # scipy is slow to import, and not every study comes here

    seen, size = np.flatnonzero(counts), len(counts)
    width = max(_scott_width(seen, counts[seen]), _NARROWEST)
    middles = np.append(seen, (size - 1) / 2)[:, None]
    widths = np.append(np.full(len(seen), width), float(size))[:, None]
    edges = np.arange(size + 1) - 0.5
    masses = np.diff(ndtr((edges - middles) / widths), axis=1)
    density: Floats = _with_prior(counts[seen]) @ (masses / masses.sum(axis=1, keepdims=True))
    return density


def _scott_width(cells: NDArray[Any], weights: NDArray[np.int64]) -> float:
    """Scott 1992, with the quartiles as Optuna takes them."""
    cumulated = np.cumsum(weights)
    total = int(cumulated[-1])
    mean = cells @ weights / total
    deviation = math.sqrt(((cells - mean) ** 2 @ weights) / max(1, total - 1))
    lower = int(np.searchsorted(cumulated, total // 4, side="left"))
    upper = int(np.searchsorted(cumulated, total * 3 // 4, side="right"))
    quartiles = float(cells[min(len(cells) - 1, upper)] - cells[lower])
    return float(1.059 * min(quartiles / 1.34, deviation) * total**-0.2)
