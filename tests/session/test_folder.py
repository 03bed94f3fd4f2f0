"""The session folder: names, rights, commands and the lock."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tuner.errors import TunerError
from tuner.session.commands import Enqueue, Pause
from tuner.session.folder import (
    check_session_name,
    create_session,
    delete_session,
    find_session,
    list_sessions,
    unused_session_name,
)
from tuner.session.inbox import CommandReader, send_command
from tuner.session.lock import WorkerLock, lock_holder_pid, read_holder_details

HOLD = """
import sys, pathlib
from tuner.session.lock import WorkerLock
print(WorkerLock(pathlib.Path(sys.argv[1])).try_acquire(), flush=True)
sys.stdin.read()
"""

LOOK = """
import sys, pathlib
from tuner.session.lock import lock_holder_pid
print(lock_holder_pid(pathlib.Path(sys.argv[1])))
"""


def test_a_new_session_is_private_and_says_that_it_was_created(tmp_path: Path) -> None:
    session = create_session(tmp_path / "sessions", "rte.basic-1", "# a recipe\n")
    assert session.path.stat().st_mode & 0o777 == 0o700
    files = sorted(session.path.iterdir())
    assert [file.name for file in files] == ["commands.jsonl", "events.jsonl", "recipe.toml"]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}
    assert b'"kind":"session_created"' in session.events_path.read_bytes()
    assert session.trial_folder(12).name == "0012"


@pytest.mark.parametrize("name", ["", ".", "..", ".x", "a/b", "../x", "a b", "é", "x\n", "n" * 101])
def test_a_bad_name_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(TunerError) as error:
        create_session(tmp_path, name, "")
    assert "\n" not in str(error.value)
    with pytest.raises(TunerError):
        find_session(tmp_path, name)


@pytest.mark.parametrize("name", ["a", "A-1_b.c", "2020", "_x", "-"])
def test_a_good_name_passes(name: str) -> None:
    assert check_session_name(name) == name


def test_a_name_is_taken_once_and_the_nearest_one_is_offered(tmp_path: Path) -> None:
    create_session(tmp_path, "rte-basic", "")
    with pytest.raises(TunerError, match="already exists"):
        create_session(tmp_path, "rte-basic", "")
    with pytest.raises(TunerError, match="did you mean 'rte-basic'"):
        find_session(tmp_path, "rte-basik")
    assert [session.name for session in list_sessions(tmp_path)] == ["rte-basic"]
    assert list_sessions(tmp_path / "nowhere") == []


def test_a_link_out_of_the_root_is_not_a_session(tmp_path: Path) -> None:
    create_session(tmp_path / "elsewhere", "real", "")
    root = tmp_path / "sessions"
    root.mkdir()
    (root / "linked").symlink_to(tmp_path / "elsewhere" / "real")
    with pytest.raises(TunerError, match="leads out of"):
        find_session(root, "linked")
    assert list_sessions(root) == []


def test_the_lock_is_held_by_one_process_and_seen_by_others(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    assert lock_holder_pid(path) is None
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other_process:
        assert other_process.stdout is not None
        assert other_process.stdout.readline() == "True\n"
        assert lock_holder_pid(path) == other_process.pid
        assert read_holder_details(path)["pid"] == str(other_process.pid)
        assert not WorkerLock(path).try_acquire()
        assert lock_holder_pid(path) == other_process.pid
        other_process.kill()
        other_process.wait()
    assert lock_holder_pid(path) is None


def test_looking_at_the_own_lock_does_not_lose_it(tmp_path: Path) -> None:
    path = tmp_path / "worker.lock"
    lock = WorkerLock(path)
    assert lock.try_acquire("test")
    assert lock_holder_pid(path) == os.getpid()
    assert read_holder_details(path)["pid"] == str(os.getpid())
    assert not WorkerLock(path).try_acquire()
    lock_probe = subprocess.run(
        [sys.executable, "-c", LOOK, str(path)], capture_output=True, text=True, check=True
    )
    assert lock_probe.stdout == f"{os.getpid()}\n"
    lock.release_lock()
    assert lock_holder_pid(path) is None
    assert lock.try_acquire()
    lock.release_lock()


def test_a_running_session_is_not_deleted(tmp_path: Path) -> None:
    session = create_session(tmp_path, "x", "")
    lock = WorkerLock(session.lock_path)
    lock.try_acquire()
    with pytest.raises(TunerError, match="is running"):
        delete_session(session)
    lock.release_lock()
    delete_session(session)
    assert not session.path.exists()


def test_commands_arrive_in_order_and_bad_lines_are_reported(tmp_path: Path) -> None:
    session = create_session(tmp_path, "x", "")
    tail = CommandReader(session.commands_path)
    assert tail.read_new_commands() == []
    first = send_command(session, Pause())
    assert [command.id for command in tail.read_new_commands()] == [first]
    with session.commands_path.open("ab") as file:
        file.write(b'{"kind":"dance","id":"1"}\n{"kind":"pause"}\ntorn')
    second = send_command(session, Enqueue(params={"lr.head": 1e-3}))
    (command,) = tail.read_new_commands()
    assert isinstance(command, Enqueue)
    assert command.id == second
    assert command.time > 0
    assert len(tail.bad_lines) == 3


def test_a_name_that_is_free(tmp_path: Path) -> None:
    assert unused_session_name(tmp_path, "a") == "a"
    (tmp_path / "a").mkdir()
    (tmp_path / "a-2").touch()
    assert unused_session_name(tmp_path, "a") == "a-3"
