"""Two models on the same rows: which rows flip, and whether the difference is more than chance.

All functions take label numbers of the same rows in the same order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tuner.results.intervals import most_predicted_mistake, small_sample_factor, smoothed_cells
from tuner.results.metrics import (
    Confusion,
    compute_metric,
    confusion_matrix,
    count_rows,
    metric_names_of_task,
)
from tuner.results.resampling import (
    RESAMPLES,
    draws_of_kinds,
    means_of_draws,
    metric_of_draws,
    percentile_interval,
)

SIGNIFICANCE_LEVEL = 0.05
"""Below this p-value two models are said to differ."""
_CHUNK = 250
_MOST_EXCHANGES = 20_000
_MOST_EXCHANGED_ROWS = 20_000_000
_ROUNDING_ERROR = 1e-12
_PSEUDO_ROWS = 0.5
_MOST_UNNAMED = 1000
_K = TypeVar("_K", bound=Hashable)

Labels = Sequence[int]


@dataclass(frozen=True, slots=True)
class Flips:
    """Positions of the rows by which model predicts them correctly."""

    both: tuple[int, ...]
    only_first: tuple[int, ...]
    only_second: tuple[int, ...]
    neither: tuple[int, ...]

    @property
    def flipped_positions(self) -> tuple[int, ...]:
        """Return, in order, the positions that exactly one of the two predicts correctly."""
        return tuple(sorted(self.only_first + self.only_second))

    @property
    def mcnemar_p_value(self) -> float:
        return mcnemar_p_value(len(self.only_first), len(self.only_second))


def find_flips(gold: Labels, first: Labels, second: Labels) -> Flips:
    """Sort the rows by which model is correct. ValueError if the lengths differ."""
    groups: tuple[list[int], ...] = ([], [], [], [])
    for position, (gold_label, first_label, second_label) in enumerate(
        zip(gold, first, second, strict=True)
    ):
        groups[2 * (first_label != gold_label) + (second_label != gold_label)].append(position)
    return Flips(*map(tuple, groups))


def mcnemar_p_value(only_first: int, only_second: int) -> float:
    """Return the p-value of McNemar's exact two-sided test for this split of the flipped rows.

    A binomial test at one half, as McNemar's "Note on the sampling error of the difference between
    correlated proportions" (1947) has it for small numbers.
    """
    flipped, fewer = only_first + only_second, min(only_first, only_second)
    if only_first == only_second:
        return 1.0
    # The terms of the tail from its largest on: each is that share of the one before.
    term = total = 1.0
    for successes in range(fewer, 0, -1):
        term *= successes / (flipped - successes + 1)
        total += term
        if term < 1e-18 * total:
            break
    return min(1.0, 2 * math.exp(_log_probability(fewer, flipped)) * total)


def _log_probability(successes: int, trials: int) -> float:
    # math.comb is exact, but of a hundred thousand rows a number of thirty thousand digits.
    if trials <= 1000:
        return math.log(math.comb(trials, successes)) - trials * math.log(2)
    choose = math.lgamma(trials + 1) - math.lgamma(successes + 1)
    return choose - math.lgamma(trials - successes + 1) - trials * math.log(2)


def indistinguishable_from_best(p_values: Mapping[_K, float]) -> list[_K]:
    """Return those whose p-value does not separate them from the best, the nearest to it first.

    Holm's step-down correction for as many tests as there are others keeps the chance of calling
    any equal model different below `SIGNIFICANCE_LEVEL` (Holm 1979).
    """
    # Holm: the smallest p-value must pass level/m, the next level/(m - 1), and so on; from the
    # first one that fails all further ones count as not significant, however small they are.
    ascending = sorted(p_values, key=p_values.__getitem__)
    for place, name in enumerate(ascending):
        if p_values[name] >= SIGNIFICANCE_LEVEL / (len(ascending) - place):
            return ascending[place:][::-1]
    return []


@dataclass(frozen=True, slots=True)
class MetricDifference:
    """A metric of the first less that of the second, with its 95 % interval.

    `p` is of a test of the metric itself: McNemar's exact one for the accuracy, else random
    exchange of the two models' predictions; None if the rows could not be paired.
    """

    value: float
    low: float
    high: float
    p: float | None = None

    @property
    def is_significant(self) -> bool:
        """Whether the two differ significantly: by the test, else by the interval."""
        return self.p < SIGNIFICANCE_LEVEL if self.p is not None else not self.low <= 0 <= self.high


def paired_difference(
    gold: Labels, first: Labels, second: Labels, metric: str, labels: Sequence[str]
) -> MetricDifference | None:
    """Return the difference of a metric that follows from the predictions, over the same rows.

    None for the loss and without rows. The interval holds the percentiles of the paired bootstrap:
    rows are drawn with replacement, both predictions of a row together (Efron and Tibshirani 1993).
    Half a row that only the first predicts correctly and half a one of the second's are drawn from
    as well, as Agresti and Min add to every cell ("Simple improved confidence intervals for
    comparing matched proportions", Statistics in Medicine 24, 2005): ten equal predictions do not
    prove two models equal.
    """
    import numpy as np

    if not gold or metric == "loss" or metric not in metric_names_of_task(labels):
        return None
    kinds = Counter(zip(gold, first, second, strict=True))
    classes = max(len(labels), 1 + max(max(kind) for kind in kinds))
    if classes > (len(labels) or _MOST_UNNAMED):
        return None  # A file that was tampered with may name a label of any number.
    first_matrix, second_matrix = (
        confusion_matrix(gold, predicted, classes) for predicted in (first, second)
    )
    value = compute_metric(metric, first_matrix, labels) - compute_metric(
        metric, second_matrix, labels
    )
    smoothed = _with_pseudo_flips(kinds, first_matrix, second_matrix)
    columns = np.array(list(smoothed), dtype=np.int64).T
    counts = np.array(list(smoothed.values()))
    draws = [
        _metric_differences(weights, columns, metric, labels)
        for weights in draws_of_kinds(counts, len(gold))
    ]
    low, high = percentile_interval(np.concatenate(draws))
    # The test uses the rows as they are: pseudo-flips are for the interval, they would bias a test.
    p = _exchange_test_p_value(kinds, value, metric, labels)
    return MetricDifference(value, min(low, value), max(high, value), p)


def _metric_differences(weights: Any, columns: Any, metric: str, labels: Sequence[str]) -> Any:
    gold, first, second = columns
    ours = metric_of_draws(weights, gold, first, metric, labels)
    return ours - metric_of_draws(weights, gold, second, metric, labels)


def _with_pseudo_flips(
    kinds: Mapping[tuple[int, int, int], int], first: Confusion, second: Confusion
) -> dict[tuple[int, int, int], float]:
    cells = {kind: float(count) for kind, count in kinds.items()}
    occurring = {gold for gold, _, _ in kinds}
    for gold in occurring:
        only_first = (gold, gold, most_predicted_mistake(second, gold))
        only_second = (gold, most_predicted_mistake(first, gold), gold)
        for kind in (only_first, only_second):
            cells[kind] = cells.get(kind, 0.0) + _PSEUDO_ROWS / len(occurring)
    return cells


def _exchange_test_p_value(
    kinds: Mapping[tuple[int, int, int], int], value: float, metric: str, labels: Sequence[str]
) -> float:
    """Return how often exchanging each row's predictions at random gives so large a difference.

    If the models were equally good, either could have made either prediction (Yeh, "More accurate
    tests for the statistical significance of result differences", COLING 2000). For the accuracy
    the chance is known without drawing: McNemar's.
    """
    import numpy as np

    if metric == "accuracy":
        first = sum(
            n
            for (gold, first_label, second_label), n in kinds.items()
            if first_label == gold != second_label
        )
        return mcnemar_p_value(
            first,
            sum(
                n
                for (gold, first_label, second_label), n in kinds.items()
                if second_label == gold != first_label
            ),
        )
    generator = np.random.Generator(np.random.PCG64(0))
    columns = np.array(list(kinds), dtype=np.int64).T
    counts = np.array(list(kinds.values()), dtype=np.int64)
    # Of the n rows of a kind a binomial number is exchanged; exchanged rows are a kind of their own
    # with both predictions swapped. So the cost is by kinds, not by rows.
    both_ways = np.concatenate([columns, columns[[0, 2, 1]]], axis=1)
    extreme, exchanges = 0, _count_exchanges(len(counts))
    for _ in range(exchanges // _CHUNK):
        exchanged = generator.binomial(counts, 0.5, size=(_CHUNK, len(counts)))
        weights = np.concatenate([counts - exchanged, exchanged], axis=1)
        draws = _metric_differences(weights, both_ways, metric, labels)
        # Two-sided. An exchange that gives the same difference may differ in its last bits.
        extreme += int(np.sum(np.abs(draws) >= abs(value) - _ROUNDING_ERROR))
    # The observed arrangement is one of the possible ones: p is never 0 (Phipson and Smyth 2010).
    return (1 + extreme) / (1 + exchanges)


def _count_exchanges(rows: int) -> int:
    """Return enough to separate the best of hundreds of trials, as far as time allows."""
    return max(RESAMPLES, min(_MOST_EXCHANGES, _MOST_EXCHANGED_ROWS // rows // _CHUNK * _CHUNK))


def paired_loss_difference(
    first: Sequence[float], second: Sequence[float]
) -> MetricDifference | None:
    """Return the difference of two mean losses over the same rows, None if there are too few.

    Its test flips the sign of each row's difference at random.
    """
    import numpy as np

    if len(first) < 2:
        return None
    rows = np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64)
    value, wider = float(rows.mean()), small_sample_factor(len(rows))
    low, high = (value + wider * (end - value) for end in percentile_interval(means_of_draws(rows)))
    # Exchanging two models' losses on a row flips the sign of their difference there.
    generator = np.random.Generator(np.random.PCG64(0))
    extreme, exchanges = 0, _count_exchanges(len(rows))
    for _ in range(exchanges // _CHUNK):
        signs = generator.integers(0, 2, (_CHUNK, len(rows))) * 2.0 - 1.0
        extreme += int(np.sum(np.abs(signs @ rows) / len(rows) >= abs(value) - _ROUNDING_ERROR))
    p = (1 + extreme) / (1 + exchanges)
    return MetricDifference(value, min(low, value), max(high, value), p)


def unpaired_difference(
    first: Confusion, second: Confusion, metric: str, labels: Sequence[str]
) -> MetricDifference | None:
    """Return the difference of two matrices if it is not known which row went where.

    Each is resampled by itself, so the interval is wider than a paired one, and there is no test.
    None for the loss and without rows.
    """
    import numpy as np

    if (
        metric == "loss"
        or metric not in metric_names_of_task(labels)
        or not count_rows(first) * count_rows(second)
    ):
        return None
    draws = []
    # A seed for each: with one seed both would draw the same rows, as if they were paired.
    for seed, confusion in enumerate((first, second)):
        gold, predicted, counts = smoothed_cells(confusion)
        weights = draws_of_kinds(counts, count_rows(confusion), seed)
        values = [
            metric_of_draws(draw_weights, gold, predicted, metric, labels)
            for draw_weights in weights
        ]
        draws.append(np.concatenate(values))
    value = compute_metric(metric, first, labels) - compute_metric(metric, second, labels)
    low, high = percentile_interval(draws[0] - draws[1])
    return MetricDifference(value, min(low, value), max(high, value))
