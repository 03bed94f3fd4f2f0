"""Trials that repeat or vary an earlier one: their seeds and their lineage."""

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
from tuner.errors import TunerError
from tuner.recipe.origins import ancestor_trial_number, repeated_trial_number
from tuner.session import commands as c
from tuner.session import events as e
from tuner.session.continuation import is_search_over
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.inbox import pending_enqueues, send_command
from tuner.session.reruns import find_rerun_group, trial_values_now, values_for_rerun
from tuner.session.status import derive_session_state
from tuner.session.view import ENDED_STATES, SessionState, SessionView, TrialState
from tuner.worker.control import enqueue_trial, pause_session


def run_to_finish(root: Path, **settings: object) -> Session:
    """Make a session that came to its end."""
    session = make_session(root, **settings)  # type: ignore[arg-type]
    assert run_worker(session) == 0
    return session


def best(view: SessionView) -> int:
    assert view.best is not None
    return view.best


def answers(session: Session) -> dict[str, tuple[bool, str]]:
    return {done.id: (done.ok, done.result) for done in of_kind(session, e.CommandDone)}


def test_a_finished_session_runs_its_best_trial_again_on_fresh_seeds(tmp_path: Path) -> None:
    session = run_to_finish(tmp_path)
    first = load_session_view(session).trials[best(load_session_view(session))]
    ids = [send_command(session, c.Enqueue(params={}, rerun_of=first.number)) for _ in range(3)]
    assert not is_search_over(session, load_session_view(session), SessionState.FINISHED)
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert derive_session_state(session, view) is SessionState.FINISHED
    assert is_search_over(session, view, SessionState.FINISHED)
    assert pending_enqueues(session, view.commands_done) == []
    again = [
        trial
        for trial in view.trials.values()
        if repeated_trial_number(trial.origin) == first.number
    ]
    assert [trial.number for trial in again] == [4, 5, 6]
    assert [trial.params for trial in again] == [first.params] * 3
    assert len({first.seed, *(trial.seed for trial in again)}) == 4
    assert [trial.state for trial in again] == [TrialState.COMPLETE] * 3
    assert answers(session)[ids[0]] == (
        True,
        f"trial 4, rerun of {first.number} waits for its turn",
    )


def test_reruns_are_summed_up_and_those_of_a_rerun_belong_to_the_first(tmp_path: Path) -> None:
    session = run_to_finish(tmp_path)
    first = best(load_session_view(session))
    send_command(session, c.Enqueue(params={"seed": 7}, rerun_of=first))
    assert run_worker(session) == 0
    send_command(session, c.Enqueue(params={}, rerun_of=4))
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert view.trials[4].seed == 7
    rerun_group = find_rerun_group(view, 5)
    assert (rerun_group.first.number, [trial.number for trial in rerun_group.others]) == (
        first,
        [4, 5],
    )
    assert rerun_group.mean == pytest.approx(sum(rerun_group.values) / 3)
    assert rerun_group.deviation == pytest.approx(0.0)


def test_a_rerun_takes_no_planned_trials_place_and_moves_no_cutoff(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=7)
    process = run_worker_until(session, evaluations(4), pace=0.02)
    enqueue_trial(session, {}, rerun_of=0)
    assert process.wait() == 0
    view = load_session_view(session)
    planned_trials = [
        trial for trial in view.trials.values() if repeated_trial_number(trial.origin) is None
    ]
    again = [trial for trial in view.trials.values() if repeated_trial_number(trial.origin) == 0]
    assert len(planned_trials) == 7
    assert [trial.state for trial in again] == [TrialState.COMPLETE]
    assert not again[0].rungs
    firsts = [trial.rungs[0].among for trial in planned_trials]
    assert firsts == [1, 2, 3, 4, 5, 6, 7], "a re-run is among the compared"


def test_an_edited_copy_names_the_trial_it_is_of(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = run_worker_until(session, evaluations(1), pace=0.05)
    values = trial_values_now(load_session_view(session), load_session_view(session).trials[0])
    confirmation = enqueue_trial(session, {**values, "lr.head": 2e-3}, copy_of=0)
    assert confirmation == "trial 2, copy of 0 waits for its turn"
    with pytest.raises(TunerError, match="there is no trial 77"):
        enqueue_trial(session, {}, rerun_of=77)
    pause_session(session)
    assert process.wait() == 0
    assert run_worker(session) == 0
    copy = load_session_view(session).trials[2]
    assert (ancestor_trial_number(copy.origin), repeated_trial_number(copy.origin)) == (0, None)
    assert copy.params["lr.head"] == 2e-3


@pytest.mark.parametrize("search", ["time = 0.000001", "patience = 1"])
def test_what_is_asked_for_is_trained_beyond_time_and_patience(tmp_path: Path, search: str) -> None:
    session = run_to_finish(tmp_path, search=search)
    send_command(session, c.Enqueue(params={"lr.head": 1e-3}))
    assert run_worker(session) == 0
    view = load_session_view(session)
    enqueued_trials = [trial for trial in view.trials.values() if trial.origin == "enqueued"]
    assert [trial.params["lr.head"] for trial in enqueued_trials] == [1e-3]
    assert all(trial.state in ENDED_STATES for trial in view.trials.values())


def test_after_a_change_of_the_recipe_a_rerun_keeps_what_was_fixed_then(tmp_path: Path) -> None:
    session = run_to_finish(tmp_path, trials=2)
    text = session.recipe_path.read_text().replace("epochs = 3", "epochs = 2")
    session.recipe_path.write_text(text.replace("trials = 2", "trials = 3"))
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert (view.generation, view.trials[2].total_steps) == (1, 8)
    assert values_for_rerun(view, 0)["epochs"] == 3
    send_command(session, c.Enqueue(params={}, rerun_of=0))
    assert run_worker(session) == 0
    again = load_session_view(session).trials[3]
    assert (again.origin, again.total_steps) == ("rerun of 0", 12)
