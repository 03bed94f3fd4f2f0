"""What a model scores that gives every row the same answer."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.results.majority import Majority, majority_score

LABELS = ("no", "yes")


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        *(("accuracy", 0.95), ("mcc", 0.0), ("f1.no", 2 * 0.95 / 1.95), ("f1.yes", 0.0)),
        ("f1_macro", 0.95 / 1.95),
        ("loss", -0.95 * math.log(0.95) - 0.05 * math.log(0.05)),
    ],
)
def test_the_majority_of_95_to_5(metric: str, value: float) -> None:
    majority = majority_score(metric, [95, 5], LABELS)
    assert majority is not None
    assert majority.label == "no"
    assert majority.value == pytest.approx(value)


def test_the_label_is_the_one_that_training_has_most() -> None:
    assert majority_score("accuracy", [60, 40], LABELS, [10, 90]) == Majority("yes", 0.4)
    assert majority_score("accuracy", [60, 40], LABELS, [50, 50]) == Majority("no", 0.6)
    # Counts of another number of labels, as a hostile log may have them, are none.
    assert majority_score("accuracy", [60, 40], LABELS, [1, 2, 3]) == Majority("no", 0.6)
    assert majority_score("accuracy", [0, 0], LABELS) is None
    assert majority_score("f1.maybe", [60, 40], LABELS) is None


def test_a_label_that_training_lacks_costs_much_but_not_everything() -> None:
    majority = majority_score("loss", [50, 50], LABELS, [100, 0])
    assert majority is not None
    assert 2 < majority.value < 4


@given(st.lists(st.integers(0, 50), min_size=2, max_size=2), st.integers(1, 50))
def test_no_frequencies_but_the_rows_own_lose_less(training: list[int], first: int) -> None:
    gold = [first, 20]
    own_score, training_score = (
        majority_score("loss", gold, LABELS),
        majority_score("loss", gold, LABELS, training),
    )
    assert own_score is not None
    assert training_score is not None
    assert training_score.value >= own_score.value - 1e-12
