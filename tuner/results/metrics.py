"""Confusion matrices and what follows from them, exact up to one rounding.

A confusion matrix is a list of rows of counts: confusion[i][j] counts gold label i answered as j.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuner.errors import TunerError
from tuner.recipe.nearest import show, suggestion
from tuner.recipe.schema import METRICS

Confusion = Sequence[Sequence[int]]
PER_LABEL = "f1."
_COLLAPSED_LOSS = 100.0


def confusion_matrix(gold: Sequence[int], predicted: Sequence[int], k: int) -> list[list[int]]:
    """Counts of (gold, predicted) label indices below `k`."""
    matrix = [[0] * k for _ in range(k)]
    for right, answer in zip(gold, predicted, strict=True):
        matrix[right][answer] += 1
    return matrix


def total(confusion: Confusion) -> int:
    """The number of rows."""
    return sum(map(sum, confusion))


def correct(confusion: Confusion) -> int:
    """The number of rows answered rightly."""
    return sum(row[i] for i, row in enumerate(confusion))


def gold_counts(confusion: Confusion) -> list[int]:
    """Rows of each gold label."""
    return [sum(row) for row in confusion]


def predicted_counts(confusion: Confusion) -> list[int]:
    """Rows answered with each label."""
    return [sum(column) for column in zip(*confusion, strict=True)]


def precision(confusion: Confusion, label: int) -> float:
    """The share of rows answered with this label that have it; 0 where none was."""
    return _share(confusion[label][label], predicted_counts(confusion)[label])


def recall(confusion: Confusion, label: int) -> float:
    """The share of rows with this label that were answered so; 0 where there are none."""
    return _share(confusion[label][label], sum(confusion[label]))


def f1(confusion: Confusion, label: int) -> float:
    """The harmonic mean of precision and recall, 2·tp / (gold + predicted); 0 if both are empty."""
    both = sum(confusion[label]) + predicted_counts(confusion)[label]
    return _share(2 * confusion[label][label], both)


def accuracy(confusion: Confusion) -> float:
    """The share of rows answered rightly."""
    return _share(correct(confusion), total(confusion))


def f1_macro(confusion: Confusion) -> float:
    """The mean F1 of the labels that occur, as gold or as answer (as scikit-learn has it)."""
    both = map(sum, zip(gold_counts(confusion), predicted_counts(confusion), strict=True))
    scores = [2 * confusion[i][i] / count for i, count in enumerate(both) if count]
    return math.fsum(scores) / len(scores) if scores else 0.0


def mcc(confusion: Confusion) -> float:
    """Matthews' correlation for any number of labels, −1…1; 0 where gold or answers are one label.

    Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient" (2004).
    """
    gold, answers, n = gold_counts(confusion), predicted_counts(confusion), total(confusion)
    shared = correct(confusion) * n - sum(g * a for g, a in zip(gold, answers, strict=True))
    spread_gold = n * n - sum(g * g for g in gold)
    spread_answers = n * n - sum(a * a for a in answers)
    if not spread_gold or not spread_answers:
        return 0.0
    if spread_gold == spread_answers:
        return shared / spread_gold
    return shared / math.sqrt(spread_gold * spread_answers)


def metrics(confusion: Confusion, labels: Sequence[str]) -> dict[str, float]:
    """accuracy, f1_macro, mcc and f1.LABEL for every label (everything but the loss)."""
    out = {"accuracy": accuracy(confusion), "f1_macro": f1_macro(confusion), "mcc": mcc(confusion)}
    return out | {PER_LABEL + label: f1(confusion, i) for i, label in enumerate(labels)}


def value_of(metric: str, confusion: Confusion, labels: Sequence[str]) -> float:
    """One metric of a matrix. ValueError for what does not follow from it, such as the loss."""
    by_name = {"accuracy": accuracy, "f1_macro": f1_macro, "mcc": mcc}
    if metric in by_name:
        return by_name[metric](confusion)
    if not metric.startswith(PER_LABEL):
        raise ValueError(f"{metric} does not follow from a confusion matrix")
    return f1(confusion, labels.index(metric.removeprefix(PER_LABEL)))


def metric_names(labels: Sequence[str]) -> tuple[str, ...]:
    """Every metric of a task with these labels."""
    return (*METRICS, *(PER_LABEL + label for label in labels))


def check_metric(metric: str, labels: Sequence[str], source: str = "") -> None:
    """Refuses a metric that a task with these labels does not have."""
    if metric not in metric_names(labels):
        begin = f"{source}: " if source else ""
        hint = suggestion(metric, metric_names(labels))
        raise TunerError(f"{begin}search.metric: the data has no {show(metric)}; {hint}")


def direction(metric: str) -> str:
    """Optuna's word for where a metric should go: "minimize" for the loss, else "maximize"."""
    return "minimize" if metric == "loss" else "maximize"


def gain(metric: str, value: float, base: float) -> float:
    """How much better a value is than another: the difference, turned round for the loss."""
    return base - value if direction(metric) == "minimize" else value - base


def worst_value(metric: str) -> float:
    """What a collapsed trial counts as for the sampler: finite, as not all take infinity."""
    if metric == "loss":
        return _COLLAPSED_LOSS
    return -1.0 if metric == "mcc" else 0.0


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
