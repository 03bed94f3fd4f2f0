"""Who is the worker: a POSIX record lock, held = alive.

The kernel gives the lock back when its holder ends, however that happens, and a forked child does
not inherit it. The price: closing *any* descriptor of the file gives up the lock of the whole
process, so the holder opens the file once only; `lock_holder_pid` knows its own process's locks.

Some network file systems keep locks to one host. So the holder signs the file with its host and
touches it every few seconds: fresh and signed by another host counts as held, too. A container of
another name on the same kernel is no other host: there the kernel knows whether the holder lives.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import struct
import sys
import threading
import time
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from tuner.errors import TunerError
from tuner.recipe.regular_file import open_regular_file
from tuner.recipe.user_paths import describe_os_error
from tuner.results.format import format_duration_in_words
from tuner.session.existing_file import UnreadableFile

TOUCH_EVERY = 10.0
GONE_AFTER = 60.0
"""Seconds without a touch after which a holder on another host counts as lost."""
# struct flock: short l_type, short l_whence, off_t l_start, off_t l_len, pid_t l_pid on Linux;
# off_t l_start, off_t l_len, pid_t l_pid, short l_type, short l_whence on macOS and the BSDs.
_MOST_DETAILS = 4096
_LINUX = "hhqqi4x"
_DARWIN = "qqihh"

_held_by_this_process: set[str] = set()


class WorkerLock:
    """The right to write a session. One process at a time; `purpose` is "work" or "test"."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None
        self._released = threading.Event()

    def try_acquire(self, purpose: str = "work") -> bool:
        """Take the lock; False where another process holds it.

        Raises TunerError where the file system has no locks.
        """
        resolved_path = _resolved_lock_path(self._path)
        if resolved_path in _held_by_this_process or _remote_holder_pid(self._path) is not None:
            return False
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise TunerError(
                f"{self._path}: this file system has no locks ({error.strerror}), so two workers "
                "could spoil the session: put it on another disk"
            ) from error
        self._file = file
        _held_by_this_process.add(resolved_path)
        self._write_signature(file, purpose)
        self._released = threading.Event()
        threading.Thread(
            target=_touch_periodically, args=[file, self._released], daemon=True
        ).start()
        return True

    def clear_signature(self) -> None:
        """Tell other hosts that the holder ends; the lock itself goes with the process."""
        self._released.set()
        if self._file is not None:
            os.ftruncate(self._file, 0)

    def release_lock(self) -> None:
        self.clear_signature()
        if self._file is not None:
            _held_by_this_process.discard(_resolved_lock_path(self._path))
            os.close(self._file)
            self._file = None

    def _write_signature(self, file: int, purpose: str) -> None:
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "boot": _read_boot_id(),
            "purpose": purpose,
        }
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(holder).encode() + b"\n", 0)


def _touch_periodically(file: int, released: threading.Event) -> None:
    while not released.wait(TOUCH_EVERY):
        with contextlib.suppress(OSError):
            os.utime(file)


def lock_holder_pid(path: Path) -> int | None:
    """Return the pid that holds the lock, None where nobody does, without disturbing anybody."""
    if _resolved_lock_path(path) in _held_by_this_process:
        return os.getpid()
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UnreadableFile(f"{path} cannot be read: {describe_os_error(error)}") from error
    try:
        holder = _blocking_process_pid(file, path)
    finally:
        os.close(file)
    return _remote_holder_pid(path) if holder is None else holder


def describe_lock_holder(path: Path) -> str:
    """Describe the holder for people: pid and host, and when it was last seen if remote."""
    details = read_holder_details(path)
    holder = f"pid {lock_holder_pid(path)} on {details.get('host', 'this machine')}"
    if not _is_other_host(details):
        return holder
    return f"{holder}, last seen less than {format_duration_in_words(GONE_AFTER)} ago"


class RemoteHolder(NamedTuple):
    """A process on another host that seems to hold a lock, and when it last touched it."""

    pid: int
    host: str
    touched: float

    @property
    def seconds_since_touch(self) -> float:
        return abs(time.time() - self.touched)


def find_remote_holder(path: Path) -> RemoteHolder | None:
    """Find the holder on another host, which this host's kernel may not know of."""
    details = read_holder_details(path)
    if not _is_other_host(details) or not details.get("pid", "").isdigit():
        return None
    try:
        holder = RemoteHolder(int(details["pid"]), details["host"], path.stat().st_mtime)
    except OSError:
        return None
    return holder if holder.seconds_since_touch < GONE_AFTER else None


def _remote_holder_pid(path: Path) -> int | None:
    holder = find_remote_holder(path)
    return None if holder is None else holder.pid


def is_held_remotely(path: Path) -> bool:
    return lock_holder_pid(path) is not None and _is_other_host(read_holder_details(path))


def _is_other_host(details: dict[str, str]) -> bool:
    same_kernel = bool(_read_boot_id()) and details.get("boot") == _read_boot_id()
    return not same_kernel and details.get("host", socket.gethostname()) != socket.gethostname()


@lru_cache
def _read_boot_id() -> str:
    """Return an id of this boot of the kernel; "" where there is none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def read_holder_details(path: Path) -> dict[str, str]:
    """Read what the last holder wrote into the lock file: pid, host and purpose, or nothing."""
    if _resolved_lock_path(path) in _held_by_this_process:
        return {"pid": str(os.getpid()), "host": socket.gethostname()}
    try:
        with open_regular_file(path) as file:
            details = json.loads(file.read(_MOST_DETAILS))
    except (OSError, ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in details.items()} if isinstance(details, dict) else {}


def _blocking_process_pid(file: int, path: Path) -> int | None:
    linux = sys.platform.startswith("linux")
    if linux:
        query = struct.pack(_LINUX, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    elif struct.calcsize("P") == 8 and (sys.platform == "darwin" or "bsd" in sys.platform):
        query = struct.pack(_DARWIN, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
    else:
        return _holder_by_trying_lock(file, path)
    answer = fcntl.fcntl(file, fcntl.F_GETLK, query)
    if linux:
        kind, _, _, _, pid = struct.unpack(_LINUX, answer)
    else:
        _, _, pid, kind, _ = struct.unpack(_DARWIN, answer)
    return None if kind == fcntl.F_UNLCK else pid or _pid_in_lock_file(path)


def _holder_by_trying_lock(file: int, path: Path) -> int | None:
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _pid_in_lock_file(path)
    return None


def _pid_in_lock_file(path: Path) -> int:
    """Read the pid in the lock file: the kernel does not know one on another host."""
    return int(read_holder_details(path).get("pid", "0"))


def _resolved_lock_path(path: Path) -> str:
    return os.path.realpath(path)
