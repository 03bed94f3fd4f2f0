"""Room on the disk: a reserve for the last words, and what a session takes up."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from tuner.pool.disk import NoRoom, disk_advice
from tuner.recipe.user_paths import reason_of
from tuner.session.folder import Session

RESERVE = 256 * 1024
"""Bytes that are given back when the disk is full, so that the log can say so."""
_NAME = "reserve"


def keep_reserve(session: Session) -> None:
    """Take up the reserve, unless it is there. Raises NoRoom where nothing can be written."""
    path = session.cache_folder / _NAME
    with contextlib.suppress(OSError):
        if path.stat().st_size == RESERVE:
            return
    try:
        session.cache_folder.mkdir(mode=0o700, exist_ok=True)
        _fill(path)
    except OSError as error:
        give_reserve(session)
        raise NoRoom(
            f"{session.path}: nothing can be written there: {reason_of(error)}; "
            f"{disk_advice(error)}, then start again"
        ) from error


def _fill(path: Path) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    file = os.open(path, flags, 0o600)
    try:
        # Not zeros: a file system that compresses would hold none of them back.
        rest = memoryview(os.urandom(RESERVE))
        while rest:
            rest = rest[os.write(file, rest) :]
        os.fsync(file)
    finally:
        os.close(file)


def give_reserve(session: Session) -> None:
    """Give the reserve back to the disk."""
    with contextlib.suppress(OSError):
        (session.cache_folder / _NAME).unlink(missing_ok=True)


def bytes_used(session: Session) -> int:
    """What the files of a session take up, links not followed; what cannot be read counts 0."""
    return sum(_sizes(session.path))


def _sizes(folder: Path) -> Iterator[int]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                yield from _sizes(Path(entry.path))
            else:
                yield entry.stat(follow_symlinks=False).st_size
        except OSError:
            continue
