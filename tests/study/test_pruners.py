"""The rules, on tables of values."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.study import StudyDirection

from tests.study.toy_study import MIDDLE, open_toy_study, search
from tuner.errors import TunerError
from tuner.results.standing import cumulative_kept_values
from tuner.study import RungDecision, Study
from tuner.study.pruners import Halving, Median, Patient, build_pruning_rule, percent_of_schedule

MAXIMIZE, MINIMIZE = StudyDirection.MAXIMIZE, StudyDirection.MINIMIZE


def judge_curves(rule: Halving | Median | Patient, curves: list[dict[int, float]]) -> list[str]:
    """Each trial in turn walks along its curve: how far, and why it ended."""
    ends = []
    for number, curve in enumerate(curves):
        walked: dict[int, float] = {}
        for percent, value in curve.items():
            walked[percent] = value
            decision = rule.judge_trial(number, percent, walked)
            if decision is not None and not decision.kept:
                ends.append(f"{percent}: {decision.rank} of {decision.among}")
                break
        else:
            ends.append("end")
        rule.learn_curve(number, walked, complete=ends[-1] == "end")
    return ends


@pytest.mark.parametrize(
    ("share", "percent"), [(0, 0), (1 / 3, 33), (2 / 3, 66), (0.29, 29), (0.999, 99), (1, 100)]
)
def test_shares_are_whole_percents(share: float, percent: int) -> None:
    assert percent_of_schedule(share) == percent


@pytest.mark.parametrize("sign", [1, -1])
def test_halving_keeps_the_best_half_at_each_rung(sign: int) -> None:
    rule = Halving(1 / 3, 2, MAXIMIZE if sign == 1 else MINIMIZE)
    finals = [0.5, 0.6, 0.4, 0.7, 0.55, 0.65, 0.62]
    curves = [{16: 0.0, 33: sign * v, 66: sign * v, 100: sign * v} for v in finals]
    assert judge_curves(rule, curves) == [
        "end",  # alone
        "end",  # two values are too few to prune
        "33: 3 of 3",
        "end",
        "66: 3 of 4",  # the best 3 of 5 stay at the first rung, the best 2 of 4 at the second
        "end",
        "end",
    ]


def test_a_decision_tells_everything_about_the_comparison() -> None:
    rule = Halving(1 / 3, 2, MAXIMIZE)
    for number, value in enumerate([0.5, 0.6, 0.7]):
        rule.learn_curve(number, {33: value}, complete=False)
    decision = rule.judge_trial(3, 40, {20: 0.9, 40: 0.55})
    assert decision == RungDecision(
        share=1 / 3,
        kept=False,
        value=0.55,
        cutoff=0.6,
        rank=3,
        among=4,
        rule="halving: best 2 of 4",
    )
    assert rule.judge_trial(3, 40, {20: 0.9, 40: 0.55}) == decision


def test_equal_values_share_the_better_rank() -> None:
    """Collapsed models all have one of two scores; a tie is no reason to prefer the earlier one."""
    rule = Halving(1 / 3, 2, MAXIMIZE)
    assert judge_curves(rule, [{33: 0.5507}] * 6) == ["end"] * 6
    assert judge_curves(rule, [{}] * 6 + [{33: 0.4493}]) == ["end"] * 6 + ["33: 7 of 7"]


@pytest.mark.parametrize(
    ("first", "curve", "rungs"),
    [
        (1 / 3, [16, 33, 50, 66, 83, 100], {33: 1 / 3, 66: 2 / 3}),
        (1 / 3, [50, 100], {50: 1 / 3}),
        (1 / 3, [100], {}),
        (1 / 3, [10, 70, 90], {70: 2 / 3}),
        (1 / 3, [34, 67, 99], {34: 1 / 3, 67: 2 / 3}),
        (0.25, [25, 50, 75, 100], {25: 0.25, 50: 0.5}),
        (0.6, [30, 60, 90], {60: 0.6}),
        (1.0, [50, 100], {}),
    ],
)
def test_a_rung_takes_the_first_evaluation_at_or_beyond_it(
    first: float, curve: list[int], rungs: dict[int, float]
) -> None:
    rule = Halving(first, 2, MAXIMIZE)
    rung_by_percent = {}
    walked: dict[int, float] = {}
    for percent in curve:
        walked[percent] = percent / 100
        decision = rule.judge_trial(0, percent, walked)
        if decision is not None:
            rung_by_percent[percent] = decision.share
            assert decision.value == percent / 100
    assert rung_by_percent == pytest.approx(rungs)


def test_halving_by_three_keeps_a_third() -> None:
    rule = Halving(1 / 3, 3, MAXIMIZE)
    values = [0.9, 0.8, 0.7, 0.6, 0.85, 0.95]
    assert judge_curves(rule, [{33: value} for value in values]) == [
        "end", "end", "33: 3 of 3", "33: 4 of 4", "end", "end",
    ]  # fmt: skip


@pytest.mark.parametrize("sign", [1, -1])
def test_the_median_rule_is_optunas_where_steps_agree(sign: int) -> None:
    direction = MAXIMIZE if sign == 1 else MINIMIZE
    rule = Median(1 / 3, direction)
    finals = [0.5, 0.6, 0.4, 0.7, 0.8, 0.55, 0.65, 0.3, 0.58]
    curves = [{20: sign * v * 0.5, 40: sign * v * 0.8, 70: sign * v, 100: sign * v} for v in finals]
    ends = judge_curves(rule, curves)
    pruner = optuna.pruners.MedianPruner(5, 33, n_min_trials=3)
    study = optuna.create_study(direction="maximize" if sign == 1 else "minimize", pruner=pruner)
    for curve, end in zip(curves, ends, strict=True):
        trial = study.ask()
        pruned = "end"
        for percent, value in curve.items():
            trial.report(value, percent)
            if trial.should_prune():
                pruned = str(percent)
                study.tell(trial, state=optuna.trial.TrialState.PRUNED)
                break
        else:
            study.tell(trial, curve[100])
        assert pruned == end.split(":")[0]
    assert ends.count("end") < len(ends)


def test_the_median_rule_compares_trials_with_other_epochs() -> None:
    rule = Median(1 / 3, MAXIMIZE)
    for number, value in enumerate([0.5, 0.6, 0.7, 0.8, 0.9]):
        rule.learn_curve(number, {30 + number: value, 100: 0.9}, complete=True)
    decision = rule.judge_trial(9, 37, {12: 0.65, 37: 0.6})
    assert decision is not None
    assert (decision.kept, decision.value, decision.cutoff) == (False, 0.65, 0.7)
    assert (decision.rank, decision.among) == (4, 6)
    better = rule.judge_trial(9, 37, {12: 0.71, 37: 0.6})
    assert better is not None
    assert better.kept


@pytest.mark.parametrize("sign", [1, -1])
def test_the_patient_rule_waits_for_something_better(sign: int) -> None:
    rule = Patient(MAXIMIZE if sign == 1 else MINIMIZE)
    rising = {10: 0.1, 20: 0.2, 30: 0.3, 40: 0.4, 50: 0.5}
    falling = {10: 0.5, 20: 0.2, 30: 0.3, 40: 0.4, 50: 0.45}
    curves = [{p: sign * v for p, v in curve.items()} for curve in (rising, falling)]
    assert judge_curves(rule, curves) == ["end", "40: 2 of 4"]


def test_a_rule_that_is_not_known_is_refused() -> None:
    with pytest.raises(TunerError, match="not one of halving, median"):
        build_pruning_rule(search(pruner="nope"), MAXIMIZE)


def _walk(study: Study, value: float) -> RungDecision | None:
    number = study.next_suggestion().number
    decision = study.record_evaluation(number, 1 / 3, value)
    study.complete_trial(number, value)
    return decision


def test_the_baseline_is_never_pruned_but_told_where_it_stands(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    for value in (0.7, 0.8, 0.9):
        _walk(study, value)
    study.add_waiting_trial(MIDDLE, "baseline", "baseline")
    decision = _walk(study, 0.1)
    assert decision is not None
    assert (decision.kept, decision.spared, decision.rank) == (True, True, 4)
    assert decision.rule == "halving: best 2 of 4; kept, it is the baseline"


def test_the_tables_are_rebuilt_from_the_database(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    for value in (0.7, 0.8, 0.9):
        _walk(study, value)
    number = study.next_suggestion().number
    first = study.record_evaluation(number, 1 / 3, 0.75)
    assert first is not None
    assert not first.kept
    again = open_toy_study(tmp_path)
    assert again.record_evaluation(number, 1 / 3, 0.75) == first
    # The first value stands, also when the same share is trained again with another result.
    assert again.record_evaluation(number, 1 / 3, 0.99) == first


def test_an_audit_spares_about_one_in_twenty(tmp_path: Path) -> None:
    study, small = open_toy_study(tmp_path, trials=20), open_toy_study(tmp_path, trials=19)
    spared = [number for number in range(2000) if study._is_trial_audited(number)]
    assert 70 < len(spared) < 130
    assert not any(small._is_trial_audited(number) for number in spared)


def test_a_spared_trial_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tuner.study.study.AUDIT_SHARE", 1.0)
    study = open_toy_study(tmp_path, trials=20)
    for value in (0.7, 0.8, 0.9):
        _walk(study, value)
    decision = _walk(study, 0.1)
    assert decision is not None
    assert (decision.kept, decision.spared, decision.cutoff) == (True, True, 0.8)


@pytest.mark.parametrize(("keep", "kept"), [("best", True), ("last", False)])
def test_trials_are_compared_by_what_they_would_end_with(
    tmp_path: Path, keep: str, kept: bool
) -> None:
    study = open_toy_study(tmp_path, keep=keep, first_rung=0.5, reduction=2, startup_trials=1)
    for value in (0.5, 0.4, 0.3):
        number = study.next_suggestion().number
        study.record_evaluation(number, 0.5, value)
        study.complete_trial(number, value)
    number = study.next_suggestion().number
    study.record_evaluation(number, 0.25, 0.9)
    decision = study.record_evaluation(number, 0.5, 0.2)
    assert decision is not None
    assert (decision.kept, decision.value) == (kept, 0.9 if kept else 0.2)
    study.prune_trial(number)
    assert study.trial_outcome(number).value == decision.value
    again = open_toy_study(tmp_path, keep=keep, first_rung=0.5, reduction=2, startup_trials=1)
    assert again.trial_outcome(number).value == decision.value


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.booleans())
def test_the_kept_value_is_the_best_so_far_or_the_newest(
    values: list[float], maximize: bool
) -> None:
    best = cumulative_kept_values(values, maximize=maximize, keep="best")
    best_of = max if maximize else min
    assert best == [best_of(values[: n + 1]) for n in range(len(values))]
    assert cumulative_kept_values(values, maximize=maximize, keep="last") == values
