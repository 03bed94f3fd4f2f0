"""A session that a worker on another host holds, or held when it was lost."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli import recorded_sessions
from tests.cli.conftest import Tuner
from tests.cli.test_run_and_enqueue import worker_writes
from tuner.cli.other_host import is_running_on_other_host
from tuner.session import events as e
from tuner.session.folder import Session, find_session
from tuner.session.lock import GONE_AFTER, find_remote_holder, lock_holder_pid
from tuner.session.writer import EventWriter

Monkey = pytest.MonkeyPatch
BOOT = Path("/proc/sys/kernel/random/boot_id")


def hold(session: Session, age: float, boot: str = "another kernel") -> None:
    """Sign the lock as a worker in the pod "old" that was last seen `age` seconds ago."""
    holder = {"pid": 2**22 - 1, "host": "old", "boot": boot, "purpose": "work"}
    session.lock_path.write_text(json.dumps(holder) + "\n")
    touch(session, age)


def touch(session: Session, age: float) -> None:
    moment = time.time() - age
    os.utime(session.lock_path, (moment, moment))


def while_waiting(monkeypatch: Monkey, *steps: Callable[[], None]) -> None:
    """Do one of these each time that somebody sleeps, and nothing afterwards."""
    remaining_steps = iter(steps)

    def sleep(_seconds: float) -> None:
        next(remaining_steps, lambda: None)()

    monkeypatch.setattr(time, "sleep", sleep)


@pytest.fixture
def session(root: Path) -> Session:
    return find_session(root, "halted")


@pytest.mark.skipif(not BOOT.exists(), reason="only Linux tells which kernel this is")
def test_another_name_on_the_same_kernel_is_not_another_host(session: Session) -> None:
    hold(session, 1.0, BOOT.read_text().strip())
    assert (find_remote_holder(session.lock_path), lock_holder_pid(session.lock_path)) == (
        None,
        None,
    )
    hold(session, 1.0)
    assert lock_holder_pid(session.lock_path) == 2**22 - 1


def test_a_lost_holder_is_waited_for_with_a_countdown(
    session: Session, monkeypatch: Monkey, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(session, 30.2)
    ages = (35.2, 41.2, GONE_AFTER + 1)
    # It was seen when it was seen: only the clock goes on.
    last_seen, now = session.lock_path.stat().st_mtime, [30.2]
    while_waiting(monkeypatch, *(lambda age=age: now.__setitem__(0, age) for age in ages))
    monkeypatch.setattr(time, "time", lambda: last_seen + now[0])
    assert not is_running_on_other_host(session)
    first, second, last = capsys.readouterr().err.splitlines()
    assert "held by pid 4194303 on old, last seen 30 s ago: taking over in 30 s" in first
    assert "last seen 41 s ago: taking over in 19 s" in second
    assert last == "pid 4194303 on old is gone: taking over"


def test_a_holder_that_shows_itself_is_at_work(
    session: Session, monkeypatch: Monkey, capsys: pytest.CaptureFixture[str]
) -> None:
    hold(session, 8)
    while_waiting(monkeypatch, lambda: touch(session, 0))
    assert is_running_on_other_host(session)
    assert capsys.readouterr().err.endswith("pid 4194303 on old is working on halted\n")


@pytest.mark.parametrize("command", ["resume", "start", "run"])
def test_what_a_lost_pod_left_goes_on(
    tuner: Tuner, session: Session, monkeypatch: Monkey, command: str
) -> None:
    hold(session, 50)
    while_waiting(monkeypatch, lambda: touch(session, GONE_AFTER + 5), session.lock_path.unlink)
    more = [
        recorded_sessions.worker_started(),
        *recorded_sessions.whole_trial_events(4, 18),
        e.SessionFinished(),
    ]
    worker_writes(monkeypatch, more)
    answer = tuner(command, "halted")
    assert answer.code == 0
    assert "taking over" in answer.stderr


def test_run_goes_on_where_the_pod_before_was_told_to_end(
    tuner: Tuner, root: Path, monkeypatch: Monkey
) -> None:
    """The old pod is about to end while the new one begins: its pause is no reason to leave."""
    pid = recorded_sessions.worker_started().pid
    ran = [e.SessionStarted(trials=6, metric="accuracy", direction="maximize")]
    session = recorded_sessions.record_session(
        root, "moved", [recorded_sessions.worker_started(), *ran]
    )
    hold(session, 8)

    def pause() -> None:
        with EventWriter(session.events_path) as writer:
            writer.append_event(e.SessionPaused(reason="SIGTERM"))
        session.lock_path.write_text("")

    while_waiting(monkeypatch, lambda: touch(session, 0), pause)
    more = recorded_sessions.search_events(e.SessionFinished(reason="6 trials"))
    worker_writes(monkeypatch, more)
    answer = tuner("run", "moved")
    assert pid == 2**22 - 1
    assert answer.code == 0
    assert "the worker on somewhere has ended: paused; taking over" in answer.stderr
    assert "Best: trial 1" in answer.stdout
