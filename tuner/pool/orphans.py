"""Trainers that outlive their worker, and how the next worker notices them.

Each trainer inherits an `flock` on a file of its own. The kernel drops it when the last process
that has it ends, however that happens: unlike a pid file it cannot be stale. (Children inherit an
`flock`: that rules it out for the worker's own lock and is exactly what is needed here.)
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tuner.errors import TunerError

LOCK_PATTERN = "trainer-*.lock"
KILL_PATIENCE = 30.0
_POLL = 0.05
_HANDOVER = 10.0


def trainer_lock_path(folder: Path, slot: int) -> Path:
    return folder / f"trainer-{slot}.lock"


@contextlib.contextmanager
def hold_lock_for_child(path: Path) -> Iterator[int]:
    """Yield an inheritable descriptor with the lock; closing it here leaves the child's.

    Raises TimeoutError where another process holds the lock: call `end_orphaned_trainers` first.
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + _HANDOVER
        while not _try_to_lock(file):
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{path}: a trainer that should have ended keeps this lock")
            time.sleep(_POLL)
        yield file
    finally:
        os.close(file)


def write_holder_pid(file: int, pid: int) -> None:
    """Write the trainer's pid into its lock file."""
    os.ftruncate(file, 0)
    os.pwrite(file, b"%d\n" % pid, 0)


def end_orphaned_trainers(folder: Path, patience: float) -> list[int]:
    """Wait until no trainer of an earlier worker is left; kill after `patience` seconds.

    An orphan checkpoints and ends by itself once its stdin is closed. Returns the pids killed.
    Raises TunerError if one cannot be ended.
    """
    deadline = time.monotonic() + patience
    killed: list[int] = []
    for path in sorted(folder.glob(LOCK_PATTERN)):
        if not _is_free_by(path, deadline):
            killed.append(_kill_lock_holder(path))
    return killed


def _is_free_by(path: Path, deadline: float) -> bool:
    while _is_lock_held(path):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL)
    return True


def _is_lock_held(path: Path) -> bool:
    file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return not _try_to_lock(file)
    finally:
        os.close(file)


def _try_to_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _kill_lock_holder(path: Path) -> int:
    """Kill the trainer's process group, and with it whatever it started; return its pid."""
    written = path.read_text().strip()
    if not written.isdigit():
        raise TunerError(
            f"{path}: a trainer of an earlier worker is still running, and the file does not tell "
            "its pid: end it (`fuser` names it), then resume"
        )
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(int(written), signal.SIGKILL)
    # SIGKILL waits while the kernel does: for a hung GPU driver or a network disk, perhaps forever.
    if not _is_free_by(path, time.monotonic() + KILL_PATIENCE):
        raise TunerError(
            f"{path}: trainer {written} of an earlier worker cannot be killed: end it (or restart "
            "the machine), then resume"
        )
    return int(written)
