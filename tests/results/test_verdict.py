"""Which settings decide: intervals, doubts, and any set of trials."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from tuner.recipe.points import is_point_of_space
from tuner.recipe.types import Choices, Range
from tuner.results.importance import bootstrap_importance, compute_importance
from tuner.results.verdict import ENOUGH_COMPLETE, Verdict, judge_importance

SPACE: dict[str, Range | Choices] = {
    "lr.head": Range(1e-6, 1e-2, "log"),
    "warmup": Range(0.0, 0.2),
    "schedule": Choices(("linear", "cosine")),
}


@dataclass
class Trial:
    number: int
    params: dict[str, Any]
    value: float | None
    state: str = "complete"
    origin: str = "sampled"
    fixed: dict[str, Any] = field(default_factory=dict)
    one_label: bool = False
    evaluations: tuple[Any, ...] = ()


def trials(count: int, seed: int = 3) -> list[Trial]:
    """Make trials in which the rate of the head decides and the warmup does not."""
    rng = random.Random(seed)
    random_trials = []
    for number in range(count):
        share = rng.random()
        params = {
            "lr.head": 1e-6 * 10 ** (4 * share),
            "warmup": 0.2 * rng.random(),
            "schedule": rng.choice(("linear", "cosine")),
        }
        random_trials.append(Trial(number, params, 0.9 - (share - 0.5) ** 2 + 0.01 * rng.random()))
    return random_trials


def judge_trials(sampled_trials: list[Trial], metric: str = "accuracy") -> Verdict:
    def inside(trial: Trial) -> bool:
        return is_point_of_space(trial.origin, {**trial.params, **trial.fixed}, SPACE, {})

    return judge_importance(
        sampled_trials, SPACE, is_point=inside, metric=metric, maximize=True, resamples=40
    )


def test_what_decides_comes_first_with_its_interval() -> None:
    verdict = judge_trials(trials(120))
    assert next(iter(verdict.shares)) == "lr.head"
    assert verdict.shares["lr.head"] > 0.8
    assert sum(verdict.shares.values()) == pytest.approx(1)
    assert verdict.intervals.keys() == verdict.shares.keys()
    assert all(0 <= low <= high <= 1 for low, high in verdict.intervals.values())
    low, high = verdict.intervals["lr.head"]
    assert low <= verdict.shares["lr.head"] <= high
    assert (verdict.trial_count, verdict.complete, verdict.doubt) == (120, 120, "")
    assert "lr.head" not in verdict.negligible_settings()


def test_more_trials_make_it_surer() -> None:
    def width(count: int) -> float:
        low, high = judge_trials(trials(count)).intervals["lr.head"]
        return high - low

    assert width(800) < width(40) / 2


def test_the_same_trials_give_the_same_interval() -> None:
    sampled_trials = trials(60)
    points, values = [t.params for t in sampled_trials], [t.value or 0.0 for t in sampled_trials]
    first = bootstrap_importance(SPACE, points, values, maximize=True, resamples=20)
    assert bootstrap_importance(SPACE, points, values, maximize=True, resamples=20) == first
    assert bootstrap_importance(SPACE, points, values, maximize=True, resamples=20, seed=1) != first
    assert bootstrap_importance(SPACE, points[:3], values[:3], maximize=True) == {}


def test_few_complete_trials_give_a_rough_guide() -> None:
    verdict = judge_trials(trials(ENOUGH_COMPLETE - 1))
    assert verdict.shares
    assert verdict.doubt == "only rough: 49 complete trials, PED-ANOVA needs 50"
    assert judge_trials(trials(ENOUGH_COMPLETE)).doubt == ""


@pytest.mark.parametrize(
    ("chosen", "doubt"),
    [
        ([], "0 of these trials can be compared, and it takes 4"),
        (trials(3), "3 of these trials can be compared, and it takes 4"),
        ([Trial(n, t.params, 0.5) for n, t in enumerate(trials(9))], "the same value"),
    ],
)
def test_why_nothing_can_be_said(chosen: list[Trial], doubt: str) -> None:
    verdict = judge_trials(chosen)
    assert (verdict.shares, verdict.intervals) == ({}, {})
    assert verdict.doubt.endswith(doubt)


def test_what_cannot_differ_cannot_decide() -> None:
    sampled_trials = trials(9)
    for space, doubt in (
        ({}, "the recipe searches nothing"),
        ({"warmup": Range(0.1, 0.1)}, "no setting has more than one value"),
    ):
        for trial in sampled_trials:
            trial.params["warmup"] = 0.1
        verdict = judge_importance(
            sampled_trials, space, is_point=lambda _: True, metric="accuracy", maximize=True
        )
        assert (verdict.shares, verdict.doubt) == ({}, doubt)


def test_it_counts_trials_as_the_study_does() -> None:
    sampled_trials = trials(30)
    sampled_trials[0].state = "pruned"
    sampled_trials[1].state, sampled_trials[1].value = "collapsed", 0.99
    sampled_trials[2].state, sampled_trials[2].value = "failed", None
    sampled_trials[3].state = "running"
    sampled_trials[4].params["lr.head"] = 0.5  # a baseline beyond the range
    sampled_trials[5].fixed = {"epochs": 40}
    verdict = judge_trials(sampled_trials)
    counts = (verdict.complete, verdict.pruned, verdict.collapsed, verdict.outside)
    assert counts == (24, 1, 1, 2)
    points = [sampled_trials[0], sampled_trials[1], *sampled_trials[6:]]
    values = [0.0 if t is sampled_trials[1] else t.value or math.nan for t in points]
    assert dict(verdict.shares) == compute_importance(
        SPACE, [t.params for t in points], values, maximize=True
    )


def test_a_filter_changes_what_decides() -> None:
    """Among the good ones the rate does not decide any more, so something else looks larger."""
    sampled_trials = trials(400)
    good = [trial for trial in sampled_trials if (trial.value or 0) > 0.895]
    assert 30 < len(good) < 200
    assert judge_trials(good).shares["lr.head"] < judge_trials(sampled_trials).shares["lr.head"]
    assert judge_trials(good).trial_count == len(good)
