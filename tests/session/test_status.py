"""A session's state: derived from the log, the lock and the commands."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.session.event_logs import evaluation, plain_recipe, story, trial_started
from tuner.recipe.load import parse_recipe
from tuner.session import events as e
from tuner.session.commands import Pause, Prune
from tuner.session.fold import fold_events
from tuner.session.folder import Session, create_session
from tuner.session.inbox import send_command
from tuner.session.lock import WorkerLock
from tuner.session.status import (
    build_status,
    derive_session_state,
    estimate_seconds_left,
    is_session_stalled,
    load_current_session,
)
from tuner.session.tail import EventTail
from tuner.session.view import SessionState, SessionView
from tuner.session.writer import EventWriter


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return create_session(tmp_path, "demo", "")


@pytest.fixture
def lock(session: Session) -> Iterator[WorkerLock]:
    lock = WorkerLock(session.lock_path)
    assert lock.try_acquire()
    yield lock
    lock.release_lock()


def write(session: Session, *events: e.AnyEvent) -> SessionView:
    with EventWriter(session.events_path) as writer:
        for event in events:
            writer.append_event(event)
    return read(session)


def read(session: Session) -> SessionView:
    view = SessionView()
    fold_events(view, EventTail(session.events_path).read_all_events())
    return view


def worker() -> e.WorkerStarted:
    return e.WorkerStarted(pid=os.getpid(), host="here", versions={}, devices=["cpu"])


def start() -> e.SessionStarted:
    return e.SessionStarted(trials=4, metric="accuracy", direction="maximize")


def test_a_session_that_never_started_is_a_draft(session: Session) -> None:
    assert derive_session_state(session, read(session)) is SessionState.DRAFT


def test_a_held_lock_is_starting_until_the_session_has_started(
    session: Session, lock: WorkerLock
) -> None:
    assert derive_session_state(session, read(session)) is SessionState.STARTING
    assert derive_session_state(session, write(session, worker())) is SessionState.STARTING
    assert derive_session_state(session, write(session, start())) is SessionState.RUNNING
    lock.release_lock()
    assert derive_session_state(session, read(session)) is SessionState.CRASHED


def test_a_new_worker_after_a_crash_is_starting(session: Session, lock: WorkerLock) -> None:
    other_worker = msgspec.structs.replace(worker(), pid=1)
    assert (
        derive_session_state(session, write(session, other_worker, start()))
        is SessionState.STARTING
    )
    lock.release_lock()


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (e.SessionPaused(), SessionState.PAUSED),
        (e.SessionFinished(), SessionState.FAILED),
        (e.SessionStopped(), SessionState.STOPPED),
        (e.SessionFailed(reason="x"), SessionState.FAILED),
    ],
)
def test_the_last_lifecycle_event_says_how_it_ended(
    session: Session, lock: WorkerLock, event: e.AnyEvent, state: SessionState
) -> None:
    view = write(session, worker(), start(), event)
    assert derive_session_state(session, view) is state
    lock.release_lock()
    assert derive_session_state(session, view) is state


def test_a_pause_that_was_not_answered_yet_is_pausing(session: Session, lock: WorkerLock) -> None:
    write(session, worker(), start())
    send_command(session, Prune(trial=0))
    assert derive_session_state(session, read(session)) is SessionState.RUNNING
    sent = send_command(session, Pause())
    assert derive_session_state(session, read(session)) is SessionState.PAUSING
    answered = write(session, e.CommandDone(id=sent, result="not running then", ok=False))
    assert derive_session_state(session, answered) is SessionState.RUNNING
    lock.release_lock()


def test_a_view_behind_its_log_gives_no_verdict_of_a_crash(session: Session) -> None:
    view = write(session, worker(), start())
    write(session, e.SessionFinished())
    assert derive_session_state(session, view) is SessionState.RUNNING
    assert derive_session_state(session, read(session)) is SessionState.FAILED


def test_silence_is_a_badge_for_sessions_with_a_worker() -> None:
    view = SessionView(last_time=1000.0)
    assert not is_session_stalled(SessionState.RUNNING, view, 1059.0)
    assert is_session_stalled(SessionState.RUNNING, view, 1061.0)
    assert not is_session_stalled(SessionState.PAUSED, view, 9999.0)


def test_the_status_has_the_keys_of_the_contract(session: Session, lock: WorkerLock) -> None:
    write(session, worker(), start(), *story()[4:17], trial_started(2), evaluation(2, 10, 0.9))
    document = json.loads(
        msgspec.json.encode(build_status(session, *load_current_session(session)))
    )
    assert set(document) == {
        "session", "status", "metric", "direction", "trials", "best", "eta_seconds", "worker",
        "majority",
        "reason", "seconds", "time", "kernels",
    }  # fmt: skip
    assert document["session"] == "demo"
    assert document["status"] == "running"
    assert document["trials"] == {
        "complete": 1, "pruned": 1, "failed": 0, "running": 1, "waiting": 0, "planned": 4,
        "collapsed": 0,
    }  # fmt: skip
    assert set(document["best"]) == {"trial", "value", "params", "interval", "one_label"}
    assert document["best"]["params"] == {"lr.head": 1e-3}
    assert set(document["best"]["interval"]) == {"low", "high", "method"}
    assert document["worker"]["pid"] == os.getpid()
    assert document["worker"]["device"] == "cpu"
    lock.release_lock()
    crashed = build_status(session, *load_current_session(session))
    assert (crashed.status, crashed.worker, crashed.eta_seconds) == ("crashed", None, None)
    assert (crashed.trials.running, crashed.trials.waiting) == (0, 1)


def test_a_trial_counts_once_under_what_became_of_it(session: Session) -> None:
    write(session, *story()[1:])
    counts = build_status(session, *load_current_session(session)).trials
    assert (counts.complete, counts.pruned, counts.collapsed, counts.failed) == (2, 1, 1, 1)
    assert counts.ended_count == 5


def test_the_time_left_counts_pruned_trials_and_slots() -> None:
    view = SessionView()
    fold_events(view, [worker(), start()])
    assert estimate_seconds_left(view) is None
    ends: list[e.AnyEvent] = [
        e.TrialCompleted(trial=0, value=1, epoch=1, step=1, seconds=30),
        e.TrialPruned(trial=1, reason="", seconds=10),
    ]
    fold_events(view, ends)
    assert estimate_seconds_left(view) == 40.0
    view.slots = 2
    assert estimate_seconds_left(view) == 20.0
    view.recipe = parse_recipe(plain_recipe(search={"time": 5.0}), "")
    assert estimate_seconds_left(view) == 5.0
