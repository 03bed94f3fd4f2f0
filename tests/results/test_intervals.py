"""Every metric's own interval."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.results.intervals import (
    Interval,
    loss_interval,
    metric_interval,
    small_sample_factor,
    wilson_interval,
)
from tuner.results.metrics import compute_metrics


@pytest.mark.parametrize(
    ("correct", "n", "low", "high"),
    [
        # worked with z = 1.959964: (p + z²/2n ± z·√(p(1−p)/n + z²/4n²)) / (1 + z²/n)
        (5, 10, 0.2366, 0.7634),
        (0, 10, 0.0, 0.2775),
        (10, 10, 0.7225, 1.0),
        (121, 138, 0.8115, 0.9216),
        (0, 0, 0.0, 1.0),
    ],
)
def test_wilson(correct: int, n: int, low: float, high: float) -> None:
    assert wilson_interval(correct, n) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_is_inside_and_more_rows_tell_more(correct_and_total: tuple[int, int]) -> None:
    correct, n = correct_and_total
    low, high = wilson_interval(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
    wider_low, wider_high = wilson_interval(correct, n, 0.99)
    assert wider_low <= low
    assert high <= wider_high
    low10, high10 = wilson_interval(10 * correct, 10 * n)
    assert high10 - low10 < high - low


@pytest.mark.parametrize(("correct", "n"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_a_bug(correct: int, n: int) -> None:
    with pytest.raises(ValueError):
        wilson_interval(correct, n)


LABELS = ("a", "b", "c")
METRICS = ("accuracy", "f1_macro", "mcc", "f1.a", "f1.c")
cells = st.lists(st.integers(0, 12), min_size=9, max_size=9)


def matrix_of(counts: list[int]) -> list[list[int]]:
    return [counts[0:3], counts[3:6], counts[6:9]]


@given(counts=cells, metric=st.sampled_from(METRICS))
def test_every_metric_lies_in_its_own_interval(counts: list[int], metric: str) -> None:
    confusion = matrix_of(counts)
    interval = metric_interval(metric, confusion, LABELS)
    assert interval is not None
    lowest = -1 if metric == "mcc" else 0
    assert (
        lowest <= interval.low <= compute_metrics(confusion, LABELS)[metric] <= interval.high <= 1
    )
    assert interval.low < interval.high
    assert interval == metric_interval(metric, [list(row) for row in confusion], list(LABELS))


@pytest.mark.parametrize("metric", METRICS)
def test_of_nothing_nothing_is_known(metric: str) -> None:
    interval = metric_interval(metric, [[0] * 3] * 3, LABELS)
    assert interval is not None
    assert (interval.low, interval.high) == (-1 if metric == "mcc" else 0, 1)


@pytest.mark.parametrize("n", [10, 40, 200])
def test_a_perfect_score_has_about_wilson_s_interval(n: int) -> None:
    perfect = [[n // 2, 0], [0, n // 2]]
    low = wilson_interval(n, n)[0]
    for metric in ("f1_macro", "f1.a"):
        interval = metric_interval(metric, perfect, "ab")
        assert interval is not None
        assert interval.high == 1
        assert interval.low == pytest.approx(low, abs=0.3 * (1 - low) + 0.01)
    of_mcc = metric_interval("mcc", perfect, "ab")
    assert of_mcc is not None
    assert 1 - of_mcc.low == pytest.approx(2 * (1 - low), rel=0.4)


def test_one_label_alone_says_nothing_of_a_correlation() -> None:
    interval = metric_interval("mcc", [[15, 0], [0, 0]], "ab")
    assert interval == Interval(-1.0, 1.0, "bootstrap")


def test_no_interval_where_there_is_no_such_metric() -> None:
    assert metric_interval("loss", [[1, 0], [0, 1]], "ab") is None
    assert metric_interval("f1.z", [[1, 0], [0, 1]], "ab") is None


@given(st.lists(st.floats(0, 20), min_size=2, max_size=40))
def test_a_loss_lies_in_its_interval(losses: list[float]) -> None:
    interval = loss_interval(losses)
    assert interval is not None
    assert 0 <= interval.low <= sum(losses) / len(losses) + 1e-9
    assert interval.high >= sum(losses) / len(losses) - 1e-9


def test_one_loss_has_no_interval() -> None:
    assert loss_interval([0.3]) is None
    assert small_sample_factor(2) == pytest.approx(12.706 / 1.96 * 2**0.5, rel=1e-3)
    assert small_sample_factor(10) == pytest.approx(2.262 / 1.96 * (10 / 9) ** 0.5, rel=3e-3)


COVERED = {
    "balanced": ([0.5, 0.5], [0.85, 0.85], 40),
    "nearly perfect": ([0.5, 0.5], [0.99, 0.99], 60),
    "rare label": ([0.95, 0.05], [0.98, 0.6], 200),
    "three labels, few rows": ([0.6, 0.3, 0.1], [0.9, 0.7, 0.6], 30),
}


@pytest.mark.parametrize("metric", ["f1_macro", "mcc", "f1.a"])
@pytest.mark.parametrize("case", COVERED)
def test_intervals_hold_the_truth_as_often_as_they_say(case: str, metric: str) -> None:
    shares, recalls, rows = COVERED[case]
    k = len(shares)
    truth = np.array(
        [
            [p * (r if i == j else (1 - r) / (k - 1)) for j in range(k)]
            for i, (p, r) in enumerate(zip(shares, recalls, strict=True))
        ]
    )
    labels = LABELS[:k]
    value = compute_metrics(np.rint(1e6 * truth).astype(int).tolist(), labels)[metric]
    generator = np.random.default_rng(3)
    confusions = [
        generator.multinomial(rows, truth.ravel()).reshape(k, k).tolist() for _ in range(60)
    ]
    intervals = [metric_interval(metric, confusion, labels) for confusion in confusions]
    assert (
        sum(interval is not None and interval.contains_value(value) for interval in intervals) >= 52
    )


def test_intervals_of_losses_hold_the_truth() -> None:
    generator = np.random.default_rng(5)
    intervals = [loss_interval(generator.exponential(0.5, 30).tolist()) for _ in range(60)]
    assert (
        sum(interval is not None and interval.contains_value(0.5) for interval in intervals) >= 51
    )
