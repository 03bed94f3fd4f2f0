"""Paired tests against scipy, against counting by hand, and by properties."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from tuner.results.metrics import confusion_matrix, metrics
from tuner.results.paired import bootstrap, flips, mcnemar, undecided

LABELS = ("a", "b", "c")
answers = st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=60)


@given(first=st.integers(0, 400), second=st.integers(0, 400))
def test_mcnemar_is_the_binomial_test_at_one_half(first: int, second: int) -> None:
    flipped = first + second
    expected = binomtest(first, flipped, 0.5).pvalue if flipped else 1.0
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-9)
    assert mcnemar(first, second) == mcnemar(second, first)


@pytest.mark.parametrize(("first", "second"), [(3000, 3200), (5000, 5001), (40_000, 41_000)])
def test_mcnemar_of_many_rows(first: int, second: int) -> None:
    expected = binomtest(first, first + second, 0.5).pvalue
    assert mcnemar(first, second) == pytest.approx(expected, rel=1e-6)


def test_the_article_s_two_rows_of_138_are_no_difference() -> None:
    assert mcnemar(0, 2) == 0.5
    assert mcnemar(0, 6) == pytest.approx(2 / 64)


@given(rows=answers)
def test_flips_put_every_row_in_one_place(rows: list[tuple[int, int, int]]) -> None:
    gold, first, second = zip(*rows, strict=True)
    found = flips(gold, first, second)
    everything = [*found.both, *found.only_first, *found.only_second, *found.neither]
    assert sorted(everything) == list(range(len(rows)))
    assert all(first[i] == gold[i] == second[i] for i in found.both)
    assert all(first[i] == gold[i] != second[i] for i in found.only_first)
    assert all(first[i] != gold[i] == second[i] for i in found.only_second)
    assert all(first[i] != gold[i] != second[i] for i in found.neither)
    assert list(found.flipped) == sorted(found.only_first + found.only_second)
    assert found.p_value == mcnemar(len(found.only_first), len(found.only_second))


@settings(deadline=None, max_examples=30)
@given(rows=answers, metric=st.sampled_from(["accuracy", "f1_macro", "mcc", "f1.b"]))
def test_the_bootstrap_is_about_the_metric_itself(
    rows: list[tuple[int, int, int]], metric: str
) -> None:
    gold, first, second = zip(*rows, strict=True)
    found = bootstrap(gold, first, second, metric, LABELS, resamples=50)
    one, other = (
        metrics(confusion_matrix(gold, answer, 3), LABELS)[metric] for answer in (first, second)
    )
    assert found is not None
    assert found.value == pytest.approx(one - other, abs=1e-12)
    assert found.low <= found.high
    assert found == bootstrap(gold, first, second, metric, LABELS, resamples=50)


def test_the_bootstrap_is_seeded_and_its_interval_honest() -> None:
    rng = random.Random(4)
    gold = [rng.randrange(2) for _ in range(277)]
    first = [right if rng.random() < 0.85 else 1 - right for right in gold]
    second = [right if rng.random() < 0.65 else 1 - right for right in gold]
    found = bootstrap(gold, first, second)
    assert found is not None
    assert found.low > 0
    assert found != bootstrap(gold, first, second, seed=1)
    same = bootstrap(gold, first, first)
    assert same is not None
    assert (same.value, same.low, same.high) == (0, 0, 0)
    # The normal approximation for paired shares.
    lost = flips(gold, first, second)
    n, b, c = len(gold), len(lost.only_first), len(lost.only_second)
    deviation = ((b + c) / n**2 - (b - c) ** 2 / n**3) ** 0.5
    assert found.high - found.low == pytest.approx(2 * 1.96 * deviation, rel=0.1)


def test_no_bootstrap_of_what_does_not_follow_from_answers() -> None:
    assert bootstrap([0, 1], [0, 1], [0, 0], "loss") is None
    assert bootstrap([], [], []) is None


def test_what_cannot_be_told_apart_from_the_best() -> None:
    gold = [0] * 100
    right = [0] * 100
    slightly, clearly = [1] * 4 + [0] * 96, [1] * 30 + [0] * 70
    assert undecided(gold, right, {"4": slightly, "30": clearly, "0": right}) == ["0", "4"]
    assert undecided(gold, right, {"30": clearly}) == []
    assert undecided(gold, right, {}) == []
    # Seven of seven alone is p = 0.016; beside four others it takes more than that.
    seven = [1] * 7 + [0] * 93
    assert undecided(gold, right, {"7": seven}) == []
    assert "7" in undecided(gold, right, {"7": seven, **{f"same {i}": right for i in range(4)}})
