"""Who is the worker: a POSIX record lock, held = alive.

The kernel gives the lock back when its holder ends, however that happens, and a forked child does
not inherit it. The price: closing *any* descriptor of the file gives up the lock of the whole
process, so the holder opens the file once only; `lock_holder` knows the locks of its own process.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import struct
import sys
from pathlib import Path

# struct flock: short l_type, short l_whence, off_t l_start, off_t l_len, pid_t l_pid on Linux;
# off_t l_start, off_t l_len, pid_t l_pid, short l_type, short l_whence on macOS and the BSDs.
_LINUX = "hhqqi4x"
_DARWIN = "qqihh"

_held: set[str] = set()


class WorkerLock:
    """The right to write a session. One process at a time; `purpose` is "work" or "test"."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: int | None = None

    def acquire(self, purpose: str = "work") -> bool:
        """Take the lock; False where somebody holds it."""
        key = _key(self._path)
        if key in _held:
            return False
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(file)
            if error.errno in (errno.EACCES, errno.EAGAIN):
                return False
            raise
        self._file = file
        _held.add(key)
        self._sign(file, purpose)
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._file is not None:
            _held.discard(_key(self._path))
            os.close(self._file)
            self._file = None

    def _sign(self, file: int, purpose: str) -> None:
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "purpose": purpose}
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps(holder).encode() + b"\n", 0)


def lock_holder(path: Path) -> int | None:
    """The process that holds the lock, None where nobody does. Disturbs nobody."""
    if _key(path) in _held:
        return os.getpid()
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        return _blocking_process(file, path)
    finally:
        os.close(file)


def holder_details(path: Path) -> dict[str, str]:
    """What the last holder wrote into the lock file: pid, host and purpose, or nothing."""
    if _key(path) in _held:
        return {"pid": str(os.getpid()), "host": socket.gethostname()}
    try:
        written = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(k): str(v) for k, v in written.items()} if isinstance(written, dict) else {}


def _blocking_process(file: int, path: Path) -> int | None:
    linux = sys.platform.startswith("linux")
    if linux:
        query = struct.pack(_LINUX, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    elif struct.calcsize("P") == 8 and (sys.platform == "darwin" or "bsd" in sys.platform):
        query = struct.pack(_DARWIN, 0, 0, 0, fcntl.F_WRLCK, os.SEEK_SET)
    else:
        return _by_trying(file, path)
    answer = fcntl.fcntl(file, fcntl.F_GETLK, query)
    if linux:
        kind, _, _, _, pid = struct.unpack(_LINUX, answer)
    else:
        _, _, pid, kind, _ = struct.unpack(_DARWIN, answer)
    return None if kind == fcntl.F_UNLCK else pid or _written_pid(path)


def _by_trying(file: int, path: Path) -> int | None:
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return _written_pid(path)
    return None


def _written_pid(path: Path) -> int:
    """The pid in the lock file: the kernel does not tell that of a holder on another host."""
    return int(holder_details(path).get("pid", "0"))


def _key(path: Path) -> str:
    return os.path.realpath(path)
