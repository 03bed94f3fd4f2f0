"""Confusion matrices and what follows from them, exact up to one rounding.

A confusion matrix is a list of rows of counts: confusion[i][j] counts gold label i predicted as j.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from tuner.errors import TunerError
from tuner.recipe.key_parsers import METRICS
from tuner.recipe.nearest import quote_value, spelling_hint

Confusion = Sequence[Sequence[int]]
PER_LABEL = "f1."
_COLLAPSED_LOSS = 100.0


def confusion_matrix(gold: Sequence[int], predicted: Sequence[int], k: int) -> list[list[int]]:
    """Count pairs of (gold, predicted) label indices below `k`."""
    matrix = [[0] * k for _ in range(k)]
    for gold_label, predicted_label in zip(gold, predicted, strict=True):
        matrix[gold_label][predicted_label] += 1
    return matrix


def count_rows(confusion: Confusion) -> int:
    return sum(map(sum, confusion))


def count_correct(confusion: Confusion) -> int:
    return sum(row[i] for i, row in enumerate(confusion))


def count_gold_labels(confusion: Confusion) -> list[int]:
    return [sum(row) for row in confusion]


def count_predicted_labels(confusion: Confusion) -> list[int]:
    return [sum(column) for column in zip(*confusion, strict=True)]


def precision_of_label(confusion: Confusion, label: int) -> float:
    """Return the share of rows predicted as this label that have it; 0 if none is."""
    return _divide_or_zero(confusion[label][label], count_predicted_labels(confusion)[label])


def recall_of_label(confusion: Confusion, label: int) -> float:
    """Return the share of rows with this label that are predicted so; 0 if there are none."""
    return _divide_or_zero(confusion[label][label], sum(confusion[label]))


def f1_of_label(confusion: Confusion, label: int) -> float:
    """Return 2·tp / (gold + predicted), the harmonic mean of precision and recall; 0 for 0 / 0."""
    both = sum(confusion[label]) + count_predicted_labels(confusion)[label]
    return _divide_or_zero(2 * confusion[label][label], both)


def accuracy(confusion: Confusion) -> float:
    return _divide_or_zero(count_correct(confusion), count_rows(confusion))


def f1_macro(confusion: Confusion) -> float:
    """Return the mean F1 of the labels that occur, gold or predicted (as scikit-learn does)."""
    both = map(
        sum, zip(count_gold_labels(confusion), count_predicted_labels(confusion), strict=True)
    )
    scores = [2 * confusion[i][i] / count for i, count in enumerate(both) if count]
    return math.fsum(scores) / len(scores) if scores else 0.0


def matthews_correlation(confusion: Confusion) -> float:
    """Return Matthews' correlation for any number of labels, −1…1; 0 if either side has one label.

    Gorodkin, "Comparing two K-category assignments by a K-category correlation coefficient" (2004).
    """
    gold, predictions, n = (
        count_gold_labels(confusion),
        count_predicted_labels(confusion),
        count_rows(confusion),
    )
    shared = count_correct(confusion) * n - sum(
        g * a for g, a in zip(gold, predictions, strict=True)
    )
    spread_gold = n * n - sum(g * g for g in gold)
    spread_predictions = n * n - sum(a * a for a in predictions)
    if not spread_gold or not spread_predictions:
        return 0.0
    # The root of a square may be one bit off: a model without a mistake would score less than 1.
    if spread_gold == spread_predictions:
        return shared / spread_gold
    return shared / math.sqrt(spread_gold * spread_predictions)


def compute_metrics(confusion: Confusion, labels: Sequence[str]) -> dict[str, float]:
    """Return accuracy, f1_macro, mcc and f1.LABEL for every label: all metrics but the loss."""
    by_name = {
        "accuracy": accuracy(confusion),
        "f1_macro": f1_macro(confusion),
        "mcc": matthews_correlation(confusion),
    }
    return by_name | {
        PER_LABEL + label: f1_of_label(confusion, i) for i, label in enumerate(labels)
    }


def compute_metric(metric: str, confusion: Confusion, labels: Sequence[str]) -> float:
    """Return one metric of a matrix. ValueError if it does not follow from it, such as the loss."""
    by_name = {"accuracy": accuracy, "f1_macro": f1_macro, "mcc": matthews_correlation}
    if metric in by_name:
        return by_name[metric](confusion)
    if not metric.startswith(PER_LABEL):
        raise ValueError(f"{metric} does not follow from a confusion matrix")
    return f1_of_label(confusion, labels.index(metric.removeprefix(PER_LABEL)))


def metric_names_of_task(labels: Sequence[str]) -> tuple[str, ...]:
    return (*METRICS, *(PER_LABEL + label for label in labels))


def check_metric_name(metric: str, labels: Sequence[str], source: str = "") -> None:
    """Refuse a metric that a task with these labels does not have."""
    if metric not in metric_names_of_task(labels):
        begin = f"{source}: " if source else ""
        hint = spelling_hint(metric, metric_names_of_task(labels))
        raise TunerError(f"{begin}search.metric: the data has no {quote_value(metric)}; {hint}")


def direction_of_metric(metric: str) -> str:
    """Return Optuna's word for the direction: "minimize" for the loss, else "maximize"."""
    return "minimize" if metric == "loss" else "maximize"


def gain_in_metric(metric: str, value: float, base: float) -> float:
    """Return how much better a value is than another, positive for better, the loss included."""
    return base - value if direction_of_metric(metric) == "minimize" else value - base


def worst_metric_value(metric: str) -> float:
    """Return what a collapsed trial counts as for samplers: finite, as not all accept infinity."""
    if metric == "loss":
        return _COLLAPSED_LOSS
    return -1.0 if metric == "mcc" else 0.0


def _divide_or_zero(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
