"""Benchmarks go on where they stopped, and conclude what their measurements say."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest
from kit.arithmetic import Shape
from kit.decisions import LoggedEvaluation, replay_study
from kit.ledger import Ledger, TimeLimit
from kit.limits import Limits
from kit.parity_tables import compare_scores
from kit.training_rows import Contenders
from kit.work import Work

WARM_UP = 0.06
SHARES = (0.2, 0.4, 0.6, 0.8, 1.0)
BALANCED, ONE_LABEL = [[40, 10], [10, 40]], [[50, 0], [50, 0]]


def evaluations_of(score: float, *, constant: bool = False) -> list[LoggedEvaluation]:
    return [
        LoggedEvaluation(
            share=share,
            score=score,
            confusion=ONE_LABEL if constant else BALANCED,
            train_loss=0.6932,
            updates=20,
            guess_loss=0.6931,
            loss_spread=0.01,
            row_information=0.0 if constant else 0.2,
        )
        for share in SHARES
    ]


def test_a_measurement_is_found_again_under_its_own_settings_alone(tmp_path: Path) -> None:
    path = tmp_path / "results" / "parity.jsonl"
    Ledger(path).add_answer({"side": "tuner fp32", "seed": 1}, {"score": 0.9})

    ledger = Ledger(path)

    assert ledger.find_answer({"seed": 1, "side": "tuner fp32"}) == {"score": 0.9}
    assert ledger.find_answer({"seed": 2, "side": "tuner fp32"}) is None


def test_without_a_time_limit_everything_is_measured() -> None:
    assert not TimeLimit(0).has_passed()
    assert TimeLimit(1e-9).has_passed()


def test_each_type_has_the_limit_of_its_own_fastest_kernel() -> None:
    limits = Limits("cpu", Shape(1, 8, 32, 0, 0, 0), tokens=4, seconds=1.0)
    limits.add_rates("1 thread", {"torch fp32": 95.0, "onednn fp32": 100.0, "bf16": 205.0})
    limits.add_rates("2 threads", {"torch fp32": 190.0, "onednn fp32": 180.0, "bf16": 400.0})

    assert limits.rate_of_precision("fp32") == 190.0
    assert limits.rate_of_precision("bf16") == limits.best_rate() == 400.0
    assert limits.has_fast_bf16()


def test_slow_bf16_is_not_a_contender() -> None:
    limits = Limits("cpu", Shape(1, 8, 32, 0, 0, 0), tokens=4, seconds=1.0)
    limits.add_rates("1 thread", {"torch fp32": 95.0, "bf16": 120.0})

    assert not limits.has_fast_bf16()


def test_replayed_trials_end_as_a_study_would_have_ended_them() -> None:
    trials = [
        evaluations_of(0.8),
        evaluations_of(0.7),
        evaluations_of(0.6),
        evaluations_of(0.5, constant=True),
        evaluations_of(0.9),
    ]

    outcomes = replay_study(trials, WARM_UP)

    # The first two have nobody to be compared with; the third is the worst of three.
    assert [outcome.rule for outcome in outcomes] == ["", "", "pruned", "pruned", ""]
    alone = replay_study([evaluations_of(0.5, constant=True)], WARM_UP)
    assert alone[0].rule == "collapsed"
    assert alone[0].share < 1.0


def test_trials_of_the_same_draws_are_compared_one_by_one() -> None:
    noise = [0.0, 0.1, -0.1, 0.2]
    ours = {(1e-4, seed): {"score": 0.7 + value} for seed, value in enumerate(noise)}
    theirs = {
        (1e-4, seed): {"score": 0.69 + value + 0.001 * seed} for seed, value in enumerate(noise)
    }

    paired = compare_scores(ours, theirs, "tuner bf16", "tuner fp32")
    independent = compare_scores(ours, theirs, "tuner bf16", "Trainer fp32")

    assert paired["mean"] == pytest.approx(independent["mean"])
    assert paired["low"] > 0 > independent["low"]


@pytest.mark.parametrize(
    ("only", "names"),
    [
        ("^tuner$,^Trainer$", ["tuner", "Trainer"]),
        ("bf16$", ["Trainer bf16"]),
        ("fp32.* at once", ["tuner fp32, 2 at once"]),
    ],
)
def test_contenders_are_selected_by_patterns(only: str, names: list[str]) -> None:
    options = argparse.Namespace(threads=2, device="cpu", only=only, smoke=False)
    work = Work(
        model="m",
        train="t",
        validation="v",
        labels=["a", "b"],
        pair=False,
        max_length=64,
        batch_size=16,
        threads=2,
        device="cpu",
        scratch="",
    )

    rows = Contenders(options, work, side_by_side=2, kind="bert").make_rows()

    assert [row.name for row in rows] == names
    assert all(row.contender.request["threads"] * row.contender.copies == 2 for row in rows)
