"""How far a score can be trusted: an interval of 95 % for every metric."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist
from typing import Any

from tuner.results.metrics import (
    PER_LABEL,
    Confusion,
    compute_metric,
    count_correct,
    count_gold_labels,
    count_predicted_labels,
    count_rows,
    metric_names_of_task,
)
from tuner.results.resampling import (
    draws_of_kinds,
    means_of_draws,
    metric_of_draws,
    percentile_interval,
)

_Cells = tuple[tuple[int, ...], ...]
_MIN_LOSSES = 2


@dataclass(frozen=True, slots=True)
class Interval:
    """The ends of a 95 % interval, and how it was made: "Wilson" or "bootstrap"."""

    low: float
    high: float
    method: str

    def contains_value(self, value: float) -> bool:
        return self.low <= value <= self.high


def wilson_interval(correct: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return Wilson's interval (low, high) of a share, `correct` of `n`, at confidence `level`.

    (0, 1) where n is 0. Wilson, "Probable inference, the law of succession, and statistical
    inference", JASA 22 (1927).
    """
    if not 0 <= correct <= n:
        raise ValueError(f"{correct} of {n}")
    if n == 0:
        return 0.0, 1.0
    z = NormalDist().inv_cdf((1 + level) / 2)
    share, spread = correct / n, z * z / n
    middle = (share + spread / 2) / (1 + spread)
    half = z * math.sqrt(share * (1 - share) / n + spread / (4 * n)) / (1 + spread)
    # In exact arithmetic these ends are 0 and 1; rounding would leave them just inside.
    low = 0.0 if correct == 0 else max(0.0, middle - half)
    high = 1.0 if correct == n else min(1.0, middle + half)
    return low, high


def metric_interval(metric: str, confusion: Confusion, labels: Sequence[str]) -> Interval | None:
    """Return a metric's interval; None if it does not follow from the matrix, such as the loss.

    Accuracy and the F1 of one label have Wilson's, f1_macro and mcc the bootstrap's.
    """
    if metric not in metric_names_of_task(labels) or metric == "loss":
        return None
    if metric == "accuracy":
        return Interval(*wilson_interval(count_correct(confusion), count_rows(confusion)), "Wilson")
    if metric.startswith(PER_LABEL):
        return _f1_interval(confusion, labels.index(metric.removeprefix(PER_LABEL)))
    return _bootstrap_interval(metric, tuple(map(tuple, confusion)), tuple(labels))


def loss_interval(losses: Sequence[float]) -> Interval | None:
    """Return the bootstrap's interval of a mean over rows, None if there are too few.

    Widened by the ratio of Student's quantile to the normal one, with n for n − 1: few rows show
    too small a spread (Hesterberg, "What teachers should know about the bootstrap", The American
    Statistician 69, 2015).
    """
    return _loss_interval(tuple(losses)) if len(losses) >= _MIN_LOSSES else None


@lru_cache(maxsize=64)
def _loss_interval(losses: tuple[float, ...]) -> Interval:
    import numpy as np

    values = np.asarray(losses, dtype=np.float64)
    mean = float(values.mean())
    low, high = percentile_interval(means_of_draws(values))
    # Both ends move away from the mean by one factor, so that a skewed loss keeps its skew.
    wider = small_sample_factor(len(losses))
    low, high = mean - wider * (mean - low), mean + wider * (high - mean)
    return Interval(max(0.0, min(low, mean)), max(high, mean), "bootstrap")


def small_sample_factor(n: int) -> float:
    """Return how much wider the interval of a mean of n ≥ 2 rows is than large samples suggest."""
    z, freedom = NormalDist().inv_cdf(0.975), n - 1
    # Cornish and Fisher's expansion of Student's quantile; at one degree of freedom the exact one.
    student = z + (z**3 + z) / (4 * freedom) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
    exact = math.tan(math.pi * 0.475) if freedom == 1 else student
    # The bootstrap's spread is that of a population, with n in the denominator: sqrt(n / (n - 1))
    # makes a sample's of it.
    return exact / z * math.sqrt(n / (n - 1))


def _f1_interval(confusion: Confusion, label: int) -> Interval:
    """Take Wilson's for the share J = tp / (tp + fp + fn), since F1 = 2J / (1 + J) grows with J.

    Given how many rows have the label or are predicted to, tp is binomial, so J is a share like any
    other; the whole range if there is no such row.
    """
    hits = confusion[label][label]
    rows = sum(confusion[label]) + count_predicted_labels(confusion)[label] - hits
    low, high = (2 * share / (1 + share) for share in wilson_interval(hits, rows))
    return Interval(low, high, "Wilson")


@lru_cache(maxsize=4096)
def _bootstrap_interval(metric: str, confusion: _Cells, labels: tuple[str, ...]) -> Interval:
    """Take percentiles of the metric over resampled rows, widened to hold the metric itself.

    Beside the rows seen one more that is correct and one that is wrong are drawn from, in equal
    parts of every label that occurs: rows alone never show the mistake that has not happened yet,
    and a perfect score would have the interval 1…1. So its low end is about where Wilson's is. A
    correlation needs two labels: if only one occurs, nothing is known about it.
    """
    import numpy as np

    occurring = [label for label, count in enumerate(count_gold_labels(confusion)) if count]
    lowest = -1.0 if metric == "mcc" else 0.0
    if not occurring or (metric == "mcc" and len(occurring) < 2):
        # With a single gold label there is no correlation, whatever is predicted.
        return Interval(lowest, 1.0, "bootstrap")
    gold, predicted, counts = smoothed_cells(confusion)
    # As many rows as were seen are drawn, pseudo-rows or not: the width is that of n rows.
    draws = [
        metric_of_draws(weights, gold, predicted, metric, labels)
        for weights in draws_of_kinds(counts, count_rows(confusion))
    ]
    low, high = percentile_interval(np.concatenate(draws))
    # The pseudo-rows pull the draws towards the middle, so that a score near an end could lie
    # outside of its own interval.
    value = compute_metric(metric, confusion, labels)
    return Interval(max(lowest, min(low, value)), min(1.0, max(high, value)), "bootstrap")


def smoothed_cells(confusion: Confusion) -> tuple[Any, Any, Any]:
    """Return gold labels, predictions and counts of the cells, with the two pseudo-rows.

    Of a matrix with at least one row.
    """
    import numpy as np

    cells = {
        (gold, predicted): float(count)
        for gold, row in enumerate(confusion)
        for predicted, count in enumerate(row)
        if count
    }
    occurring = [label for label, count in enumerate(count_gold_labels(confusion)) if count]
    for label in occurring:
        for cell in ((label, label), (label, most_predicted_mistake(confusion, label))):
            cells[cell] = cells.get(cell, 0.0) + 1 / len(occurring)
    gold, predicted = np.array(list(cells), dtype=np.int64).T
    return gold, predicted, np.array(list(cells.values()))


def most_predicted_mistake(confusion: Confusion, label: int) -> int:
    """Return the most predicted label but this one; the label itself if it is the only one."""
    counts = count_predicted_labels(confusion)
    candidates = [candidate for candidate in range(len(confusion)) if candidate != label]
    return max(candidates, key=lambda candidate: (counts[candidate], -candidate), default=label)
