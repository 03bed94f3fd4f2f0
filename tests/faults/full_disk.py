"""A disk that takes no more from some call on, for workers and trainers as real processes."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.faults import kill_points, processes
from tests.faults.processes import Plan
from tuner.session.folder import Session

_TAKES_ROOM = (
    "fsync",
    "ftruncate",
    "mkdir",
    "open",
    "write",
    "pwrite",
    "commit",
    "rename",
    "replace",
)
_WITH_THE_RESERVE = ("write events.jsonl", "fsync events.jsonl")


@dataclass(frozen=True, slots=True)
class Full:
    """From which call on (counted from 1), and what the system says: no room, quota, read-only.

    The `reserve`, once given back, has room for the log; a disk that is read-only has none.
    """

    first_refused_call: int
    error: int
    reserve: bool = True


class Refusals(kill_points.Points):
    """Raises in the place of calls that take room."""

    def __init__(self, folder: Path, full: Full) -> None:
        super().__init__(folder, None, None)
        self._full = full
        self._has_reserve = True

    def visit(self, name: str, half: Callable[[], object] | None = None) -> None:
        """Let the call through while there is room; half of a write is done where there is not."""
        if os.getpid() != self._process:
            return
        if name.endswith("cache/reserve") and name.startswith(("unlink", "remove")):
            self._has_reserve = False
        if not name.startswith(_TAKES_ROOM):
            return
        self._seen += 1
        if self._seen < self._full.first_refused_call or self._is_reserved_for(name):
            return
        if half is not None and self._full.reserve:
            half()
        if name.startswith("commit"):
            raise _sqlite_error(self._full)
        raise OSError(self._full.error, os.strerror(self._full.error), name.split()[1])

    def _is_reserved_for(self, name: str) -> bool:
        given_back = self._full.reserve and not self._has_reserve
        return given_back and name.startswith(_WITH_THE_RESERVE)


def _sqlite_error(full: Full) -> sqlite3.OperationalError:
    word = "database or disk is full" if full.reserve else "attempt to write a readonly database"
    error = sqlite3.OperationalError(word)
    error.sqlite_errorcode = sqlite3.SQLITE_FULL if full.reserve else sqlite3.SQLITE_READONLY
    return error


def live_with_full_disk(
    session: Session, *, worker: Full | None = None, trainer: Full | None = None
) -> int:
    """Run a worker to its end; the exit code."""
    fault = None if trainer is None else partial(_install, session.path, trainer)
    target = partial(_be_a_worker, session.path, worker, fault)
    process = processes.fork_server().Process(target=target)
    process.start()
    process.join(120.0)
    assert process.exitcode is not None, "the worker goes on and on"
    return process.exitcode


def _install(folder: Path, full: Full) -> None:
    kill_points.install(Refusals(folder, full))


def _be_a_worker(folder: Path, full: Full | None, fault: processes.TrainerFault | None) -> None:
    if full is not None:
        vars(processes)["Points"] = lambda *_: Refusals(folder, full)
    processes._be_a_worker(folder, Plan(fault=fault))


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Mount a file system in memory of this size; raise PermissionError where none may be."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0700", "none", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PermissionError(done.stderr.strip())
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)
