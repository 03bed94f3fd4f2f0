"""The search learns nothing from a trial that repeats another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.study.toy_study import MIDDLE, open_toy_study, run, train
from tuner.recipe.origins import rerun_origin
from tuner.study.records import Suggestion
from tuner.study.study import Study


def next_ones(study: Study, count: int) -> list[Suggestion]:
    suggestions = []
    for _ in range(count):
        suggestions.append(study.next_suggestion())
        train(study, suggestions[-1])
    return suggestions


def run_again(study: Study) -> int:
    number = study.add_waiting_trial({**MIDDLE, "seed": 5}, rerun_origin(1), "again")
    assert study.next_suggestion().number == number
    return number


@pytest.mark.parametrize("pruner", ["halving", "median", "none"])
def test_what_is_suggested_and_cut_next_does_not_depend_on_how_a_rerun_ended(
    tmp_path: Path, pruner: str
) -> None:
    (tmp_path / "good").mkdir()
    (tmp_path / "lost").mkdir()
    good, lost = (open_toy_study(tmp_path / name, pruner=pruner) for name in ("good", "lost"))
    for study in (good, lost):
        run(study, 7)
    number = run_again(good)
    assert good.record_evaluation(number, 1 / 3, 99.0) is None
    good.complete_trial(number, 99.0)
    lost.fail_trial(run_again(lost))
    assert next_ones(good, 5) == next_ones(lost, 5)
    assert list(good.trial_states().values())[-5:] == list(lost.trial_states().values())[-5:]


def test_a_study_that_is_opened_again_has_learnt_nothing_either(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    run(study, 7)
    number = run_again(study)
    study.record_evaluation(number, 1 / 3, 99.0)
    study.complete_trial(number, 99.0)
    study.close_database()
    again = open_toy_study(tmp_path)
    suggestion = again.next_suggestion()
    decision = again.record_evaluation(suggestion.number, 1 / 3, 0.5)
    assert decision is not None
    assert decision.among == 8
    assert 99.0 not in {decision.cutoff, decision.value}


def test_a_rerun_is_not_carried_into_the_next_generation(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path)
    run(study, 4)
    study.complete_trial(run_again(study), 99.0)
    study.close_database()
    carried = open_toy_study(tmp_path, generation=1, settings={"seed": 5}).carried_count
    assert 0 < carried <= 4
