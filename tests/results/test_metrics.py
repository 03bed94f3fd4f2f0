"""Metrics against tables made by hand, and against their definitions."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import TunerError
from tuner.results.metrics import (
    accuracy,
    check_metric_name,
    compute_metrics,
    confusion_matrix,
    count_correct,
    count_gold_labels,
    count_predicted_labels,
    count_rows,
    direction_of_metric,
    f1_macro,
    f1_of_label,
    matthews_correlation,
    metric_names_of_task,
    precision_of_label,
    recall_of_label,
    worst_metric_value,
)

Matrix = list[list[int]]

# matrix, accuracy, F1 of each label, macro F1, MCC; all worked out by hand
TABLES: list[tuple[Matrix, Fraction, list[Fraction], Fraction, float]] = [
    # 121 of 146 and 96 of 131 right
    (
        [[121, 25], [35, 96]],
        Fraction(217, 277),
        [Fraction(242, 302), Fraction(192, 252)],
        (Fraction(242, 302) + Fraction(192, 252)) / 2,
        (121 * 96 - 25 * 35) / math.sqrt(156 * 146 * 121 * 131),
    ),
    # one label answered throughout
    (
        [[76, 0], [62, 0]],
        Fraction(76, 138),
        [Fraction(152, 214), Fraction(0)],
        Fraction(76, 214),
        0.0,
    ),
    # all right, all wrong
    ([[3, 0], [0, 5]], Fraction(1), [Fraction(1), Fraction(1)], Fraction(1), 1.0),
    ([[0, 3], [5, 0]], Fraction(0), [Fraction(0), Fraction(0)], Fraction(0), -1.0),
    # three labels: (12·15 − (4·6+5·5+6·4)... with s = 15, c = 12, t = (5, 4, 6), p = (5, 5, 5)
    (
        [[4, 1, 0], [0, 3, 1], [1, 1, 4]],
        Fraction(11, 15),
        [Fraction(8, 10), Fraction(6, 9), Fraction(8, 11)],
        (Fraction(8, 10) + Fraction(6, 9) + Fraction(8, 11)) / 3,
        (11 * 15 - (5 * 5 + 4 * 5 + 6 * 5)) / math.sqrt((225 - 77) * (225 - 75)),
    ),
    # a label that occurs nowhere is left out of the mean
    (
        [[2, 0, 0], [0, 0, 0], [1, 0, 1]],
        Fraction(3, 4),
        [Fraction(4, 5), Fraction(0), Fraction(2, 3)],
        (Fraction(4, 5) + Fraction(2, 3)) / 2,
        (3 * 4 - (2 * 3 + 2 * 1)) / math.sqrt((16 - 8) * (16 - 10)),
    ),
]


@pytest.mark.parametrize(("matrix", "share", "scores", "macro", "correlation"), TABLES)
def test_tables(
    matrix: Matrix, share: Fraction, scores: list[Fraction], macro: Fraction, correlation: float
) -> None:
    assert accuracy(matrix) == float(share)
    assert [f1_of_label(matrix, i) for i in range(len(matrix))] == [
        float(score) for score in scores
    ]
    assert f1_macro(matrix) == pytest.approx(float(macro), abs=1e-15)
    assert matthews_correlation(matrix) == pytest.approx(correlation, abs=1e-15)


def test_the_scores_of_the_article() -> None:
    assert [round(n / 138, 4) for n in (112, 121, 123)] == [0.8116, 0.8768, 0.8913]
    assert accuracy([[76, 0], [62, 0]]) == 76 / 138


def test_names() -> None:
    labels = ["entailment", "not_entailment"]
    assert list(compute_metrics([[1, 0], [0, 1]], labels)) == [
        "accuracy", "f1_macro", "mcc", "f1.entailment", "f1.not_entailment",
    ]  # fmt: skip
    assert set(compute_metrics([[1, 0], [0, 1]], labels)) | {"loss"} == set(
        metric_names_of_task(labels)
    )
    check_metric_name("f1.entailment", labels)
    with pytest.raises(TunerError, match=r'r.toml: search.metric: .* did you mean "f1.entailment"'):
        check_metric_name("f1.entailed", labels, "r.toml")


def test_directions_and_worst_values() -> None:
    assert direction_of_metric("loss") == "minimize"
    assert {direction_of_metric(name) for name in ("accuracy", "mcc", "f1.a")} == {"maximize"}
    assert [worst_metric_value(name) for name in ("accuracy", "f1_macro", "f1.a", "mcc")] == [
        0,
        0,
        0,
        -1,
    ]
    assert math.isfinite(worst_metric_value("loss"))


pairs = st.integers(1, 5).flatmap(
    lambda k: st.tuples(
        st.just(k),
        st.lists(st.tuples(st.integers(0, k - 1), st.integers(0, k - 1)), min_size=1, max_size=60),
    )
)


@given(pairs)
def test_against_the_definitions(classes_and_rows: tuple[int, list[tuple[int, int]]]) -> None:
    k, rows = classes_and_rows
    gold, predicted = [g for g, _ in rows], [p for _, p in rows]
    matrix = confusion_matrix(gold, predicted, k)
    n = len(rows)
    assert count_rows(matrix) == n
    assert count_gold_labels(matrix) == [gold.count(i) for i in range(k)]
    assert count_predicted_labels(matrix) == [predicted.count(i) for i in range(k)]
    assert count_correct(matrix) == sum(g == p for g, p in rows)
    for i in range(k):
        hits = sum(g == p == i for g, p in rows)
        assert precision_of_label(matrix, i) == (hits / predicted.count(i) if i in predicted else 0)
        assert recall_of_label(matrix, i) == (hits / gold.count(i) if i in gold else 0)
    assert matthews_correlation(matrix) == pytest.approx(covariance_mcc(rows, k), abs=1e-12)
    occurs = sorted({*gold, *predicted})
    assert f1_macro(matrix) == pytest.approx(
        sum(f1_of_label(matrix, i) for i in occurs) / len(occurs)
    )
    assert -1 <= matthews_correlation(matrix) <= 1


def covariance_mcc(rows: list[tuple[int, int]], k: int) -> float:
    """Gorodkin's definition: the correlation of the indicator matrices of gold and answers."""
    n = len(rows)
    both = answers = gold = 0.0
    for label in range(k):
        g_mean = sum(g == label for g, _ in rows) / n
        p_mean = sum(p == label for _, p in rows) / n
        both += sum(((g == label) - g_mean) * ((p == label) - p_mean) for g, p in rows)
        gold += sum(((g == label) - g_mean) ** 2 for g, _ in rows)
        answers += sum(((p == label) - p_mean) ** 2 for _, p in rows)
    return both / math.sqrt(gold * answers) if gold > 1e-12 and answers > 1e-12 else 0.0


@given(st.lists(st.integers(0, 4), min_size=2).filter(lambda gold: len(set(gold)) > 1))
def test_answers_that_are_all_right(gold: list[int]) -> None:
    matrix = confusion_matrix(gold, gold, 5)
    assert (accuracy(matrix), f1_macro(matrix), matthews_correlation(matrix)) == (1.0, 1.0, 1.0)


def test_large_counts_stay_exact() -> None:
    big = 10**9
    assert matthews_correlation([[big, 0], [0, big + 1]]) == 1.0
    assert matthews_correlation([[big, big], [big, big]]) == 0.0


def test_unequal_lengths_are_a_bug() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        confusion_matrix([0, 1], [0], 2)
