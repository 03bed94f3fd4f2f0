"""Room on the disk: a reserve for the last words, and what a session takes up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tuner.pool.disk import DiskFull, advise_on_disk_problem
from tuner.recipe.user_paths import describe_os_error
from tuner.session.folder import Session

RESERVE_BYTES = 256 * 1024
"""Bytes that are given back when the disk is full, so that the log can say so."""
_NAME = "reserve"


def ensure_disk_reserve(session: Session) -> None:
    """Fill the reserve unless it is there. Raises NoRoom where nothing can be written."""
    path = session.cache_folder / _NAME
    with contextlib.suppress(OSError):
        if path.stat().st_size == RESERVE_BYTES:
            return
    try:
        session.cache_folder.mkdir(mode=0o700, exist_ok=True)
        _write_reserve_file(path)
    except OSError as error:
        release_disk_reserve(session)
        raise DiskFull(
            f"{session.path}: cannot write there: {describe_os_error(error)}; "
            f"{advise_on_disk_problem(error)}, then start again"
        ) from error


def _write_reserve_file(path: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    try:
        # Not zeros: a file system that compresses would hold none of them back.
        unwritten = memoryview(os.urandom(RESERVE_BYTES))
        while unwritten:
            unwritten = unwritten[os.write(file, unwritten) :]
        os.fsync(file)
    finally:
        os.close(file)


def release_disk_reserve(session: Session) -> None:
    with contextlib.suppress(OSError):
        (session.cache_folder / _NAME).unlink(missing_ok=True)


def session_bytes_used(session: Session) -> int:
    """Sum the sizes of a session's files without following links; unreadable ones count 0."""
    return sum(_iterate_file_sizes(session.path))


def _iterate_file_sizes(folder: Path) -> Iterator[int]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _iterate_file_sizes(Path(entry.path))
            else:
                yield entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
