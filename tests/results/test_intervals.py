"""Wilson's interval."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.results.intervals import wilson


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
    assert wilson(correct, n) == pytest.approx((low, high), abs=1e-4)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_share_is_inside_and_more_rows_tell_more(drawn: tuple[int, int]) -> None:
    correct, n = drawn
    low, high = wilson(correct, n)
    assert 0 <= low <= correct / n <= high <= 1
    wider_low, wider_high = wilson(correct, n, 0.99)
    assert wider_low <= low
    assert high <= wider_high
    low10, high10 = wilson(10 * correct, 10 * n)
    assert high10 - low10 < high - low


@pytest.mark.parametrize(("correct", "n"), [(-1, 3), (4, 3)])
def test_impossible_counts_are_a_bug(correct: int, n: int) -> None:
    with pytest.raises(ValueError):
        wilson(correct, n)
