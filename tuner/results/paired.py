"""Two models on the same rows: which rows flip, and whether the difference can be told from chance.

All functions take label numbers of the same rows in the same order.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from tuner.results.metrics import PER_LABEL

LEVEL = 0.05
"""Below this p-value two models are said to differ."""
_CHUNK = 250
_K = TypeVar("_K", bound=Hashable)

Labels = Sequence[int]


@dataclass(frozen=True, slots=True)
class Flips:
    """Positions of the rows by who answers them rightly."""

    both: tuple[int, ...]
    only_first: tuple[int, ...]
    only_second: tuple[int, ...]
    neither: tuple[int, ...]

    @property
    def flipped(self) -> tuple[int, ...]:
        """Positions that one of the two answers rightly and the other does not, ascending."""
        return tuple(sorted(self.only_first + self.only_second))

    @property
    def p_value(self) -> float:
        """Of McNemar's exact test."""
        return mcnemar(len(self.only_first), len(self.only_second))


def flips(gold: Labels, first: Labels, second: Labels) -> Flips:
    """The rows by who is right. ValueError where the lengths differ."""
    groups: tuple[list[int], ...] = ([], [], [], [])
    for position, (right, one, other) in enumerate(zip(gold, first, second, strict=True)):
        groups[2 * (one != right) + (other != right)].append(position)
    return Flips(*map(tuple, groups))


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact two-sided test: the p-value of so uneven a split of the flipped rows.

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
    if trials <= 1000:
        return math.log(math.comb(trials, successes)) - trials * math.log(2)
    choose = math.lgamma(trials + 1) - math.lgamma(successes + 1)
    return choose - math.lgamma(trials - successes + 1) - trials * math.log(2)


def undecided(gold: Labels, best: Labels, others: Mapping[_K, Labels]) -> list[_K]:
    """Those that cannot be told apart from the best at `LEVEL`, the nearest to it first.

    Holm's step-down correction for as many tests as there are others keeps the chance of calling
    any equal model different below the level (Holm 1979).
    """
    values = {name: flips(gold, best, other).p_value for name, other in others.items()}
    ascending = sorted(values, key=values.__getitem__)
    for place, name in enumerate(ascending):
        if values[name] >= LEVEL / (len(ascending) - place):
            return ascending[place:][::-1]
    return []


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric of the first less that of the second, with a percentile interval."""

    value: float
    low: float
    high: float


def bootstrap(
    gold: Labels,
    first: Labels,
    second: Labels,
    metric: str = "accuracy",
    labels: Sequence[str] = (),
    *,
    resamples: int = 2000,
    seed: int = 0,
    level: float = 0.95,
) -> Difference | None:
    """The difference of a metric with its paired bootstrap interval; the same for the same seed.

    None for a metric that does not follow from the answers, such as the loss, and without rows.
    Rows are drawn with replacement, both answers of a row together (Efron and Tibshirani 1993).
    """
    import numpy as np

    kinds = Counter(zip(gold, first, second, strict=True))
    if not kinds or not _follows(metric, labels):
        return None
    counts = np.array([list(kinds.values())], dtype=np.int64)
    columns = np.array(list(kinds), dtype=np.int64).T
    classes = int(columns.max()) + 1
    generator = np.random.Generator(np.random.PCG64(seed))
    # Drawing how often each kind of row comes is drawing the rows, and takes no time by rows.
    drawn = [
        generator.multinomial(len(gold), counts[0] / len(gold), size=min(_CHUNK, resamples - start))
        for start in range(0, resamples, _CHUNK)
    ]

    def differences(weights: Any) -> Any:
        one, other = (
            _metric(weights, columns[0], columns[which], classes, metric, labels)
            for which in (1, 2)
        )
        return one - other

    found = np.concatenate([differences(weights) for weights in drawn])
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Difference(float(differences(counts)[0]), float(low), float(high))


def _follows(metric: str, labels: Sequence[str]) -> bool:
    known = ("accuracy", "f1_macro", "mcc", *(PER_LABEL + label for label in labels))
    return metric in known


def _metric(
    weights: Any, gold: Any, answers: Any, classes: int, metric: str, labels: Sequence[str]
) -> Any:
    """A metric of every draw. weights: draws × kinds of rows; gold, answers: kinds."""
    import numpy as np

    one_hot = np.eye(max(classes, len(labels)), dtype=np.int64)
    golds, answered = weights @ one_hot[gold], weights @ one_hot[answers]
    right = weights @ (one_hot[gold] * (gold == answers)[:, None])
    rows = weights.sum(axis=1)
    if metric == "accuracy":
        return right.sum(axis=1) / rows
    if metric == "mcc":
        shared = right.sum(axis=1) * rows - (golds * answered).sum(axis=1)
        spread = 1.0 * (rows**2 - (golds**2).sum(axis=1)) * (rows**2 - (answered**2).sum(axis=1))
        return np.divide(shared, np.sqrt(spread), out=np.zeros(len(rows)), where=spread > 0)
    both = golds + answered
    f1 = np.divide(2 * right, both, out=np.zeros(both.shape), where=both > 0)
    if metric == "f1_macro":
        return f1.sum(axis=1) / (both > 0).sum(axis=1)
    return f1[:, labels.index(metric.removeprefix(PER_LABEL))]
