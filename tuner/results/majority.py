"""The score of a model that predicts one label for every row: the floor under any score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from tuner.results.metrics import compute_metric, metric_names_of_task

_UNSEEN_LABEL_COUNT = 0.5
"""What a label that training lacks counts as, so that its rows cost much, but not infinitely."""


@dataclass(frozen=True, slots=True)
class Majority:
    """The most frequent label, and the metric of a model that predicts it for every row."""

    label: str
    value: float


def majority_score(
    metric: str, gold: Sequence[int], labels: Sequence[str], training: Sequence[int] = ()
) -> Majority | None:
    """Return the majority score on rows with these counts of gold labels, None without rows.

    The most frequent label is that of the training rows (`training`, their counts by label) if they
    are known, else that of the rows scored; the first of equally frequent ones. The loss is that of
    predicting the labels' frequencies, which no constant prediction can go below.
    """
    if metric not in metric_names_of_task(labels):
        return None
    return _cached_majority_score(metric, tuple(gold), tuple(labels), tuple(training))


@lru_cache(maxsize=256)
def _cached_majority_score(
    metric: str, gold: tuple[int, ...], labels: tuple[str, ...], training: tuple[int, ...]
) -> Majority | None:
    counts = training if sum(training) and len(training) == len(gold) else gold
    if not sum(gold):
        return None
    top = max(range(len(counts)), key=lambda label: (counts[label], -label))
    if metric == "loss":
        return Majority(labels[top], _frequency_loss(gold, counts))
    return Majority(
        labels[top], compute_metric(metric, constant_prediction_matrix(gold, top), labels)
    )


def constant_prediction_matrix(gold: Sequence[int], label: int) -> list[list[int]]:
    return [[count if column == label else 0 for column in range(len(gold))] for count in gold]


def _frequency_loss(gold: Sequence[int], counts: Sequence[int]) -> float:
    weights = [
        max(count, _UNSEEN_LABEL_COUNT if rows else 0.0)
        for count, rows in zip(counts, gold, strict=True)
    ]
    whole = math.fsum(weights)
    costs = (
        -rows * math.log(weight / whole) for rows, weight in zip(gold, weights, strict=True) if rows
    )
    return math.fsum(costs) / sum(gold)
