"""Two workers for one session: one wins, and the other says who has it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults.conftest import Calm
from tests.faults.fault_counts import count_event
from tests.faults.processes import Life, wait_until
from tests.faults.studies import Tiny, assert_same, assert_sound
from tests.faults.terminals import Terminal
from tests.worker.worker_sessions import (
    environment,
    evaluations,
    make_session,
    of_kind,
    run_worker_until,
)
from tuner.errors import TunerError
from tuner.session import events as e
from tuner.session import lock as locks
from tuner.session.folder import Session
from tuner.session.lock import (
    GONE_AFTER,
    WorkerLock,
    describe_lock_holder,
    is_held_remotely,
    lock_holder_pid,
)

AT_ONCE = 5


def test_of_five_workers_at_once_one_works(tiny: Tiny, calm: Calm) -> None:
    session = tiny.session()
    lives = [Life(session) for _ in range(AT_ONCE)]
    codes = sorted(life.wait() for life in lives)
    assert codes == [0, *[2] * (AT_ONCE - 1)]
    count_event("workers that found another one", AT_ONCE - 1)
    assert len(of_kind(session, e.WorkerStarted)) == 1
    assert_same(session, calm.portrait)


def start_command(session: Session) -> subprocess.Popen[str]:
    root, name = str(session.path.parent), session.name
    return subprocess.Popen(
        [sys.executable, "-m", "tuner", "--sessions", root, "start", name],
        env=environment(pace=0.3), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def test_two_starts_at_once(tmp_path: Path) -> None:
    # So many that the first worker is still there, however late the second start comes.
    session = make_session(tmp_path, trials=1000)
    both = [start_command(session) for _ in range(2)]
    error_outputs = [process.communicate(timeout=60)[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [0, 2]
    (worker,) = of_kind(session, e.WorkerStarted)
    refusal = error_outputs[codes.index(2)]
    assert f"is already running: pid {worker.pid} on {socket.gethostname()}" in refusal
    assert "Traceback" not in refusal
    os.kill(worker.pid, 15)
    wait_until(lambda: lock_holder_pid(session.lock_path) is None)
    assert_sound(session)


def test_two_screens_of_one_session_show_and_ask_the_same(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=4)
    worker = run_worker_until(session, evaluations(1), pace=0.2)
    with (
        closing(Terminal(tmp_path, "open", session.name)) as first_terminal,
        closing(Terminal(tmp_path, "open", session.name)) as second_terminal,
    ):
        for screen in (first_terminal, second_terminal):
            screen.shows("running")
        for screen in (first_terminal, second_terminal):
            screen.type("p")
        for screen in (first_terminal, second_terminal):
            screen.shows("paused")
        assert worker.wait() == 0
        assert [screen.has_ended() for screen in (first_terminal, second_terminal)] == [
            False,
            False,
        ]
    assert len(of_kind(session, e.SessionPaused)) == 1
    assert all(event.ok for event in of_kind(session, e.CommandDone))
    assert_sound(session)


def sign(session: Session, host: str, age: float) -> None:
    """As a worker on another host would have signed, whose locks this one cannot see."""
    session.lock_path.write_text(json.dumps({"pid": 4321, "host": host, "purpose": "work"}) + "\n")
    moment = time.time() - age
    os.utime(session.lock_path, (moment, moment))


def test_a_worker_on_another_host_is_found_where_locks_are_not_shared(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=1)
    sign(session, "elsewhere", age=5)
    refused = start_command(session)
    while refused.poll() is None:  # the command waits until it sees that the other one lives
        os.utime(session.lock_path)
        time.sleep(0.2)
    _, error_output = refused.communicate(timeout=60)
    assert refused.returncode == 2
    assert "pid 4321 on elsewhere, last seen less than 1 m 00 s ago" in error_output
    assert not WorkerLock(session.lock_path).try_acquire()
    assert of_kind(session, e.WorkerStarted) == []


@pytest.mark.parametrize(
    ("host", "age"), [("elsewhere", GONE_AFTER + 5), (socket.gethostname(), 1.0)]
)
def test_a_lost_worker_keeps_nobody_out(tmp_path: Path, host: str, age: float) -> None:
    session = make_session(tmp_path, trials=1)
    sign(session, host, age)
    assert lock_holder_pid(session.lock_path) is None
    assert not is_held_remotely(session.lock_path)
    lock = WorkerLock(session.lock_path)
    assert lock.try_acquire()
    lock.release_lock()


def test_the_holder_shows_itself_and_signs_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "TOUCH_EVERY", 0.01)
    path = tmp_path / "worker.lock"
    lock = WorkerLock(path)
    assert lock.try_acquire()
    os.utime(path, (0, 0))
    wait_until(lambda: path.stat().st_mtime > 0)
    assert describe_lock_holder(path) == f"pid {os.getpid()} on {socket.gethostname()}"
    lock.release_lock()
    assert path.read_text() == ""


def test_a_file_system_without_locks_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", no_locks)
    with pytest.raises(TunerError, match="this file system has no locks"):
        WorkerLock(tmp_path / "worker.lock").try_acquire()
