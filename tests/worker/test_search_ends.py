"""How searches end: within their budgets, with a result or with the reason why there is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.worker.worker_sessions import (
    evaluations,
    make_session,
    of_kind,
    run_worker,
    run_worker_until,
)
from tuner.export.outcome_text import describe_outcome
from tuner.recipe.load import load_recipe
from tuner.session import events as e
from tuner.session.budget import reason_for_immediate_end, training_seconds_spent
from tuner.session.continuation import advice_to_continue, is_search_over
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.status import derive_session_state
from tuner.session.view import SessionState, TrialState

SLOW = {"pace": 0.1}
"""A step takes so long, so that a trial of twelve takes 1.2 s."""


def change(session: Session, old: str, new: str) -> None:
    text = session.recipe_path.read_text()
    assert old in text
    session.recipe_path.write_text(text.replace(old, new))


@pytest.mark.parametrize(
    ("plan", "search", "says"),
    [
        ({"collapse": [0, 1, 2]}, "", "no trial is complete: 3 collapsed ("),
        (
            {"collapse": [0], "fail": {"cause": "exception", "trials": [1, 2]}},
            "",
            ", 2 failed (exception: as planned); all 3 trials have ended",
        ),
        (
            SLOW,
            'time = "1s"\non_timeout = "pause"',
            "% of the schedule done); the time budget of 1s is used up",
        ),
    ],
    ids=["collapsed", "mixed", "out of time"],
)
def test_a_search_without_a_complete_trial_has_failed_and_says_why(
    tmp_path: Path, plan: dict[str, object], search: str, says: str
) -> None:
    session = make_session(tmp_path, 3, search)
    assert run_worker(session, **plan) == 1
    view = load_session_view(session)
    assert derive_session_state(session, view) is SessionState.FAILED
    assert says in view.reason
    assert view.reason.startswith("no trial is complete: 1" if "mixed" in says else "no trial")
    (failed,) = of_kind(session, e.SessionFailed)
    assert failed.over in failed.reason
    assert reason_for_immediate_end(view, load_recipe(session.recipe_path)) is not None


def test_a_search_that_failed_goes_on_where_more_is_asked_for(tmp_path: Path) -> None:
    session = make_session(tmp_path, 1)
    assert run_worker(session, collapse=[0]) == 1
    change(session, "trials = 1", "trials = 2")
    assert (
        reason_for_immediate_end(load_session_view(session), load_recipe(session.recipe_path))
        is None
    )
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert derive_session_state(session, view) is SessionState.FINISHED
    assert (view.best, view.reason) == (1, "all 2 trials have ended")


def test_when_the_time_is_up_a_trial_ends_with_what_it_has(tmp_path: Path) -> None:
    session = make_session(tmp_path, 50, "time = 0.6")
    assert run_worker(session, **SLOW) == 0
    view = load_session_view(session)
    (trial,) = view.trials.values()
    assert (trial.state, view.best) == (TrialState.COMPLETE, 0)
    assert trial.evaluations[-1].share < 1
    assert trial.reason.startswith("cut short at ")
    assert of_kind(session, e.TrialCompleted)[0].share == trial.evaluations[-1].share == trial.share
    assert "Trial 0 was cut short when the time was up, at " in describe_outcome(session, view)
    assert (session.best_folder / "weights.txt").read_text() == "0"
    assert 0.6 <= training_seconds_spent(view) < 1.2


def test_a_paused_trial_goes_on_once_the_time_is_raised(tmp_path: Path) -> None:
    session = make_session(tmp_path, 1, 'time = 0.6\non_timeout = "pause"')
    assert run_worker(session, **SLOW) == 1
    before = load_session_view(session)
    assert [trial.state for trial in before.trials.values()] == [TrialState.PAUSED]
    assert run_worker(session, **SLOW) == 1
    assert training_seconds_spent(load_session_view(session)) == training_seconds_spent(before)
    change(session, "time = 0.6", "time = 60")
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert (view.trials[0].state, view.trials[0].reason) == (TrialState.COMPLETE, "")
    assert [evaluation.step for evaluation in view.trials[0].evaluations] == [4, 8, 12]
    assert of_kind(session, e.TrialStarted)[-1].resumed_at >= before.trials[0].step - 1


def test_a_trial_that_a_lost_worker_left_ends_when_its_time_is_up(tmp_path: Path) -> None:
    session = make_session(tmp_path, 3, "time = 0.6")
    process = run_worker_until(session, evaluations(1), **SLOW)
    process.kill()
    change(session, "time = 0.6", "time = 0.1")
    assert run_worker(session, **SLOW) == 0
    (trial,) = load_session_view(session).trials.values()
    assert trial.state is TrialState.COMPLETE
    assert trial.evaluations[-1].step < 12


def test_with_two_slots_both_trials_end_in_time(tmp_path: Path) -> None:
    session = make_session(tmp_path, 50, "time = 0.6")
    change(session, "slots = 1", "slots = 2")
    assert run_worker(session, **SLOW) == 0
    view = load_session_view(session)
    assert [trial.state for trial in view.trials.values()] == [TrialState.COMPLETE] * 2
    assert training_seconds_spent(view) < 1.2


def test_what_is_to_finish_finishes_beyond_the_time(tmp_path: Path) -> None:
    session = make_session(tmp_path, 50, 'time = 0.3\non_timeout = "finish"')
    assert run_worker(session, **SLOW) == 0
    (trial,) = load_session_view(session).trials.values()
    assert (trial.evaluations[-1].share, trial.reason) == (1.0, "")


def test_loading_is_no_part_of_the_time(tmp_path: Path) -> None:
    session = make_session(tmp_path, 1, "time = 1")
    assert run_worker(session, slow_setup=1.2) == 0
    view = load_session_view(session)
    assert view.reason == "the only trial has ended"
    assert training_seconds_spent(view) < 1


@pytest.mark.parametrize(
    ("search", "raised"),
    [("patience = 2", "patience = 40"), ("time = 0.05", "time = 60"), ("", "trials = 8")],
)
def test_a_raised_budget_goes_on(tmp_path: Path, search: str, raised: str) -> None:
    trials = 3 if not search else 12
    session = make_session(tmp_path, trials, f'{search}\npruner = "none"')
    assert run_worker(session, pace=0.02) == 0
    before = load_session_view(session)
    assert reason_for_immediate_end(before, load_recipe(session.recipe_path)) is not None
    change(session, search or "trials = 3", raised)
    assert reason_for_immediate_end(before, load_recipe(session.recipe_path)) is None
    assert run_worker(session) == 0
    assert len(load_session_view(session).trials) == (12 if search else 8)


def test_trials_can_be_lowered_below_those_that_ended(tmp_path: Path) -> None:
    session = make_session(tmp_path, 3)
    assert run_worker(session) == 0
    change(session, "trials = 3", "trials = 2")
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert view.reason == "3 trials have ended, 2 were asked for"


def test_where_nothing_is_searched_no_number_of_trials_is_asked_for(tmp_path: Path) -> None:
    session = make_session(tmp_path, 4)
    change(session, '{ low = 1e-6, high = 1e-1, scale = "log" }', "1e-3")
    assert run_worker(session, fail={"cause": "exception", "trials": [0]}) == 1
    view = load_session_view(session)
    assert view.over_reason == "the only trial has ended"
    assert is_search_over(session, view, SessionState.FAILED)
    assert advice_to_continue(session, view).startswith("nothing is searched: a range")
