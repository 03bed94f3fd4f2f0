"""What a disk refuses is told with what helps against it."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest

from tuner.pool.disk import DiskFull, advise_on_disk_problem, describe_disk_problem


def database_error(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("no")
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "full", "x"), "make room"),
        (OSError(errno.EDQUOT, "full", "x"), "make room, for your quota is used up"),
        (PermissionError(errno.EACCES, "no", "x"), "give tuner the right to write there"),
        (OSError(errno.EROFS, "no", "x"), "mount that disk for writing"),
        (OSError(errno.EIO, "no", "x"), "check that disk, which has failed"),
        (database_error(sqlite3.SQLITE_READONLY), "give tuner the right to write there"),
        (database_error(sqlite3.SQLITE_FULL), "make room"),
        (database_error(sqlite3.SQLITE_LOCKED), "close what else has study.db open"),
        (RuntimeError("Io error: Permission denied (os error 13)"), "give tuner the right"),
        (RuntimeError("Io error: full (os error 28)"), "make room"),
        (DiskFull(f"study.db: {os.strerror(errno.EROFS)}"), "mount that disk for writing"),
        (DiskFull(f"study.db: {os.strerror(errno.ENOSPC)}"), "make room"),
    ],
)
def test_the_advice_is_about_what_was_refused(error: Exception, advice: str) -> None:
    assert describe_disk_problem(error) is not None
    assert advise_on_disk_problem(error).startswith(advice)
