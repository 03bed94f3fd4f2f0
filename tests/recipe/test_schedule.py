"""The learning rate's course: one formula for the trainer and for the charts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.recipe.schedule import learning_rate_factor
from tuner.training import optimizer

SCHEDULES = st.sampled_from(["linear", "cosine", "constant"])


@given(SCHEDULES, st.integers(1, 500), st.floats(0.0, 0.9))
def test_it_climbs_then_never_climbs_again(schedule: str, updates: int, warmup: float) -> None:
    factors = [learning_rate_factor(schedule, update, updates, warmup) for update in range(updates)]
    climbing = math.ceil(warmup * updates)
    assert all(0.0 <= factor <= 1.0 for factor in factors)
    assert factors[:climbing] == sorted(factors[:climbing])
    assert factors[climbing:] == sorted(factors[climbing:], reverse=True)
    if climbing < updates:
        assert factors[climbing] == 1.0


@pytest.mark.parametrize(
    ("schedule", "half"), [("linear", 0.5), ("cosine", 0.5), ("constant", 1.0)]
)
def test_half_way(schedule: str, half: float) -> None:
    assert learning_rate_factor(schedule, 50, 100, 0.0) == pytest.approx(half)


def test_the_trainer_uses_this_one() -> None:
    assert vars(optimizer)["learning_rate_factor"] is learning_rate_factor


def test_an_unknown_schedule_is_a_bug() -> None:
    with pytest.raises(ValueError, match="no such schedule"):
        learning_rate_factor("square", 5, 10, 0.0)
