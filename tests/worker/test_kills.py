"""A worker that is killed at any moment leaves a study that ends as if nothing had happened."""

from __future__ import annotations

import random
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from tests.worker.worker_sessions import (
    WorkerProcess,
    evaluations,
    events,
    gap_free,
    make_session,
    of_kind,
    run_worker,
    run_worker_until,
)
from tuner.pool.orphans import end_orphaned_trainers
from tuner.session import events as e
from tuner.session.commands import Enqueue
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.inbox import send_command
from tuner.session.status import derive_session_state
from tuner.session.view import SessionState, SessionView
from tuner.session.writer import EventWriter

COMPARED = (
    e.TrialStarted,
    e.Evaluated,
    e.Rung,
    e.TrialPruned,
    e.TrialCollapsed,
    e.TrialCompleted,
    e.TrialFailed,
    e.BestChanged,
    e.Importance,
    e.SessionFinished,
)
PASSING = ("seq", "time", "seconds", "memory")


def story(session: Session) -> list[dict[str, Any]]:
    """Return what happened, without times, and without the starts that go on from a checkpoint."""
    event_fields: list[dict[str, Any]] = []
    begun: set[int] = set()
    for event in events(session):
        if not isinstance(event, COMPARED):
            continue
        if isinstance(event, e.TrialStarted):
            if event.trial in begun:
                continue
            begun.add(event.trial)
        fields = msgspec.structs.asdict(event)
        event_fields.append(
            {"kind": type(event).__name__}
            | {name: value for name, value in fields.items() if name not in PASSING}
        )
    return event_fields


def database(session: Session) -> list[tuple[Any, ...]]:
    with sqlite3.connect(session.database_path) as connection:
        trials = "SELECT number, state, value FROM trials LEFT JOIN trial_values USING (trial_id)"
        curves = "SELECT number, step, intermediate_value FROM trial_intermediate_values"
        join = " JOIN trials USING (trial_id)"
        rows = connection.execute(f"{trials} ORDER BY number").fetchall()
        return rows + sorted(connection.execute(curves + join).fetchall())


def assert_same(disturbed: Session, undisturbed: Session) -> None:
    assert story(disturbed) == story(undisturbed)
    assert database(disturbed) == database(undisturbed)
    assert gap_free(disturbed)
    assert disturbed.best_json.read_text() == undisturbed.best_json.read_text() or (
        _timeless(disturbed) == _timeless(undisturbed)
    )
    for path in (disturbed.best_folder / "weights.txt",):
        assert path.read_text() == (undisturbed.best_folder / "weights.txt").read_text()
    assert sorted(files(disturbed)) == sorted(files(undisturbed))


def _timeless(session: Session) -> str:
    lines = session.best_json.read_text().splitlines()
    return "\n".join(line for line in lines if '"created"' not in line)


def files(session: Session) -> list[str]:
    folders = (session.trials_folder, session.best_folder)
    return [str(p.relative_to(session.path)) for folder in folders for p in folder.rglob("*")]


def test_kills_between_study_and_log_and_anywhere_else(tmp_path: Path) -> None:
    calm, shaken = (
        make_session(tmp_path / "calm", trials=7),
        make_session(tmp_path / "shaken", trials=7),
    )
    assert run_worker(calm, collapse=[3]) == 0
    dice = random.Random(5)
    kills = 0
    while True:
        kill_at = {"record": dice.randint(3, 13), "written": dice.random() < 0.3}
        code = WorkerProcess(shaken, {"collapse": [3], "kill_at": kill_at}).wait()
        if code == 0:
            break
        assert code == -9
        kills += 1
    assert kills >= 10, kills
    assert_same(shaken, calm)


def starts(view: SessionView) -> int:
    return sum(isinstance(event, e.SessionStarted) for event in view.history)


def has_started_again(before: int, view: SessionView) -> bool:
    return starts(view) > before


def test_kills_at_random_moments(tmp_path: Path) -> None:
    calm, shaken = (
        make_session(tmp_path / "calm", trials=5),
        make_session(tmp_path / "shaken", trials=5),
    )
    assert run_worker(calm) == 0
    dice = random.Random(7)
    for _ in range(6):
        lifetime = dice.uniform(0.0, 0.25)
        before = starts(load_session_view(shaken))
        process = run_worker_until(shaken, partial(has_started_again, before), pace=0.01)
        time.sleep(lifetime)
        process.kill()
    assert derive_session_state(shaken, load_session_view(shaken)) in (
        SessionState.CRASHED,
        SessionState.FINISHED,
    )
    assert run_worker(shaken) == 0
    assert_same(shaken, calm)


def test_a_study_that_lost_its_last_event_writes_it_again(tmp_path: Path) -> None:
    calm, cut = make_session(tmp_path / "calm", trials=3), make_session(tmp_path / "cut", trials=3)
    assert run_worker(calm) == 0
    assert run_worker(cut) == 0
    lines = cut.events_path.read_bytes().splitlines(keepends=True)
    last_end = max(n for n, line in enumerate(lines) if b'"kind":"trial_' in line)
    cut.events_path.write_bytes(b"".join(lines[:last_end]) + b'{"kind":"tri')
    assert run_worker(cut) == 0
    assert story(cut) == story(calm)


def lose_before(kind: type[e.Event], session: Session, calm: Session) -> None:
    """Kill the worker where it writes the first event of a kind; `calm` has run to its end."""
    told = [
        event for event in events(calm)[len(events(session)) :] if not isinstance(event, e.Step)
    ]
    number = next(n for n, event in enumerate(told, 1) if isinstance(event, kind))
    assert WorkerProcess(session, {"kill_at": {"record": number, "written": False}}).wait() == -9
    assert not of_kind(session, kind)


def test_the_study_knows_of_an_end_before_the_log(tmp_path: Path) -> None:
    calm, cut = make_session(tmp_path / "calm", trials=2), make_session(tmp_path / "cut", trials=2)
    assert run_worker(calm) == 0
    lose_before(e.TrialCompleted, cut, calm)
    assert database(cut)[0] == database(calm)[0]
    assert run_worker(cut) == 0
    assert_same(cut, calm)


def test_a_trial_that_was_enqueued_but_not_answered_is_not_added_twice(tmp_path: Path) -> None:
    calm, cut = make_session(tmp_path / "calm", trials=2), make_session(tmp_path / "cut", trials=2)
    for session in (calm, cut):
        send_command(session, Enqueue(params={"lr.head": 1e-3}))
    assert run_worker(calm) == 0
    lose_before(e.CommandDone, cut, calm)
    assert len(database(cut)) == 3, "the baseline, the middle and the one that was enqueued"
    assert run_worker(cut) == 0
    assert_same(cut, calm)


def test_an_older_database_is_told_what_the_log_has(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    process = run_worker_until(session, evaluations(1), pace=0.05)
    process.kill()
    with EventWriter(session.events_path) as writer:
        writer.append_event(e.TrialCompleted(trial=0, value=0.75, epoch=1, step=4, seconds=1))
    assert run_worker(session) == 0
    assert database(session)[0] == (0, "COMPLETE", 0.75)


def test_the_next_worker_waits_for_the_trainer_of_a_killed_one(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    process = run_worker_until(session, evaluations(1), pace=0.05, hang=1.0)
    process.kill()
    assert run_worker(session) == 0
    assert all("was killed" not in event.text for event in of_kind(session, e.Log))


def test_an_orphan_that_does_not_end_is_killed(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    process = run_worker_until(session, evaluations(1), pace=0.05, hang=60.0)
    process.kill()
    trainer = int((session.cache_folder / "trainer-0.lock").read_text())
    assert end_orphaned_trainers(session.cache_folder, patience=0.1) == [trainer]
    assert end_orphaned_trainers(session.cache_folder, patience=0.1) == []
