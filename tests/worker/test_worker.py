"""Whole studies: a real worker process, a real Optuna database, a fake trainer."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

from tests.worker.worker_sessions import (
    evaluations,
    events,
    gap_free,
    kinds,
    make_session,
    of_kind,
    run_worker,
    run_worker_until,
)
from tuner.pool.orphans import trainer_lock_path
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.status import derive_session_state
from tuner.session.view import ENDED_STATES, SessionState, TrialState


def test_a_study_runs_to_its_end_and_keeps_the_best_model(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=6)
    assert run_worker(session) == 0
    view = load_session_view(session)
    assert derive_session_state(session, view) is SessionState.FINISHED
    assert view.reason == "all 6 trials have ended"
    assert gap_free(session)
    assert [trial.origin for trial in view.trials.values()][:3] == ["baseline", "middle", "sampled"]
    best = view.find_best_trial()
    assert best is not None
    assert (session.best_folder / "weights.txt").read_text() == str(best.number)
    document = json.loads(session.best_json.read_text())
    assert document["trial"] == best.number
    assert document["value"] == best.value
    assert document["params"]["lr.head"] == best.params["lr.head"]
    assert document["groups"][1]["parameters"] == ["encoder.layer.0.weight"]
    assert document["validation"]["confusion"]["labels"] == ["no", "yes"]
    assert document["baseline"]["trial"] == 0
    leftovers = [p.name for p in session.trials_folder.rglob("*") if p.is_file()]
    assert all(name.startswith("predictions") for name in leftovers)
    assert not session.best_folder.with_name("best.old").exists()
    private = [p for p in session.path.rglob("*") if stat.S_IMODE(p.stat().st_mode) & 0o077]
    assert private == []


def test_weak_trials_are_pruned_and_the_reason_names_the_cutoff(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=8)
    assert run_worker(session) == 0
    pruned = of_kind(session, e.TrialPruned)
    assert pruned
    assert all("cutoff" in event.reason and "rank" in event.reason for event in pruned)
    rungs = of_kind(session, e.Rung)
    assert {rung.trial for rung in rungs if not rung.kept} == {event.trial for event in pruned}


def test_a_collapsed_trial_is_given_up_with_its_label(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    assert run_worker(session, collapse=[1]) == 0
    (collapsed,) = of_kind(session, e.TrialCollapsed)
    assert (collapsed.trial, collapsed.label) == (1, "yes")
    assert load_session_view(session).trials[1].state is TrialState.COLLAPSED


def test_where_the_rule_is_off_a_trial_with_one_label_comes_to_its_end(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3, search='collapse = "off"\npruner = "none"')
    assert run_worker(session, collapse=[0, 1]) == 0
    assert of_kind(session, e.TrialCollapsed) == []
    view = load_session_view(session)
    assert [view.trials[number].one_label for number in range(3)] == [True, True, False]
    assert view.best == 2
    assert (session.best_folder / "weights.txt").read_text() == "2"
    assert [event.trial for event in of_kind(session, e.BestChanged)] == [0, 2]


def test_with_nothing_to_search_there_is_one_trial_and_warnings_are_repeated_once(
    tmp_path: Path,
) -> None:
    session = make_session(tmp_path)
    text = session.recipe_path.read_text()
    session.recipe_path.write_text(
        text.replace('{ low = 1e-6, high = 1e-1, scale = "log" }', "1e-3")
    )
    odd = [f"oddity {number}" for number in range(4)]
    for _ in range(2):
        assert run_worker(session, warnings=odd) == 0
    assert [t.state for t in load_session_view(session).trials.values()] == [TrialState.COMPLETE]
    warning_texts = [log.text for log in of_kind(session, e.Log) if log.level == "warning"]
    summary = "oddity 0; oddity 1; oddity 2; …"
    assert warning_texts == [f"check: 4 warnings: {summary} · tuner check {session.name}"]


def test_three_failures_in_a_row_end_the_study_and_say_why(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=8)
    assert run_worker(session, fail={"cause": "out of memory", "trials": [1, 2, 3]}) == 1
    (failed,) = of_kind(session, e.SessionFailed)
    assert failed.reason == "3 trials failed in a row (out of memory): as planned"
    assert load_session_view(session).trials[0].state is TrialState.COMPLETE


def test_a_trainer_that_dies_is_replaced_and_the_trial_goes_on(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    assert run_worker(session, die={"trial": 1, "step": 6, "times": 1}, noise=True) == 0
    (retried,) = of_kind(session, e.TrialRetried)
    assert (retried.trial, retried.attempt) == (1, 1)
    starts = [event.resumed_at for event in of_kind(session, e.TrialStarted) if event.trial == 1]
    assert starts == [0, 4]
    steps = [evaluation.step for evaluation in load_session_view(session).trials[1].evaluations]
    assert steps == [4, 8, 12]
    log = session.log_path.read_text()
    assert "dying as planned" in log
    assert "a library says hello" in log


def test_a_trial_that_kills_every_trainer_fails_with_the_last_lines(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    assert run_worker(session, die={"trial": 1, "step": 6, "times": 9}) == 0
    assert len(of_kind(session, e.TrialRetried)) == 2
    (failed,) = of_kind(session, e.TrialFailed)
    assert (failed.trial, failed.cause) == (1, "died")
    assert failed.lines[-1] == "dying as planned"
    assert load_session_view(session).trials[2].state in ENDED_STATES


def test_a_trainer_killed_from_outside_is_replaced(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    process = run_worker_until(
        session, lambda v: bool(v.trials and v.trials[0].evaluations), pace=0.05
    )
    os.kill(int((session.cache_folder / "trainer-0.lock").read_text()), signal.SIGKILL)
    assert process.wait() == 0
    (retried,) = of_kind(session, e.TrialRetried)
    assert "signal 9" in retried.error


def test_a_refused_setup_fails_the_session_with_that_line(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    assert run_worker(session, refuse="data.train: no such file") == 1
    assert of_kind(session, e.SessionFailed)[0].reason == "data.train: no such file"


def test_a_setup_that_nobody_foresaw_to_fail_is_tried_again(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    assert run_worker(session, stumble=2) == 0
    error_texts = [log.text for log in of_kind(session, e.Log) if log.level == "error"]
    assert error_texts == ["a trainer could not start: ValueError: as planned"] * 2
    assert kinds(session)[-1] == "SessionFinished"


def test_a_setup_that_always_goes_wrong_fails_the_session_with_its_last_word(
    tmp_path: Path,
) -> None:
    session = make_session(tmp_path)
    assert run_worker(session, stumble=9) == 1
    reason = of_kind(session, e.SessionFailed)[0].reason
    assert reason == "no trainer could be started: ValueError: as planned"


def test_trainers_that_never_get_ready_fail_the_session(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    assert run_worker(session, deaf_and_dumb="no torch here") == 1
    reason = of_kind(session, e.SessionFailed)[0].reason
    assert reason.startswith("no trainer could be started: the trainer exited with code 1: ")
    assert reason.endswith("no torch here")


def test_a_second_worker_says_who_holds_the_lock(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = run_worker_until(session, lambda v: v.lifecycle == "session_started", pace=0.02)
    assert run_worker(session) == 2
    assert process.wait() == 0


def test_two_slots_train_side_by_side(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=6)
    session.recipe_path.write_text(
        session.recipe_path.read_text().replace("slots = 1", "slots = 2")
    )
    assert run_worker(session, pace=0.01) == 0
    view = load_session_view(session)
    assert len(view.trials) == 6
    spans = [(t.started, t.ended or 0.0) for t in view.trials.values()]
    assert any(a[0] < b[0] < a[1] for a in spans for b in spans if a is not b)


def test_trainers_load_side_by_side_but_only_as_many_as_there_are_trials(tmp_path: Path) -> None:
    for trials, second_starts in ((2, True), (1, False)):
        session = make_session(tmp_path / str(trials), trials)
        recipe = session.recipe_path.read_text()
        session.recipe_path.write_text(recipe.replace("slots = 1", "slots = 2"))
        assert run_worker(session) == 0
        second = trainer_lock_path(session.cache_folder, 1)
        assert second.exists() == second_starts
        if second_starts:
            opened = of_kind(session, e.SessionStarted)[0].time
            assert second.stat().st_mtime < opened, "it waited for the first one"


def test_patience_and_time_end_a_study(tmp_path: Path) -> None:
    patient = make_session(tmp_path / "a", trials=60, search="patience = 3")
    assert run_worker(patient) == 0
    assert of_kind(patient, e.SessionFinished)[0].reason == "no improvement in 3 trials"
    timed = make_session(tmp_path / "b", trials=500, search='time = "1s"')
    assert run_worker(timed, pace=0.02) == 0
    assert "time budget" in of_kind(timed, e.SessionFinished)[0].reason


def test_importance_comes_from_the_fourth_complete_trial_on(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=6, search='pruner = "none"')
    assert run_worker(session) == 0
    counted = [event.trials for event in of_kind(session, e.Importance)]
    assert counted
    assert counted == sorted({*counted} & {4, 5, 6})
    assert kinds(session)[-1] == "SessionFinished"


def test_a_database_of_another_session_is_refused(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    process = run_worker_until(session, lambda v: len(v.trials) == 2, pace=0.02)
    process.kill()
    for path in session.path.glob("study.db*"):
        path.unlink()
    assert run_worker(session) == 1
    assert "has no trial 0" in of_kind(session, e.SessionFailed)[0].reason


def test_the_log_is_readable_while_it_is_written(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    process = run_worker_until(
        session, lambda view: view.lifecycle == "session_finished", pace=0.01
    )
    assert process.wait() == 0
    assert not any(isinstance(event, e.Unknown) for event in events(session))


def test_changed_ranges_open_a_generation_that_takes_over_what_fits(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=6, search='pruner = "none"')
    process = run_worker_until(session, evaluations(7), slow=2, slowly=1.0)
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    before = load_session_view(session)
    narrower = session.recipe_path.read_text().replace("low = 1e-6", "low = 1e-5")
    session.recipe_path.write_text(narrower)
    assert run_worker(session) == 0
    (opened,) = of_kind(session, e.GenerationOpened)
    assert opened.generation == 1
    assert opened.changes["lr.head"][1]["low"] == 1e-5
    view = load_session_view(session)
    assert len(view.trials) == 6
    assert all(trial.state in ENDED_STATES for trial in view.trials.values())
    unfinished = [t.number for t in before.trials.values() if t.state is TrialState.PAUSED]
    assert unfinished == [2]
    assert view.trials[2].reason == "the recipe was changed"
    assert {view.trials[n].generation for n in before.trials} == {0}
    assert [view.trials[n].generation for n in (3, 4, 5)] == [1, 1, 1]
    assert opened.carried == 2


def test_another_data_set_is_another_session(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=1)
    assert run_worker(session) == 0
    session.recipe_path.write_text(
        session.recipe_path.read_text().replace("train.jsonl", "other.jsonl")
    )
    assert run_worker(session) == 1
    assert "data.train is locked: 1 trial uses it" in of_kind(session, e.SessionFailed)[0].reason
