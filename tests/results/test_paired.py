"""Paired tests against scipy, against counting by hand, and by properties."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from tuner.results.metrics import compute_metrics, confusion_matrix
from tuner.results.paired import (
    MetricDifference,
    find_flips,
    indistinguishable_from_best,
    mcnemar_p_value,
    paired_difference,
    paired_loss_difference,
    unpaired_difference,
)

LABELS = ("a", "b", "c")
answers = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=60)


@given(first=st.integers(0, 400), second=st.integers(0, 400))
def test_mcnemar_is_the_binomial_test_at_one_half(first: int, second: int) -> None:
    flipped = first + second
    expected = binomtest(first, flipped, 0.5).pvalue if flipped else 1.0
    assert mcnemar_p_value(first, second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar_p_value(first, second) == mcnemar_p_value(second, first)


@pytest.mark.parametrize(("first", "second"), [(3000, 3200), (5000, 5001), (40_000, 41_000)])
def test_mcnemar_of_many_rows(first: int, second: int) -> None:
    expected = binomtest(first, first + second, 0.5).pvalue
    assert mcnemar_p_value(first, second) == pytest.approx(expected, rel=1e-6)


def test_the_article_s_two_rows_of_138_are_no_difference() -> None:
    assert mcnemar_p_value(0, 2) == 0.5
    assert mcnemar_p_value(0, 6) == pytest.approx(2 / 64)


@given(rows=answers)
def test_flips_put_every_row_in_one_place(rows: list[tuple[int, int, int]]) -> None:
    gold, first, second = zip(*rows, strict=True)
    flips = find_flips(gold, first, second)
    everything = [*flips.both, *flips.only_first, *flips.only_second, *flips.neither]
    assert sorted(everything) == list(range(len(rows)))
    assert all(first[i] == gold[i] == second[i] for i in flips.both)
    assert all(first[i] == gold[i] != second[i] for i in flips.only_first)
    assert all(first[i] != gold[i] == second[i] for i in flips.only_second)
    assert all(first[i] != gold[i] != second[i] for i in flips.neither)
    assert list(flips.flipped_positions) == sorted(flips.only_first + flips.only_second)
    assert flips.mcnemar_p_value == mcnemar_p_value(len(flips.only_first), len(flips.only_second))


@settings(max_examples=15)
@given(rows=answers, metric=st.sampled_from(["accuracy", "f1_macro", "mcc", "f1.b"]))
def test_the_difference_is_of_the_metric_itself(
    rows: list[tuple[int, int, int]], metric: str
) -> None:
    gold, first, second = zip(*rows, strict=True)
    difference = paired_difference(gold, first, second, metric, LABELS)
    ours, theirs = (confusion_matrix(gold, predicted, 3) for predicted in (first, second))
    first_value, second_value = (
        compute_metrics(matrix, LABELS)[metric] for matrix in (ours, theirs)
    )
    assert difference is not None
    assert difference.value == pytest.approx(first_value - second_value, abs=1e-12)
    assert difference.low <= difference.value <= difference.high
    assert difference.p is not None
    assert 0 < difference.p <= 1
    assert difference == paired_difference(gold, first, second, metric, LABELS)
    turned = paired_difference(gold, second, first, metric, LABELS)
    assert turned is not None
    assert turned.value == pytest.approx(-difference.value, abs=1e-12)
    assert turned.p == pytest.approx(difference.p, abs=0.05)
    unpaired = unpaired_difference(ours, theirs, metric, LABELS)
    assert unpaired is not None
    assert unpaired.value == pytest.approx(difference.value, abs=1e-12)
    assert unpaired.low <= unpaired.value <= unpaired.high


def drawn_answers(rows: int, shares: tuple[float, float]) -> list[list[int]]:
    rng = random.Random(4)
    gold = [rng.randrange(2) for _ in range(rows)]
    return [gold] + [
        [label if rng.random() < share else 1 - label for label in gold] for share in shares
    ]


def test_the_interval_of_paired_shares_is_agresti_and_min_s() -> None:
    gold, first, second = drawn_answers(277, (0.85, 0.65))
    difference = paired_difference(gold, first, second, "accuracy", "ab")
    assert difference is not None
    assert difference.is_significant
    assert difference.low > 0
    lost = find_flips(gold, first, second)
    n, b, c = 277 + 2, len(lost.only_first) + 0.5, len(lost.only_second) + 0.5
    half = 1.96 * ((b + c - (b - c) ** 2 / n) ** 0.5) / n
    assert difference.low == pytest.approx((b - c) / n - half, abs=0.006)
    assert difference.high == pytest.approx((b - c) / n + half, abs=0.006)
    assert difference.p == lost.mcnemar_p_value


@pytest.mark.parametrize("metric", ["accuracy", "f1_macro", "mcc"])
def test_equal_predictions_do_not_prove_two_models_equal(metric: str) -> None:
    gold, first, _ = drawn_answers(30, (0.8, 0.8))
    same = paired_difference(gold, first, first, metric, "ab")
    assert same is not None
    assert (same.value, same.p) == (0, 1)
    assert same.low < 0 < same.high


def test_the_exchange_of_predictions_is_mcnemar_s_test_of_balanced_labels() -> None:
    gold, first, second = drawn_answers(200, (0.8, 0.7))
    difference = paired_difference(gold, first, second, "f1_macro", "ab")
    assert difference is not None
    assert difference.p == pytest.approx(find_flips(gold, first, second).mcnemar_p_value, abs=0.03)


def test_losses_are_compared_row_by_row() -> None:
    rng = random.Random(1)
    first = [rng.expovariate(2) for _ in range(100)]
    second = [loss + rng.gauss(0.05, 0.1) for loss in first]
    difference = paired_loss_difference(first, second)
    assert difference is not None
    assert difference.low < difference.value < difference.high < 0
    assert difference.is_significant
    equal = paired_loss_difference(first, first)
    assert equal == MetricDifference(0, 0, 0, 1.0)
    assert paired_loss_difference([0.1], [0.2]) is None


def test_no_difference_of_what_does_not_follow_from_answers() -> None:
    assert paired_difference([0, 1], [0, 1], [0, 0], "loss", "ab") is None
    assert paired_difference([0, 1], [0, 1], [0, 0], "f1.c", "ab") is None
    assert paired_difference([], [], [], "accuracy", "ab") is None
    assert paired_difference([0, 1], [0, 2**31 - 1], [0, 0], "accuracy", "ab") is None
    assert unpaired_difference([[0, 0], [0, 0]], [[1, 0], [0, 1]], "mcc", "ab") is None


def test_what_cannot_be_told_apart_from_the_best() -> None:
    assert indistinguishable_from_best({"4": 0.125, "30": 1e-6, "0": 1.0}) == ["0", "4"]
    assert indistinguishable_from_best({"30": 1e-6}) == []
    assert indistinguishable_from_best({}) == []
    # Seven of seven alone is p = 0.016; beside four others it takes more than that.
    seven = mcnemar_p_value(7, 0)
    assert indistinguishable_from_best({"7": seven}) == []
    assert "7" in indistinguishable_from_best({"7": seven, **{f"same {i}": 1.0 for i in range(4)}})
