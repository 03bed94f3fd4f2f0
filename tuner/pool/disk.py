"""Tell a disk that cannot be written to from a bug: for the disk, the study pauses and waits."""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from tuner.errors import TunerError

NO_ROOM = "no room"
_FULL_ERRNOS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG})
_FORBIDDEN_ERRNOS = frozenset({errno.EACCES, errno.EPERM, errno.EIO})
_SQLITE_DISK_CODES = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
    }
)
_RIGHTS = "give tuner the right to write there"
_ADVICE = {
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
    errno.EROFS: "mount that disk for writing",
    errno.EIO: "check that disk, which has failed",
    errno.EBUSY: "close what else has study.db open",
    errno.EFBIG: "allow larger files there",
    errno.EDQUOT: "make room, for your quota is used up",
}
_ERRNO_BY_SQLITE_CODE = {
    sqlite3.SQLITE_READONLY: errno.EACCES,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
    sqlite3.SQLITE_LOCKED: errno.EBUSY,
}
# Libraries in Rust quote the number; numpy tells by counting.
_RUST = re.compile(r"\(os error (\d+)\)")
_NUMPY = re.compile(r"\d+ requested and \d+ written")


class DiskFull(TunerError):
    """Nothing can be written until somebody frees space; what is on the disk is intact."""


def describe_disk_problem(error: BaseException) -> str | None:
    """Say in a few words what the disk refuses; None where the error is about something else."""
    if isinstance(error, DiskFull):
        return str(error)
    disk_errnos = (
        _FULL_ERRNOS if isinstance(error, TunerError) else _FULL_ERRNOS | _FORBIDDEN_ERRNOS
    )
    return next(
        (
            problem
            for link in _exception_chain(error)
            if (problem := _describe_disk_error(link, disk_errnos))
        ),
        None,
    )


def advise_on_disk_problem(error: BaseException) -> str:
    """Say what to do about `describe_disk_problem`, as the beginning of a sentence."""
    refused = next((number for link in _exception_chain(error) if (number := _errno_of(link))), 0)
    return _ADVICE.get(refused, "make room")


def _exception_chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _errno_of(error: BaseException) -> int:
    """Return the errno of an error: its own, or the one that is quoted in its text."""
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno
    if isinstance(error, sqlite3.Error):
        return _ERRNO_BY_SQLITE_CODE.get(getattr(error, "sqlite_errorcode", 0) & 0xFF, 0)
    texts = {os.strerror(number): number for number in _ADVICE}
    match = _RUST.search(str(error))
    return int(match[1]) if match else next((n for t, n in texts.items() if t in str(error)), 0)


def _describe_disk_error(error: BaseException, disk_errnos: frozenset[int]) -> str | None:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return f"study.db: {error}" if code in _SQLITE_DISK_CODES else None
    if isinstance(error, OSError) and error.errno in disk_errnos:
        name = f"{Path(os.fsdecode(error.filename)).name}: " if error.filename else ""
        return f"{name}{error.strerror}"
    text = str(error)
    match = _RUST.search(text)
    if match is not None and int(match[1]) in disk_errnos:
        return os.strerror(int(match[1]))
    return os.strerror(errno.ENOSPC) if _NUMPY.search(text) else None
