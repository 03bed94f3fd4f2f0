"""A machine that loses its power: what nobody waited for to be on the disk is not there."""

from __future__ import annotations

import os
from pathlib import Path

from tuner.session.folder import Session

# Shared memory, made anew at every opening.
_NOT_KEPT = "study.db-shm"


def note_synced_files(session: Session, notes: Path) -> None:
    """Everything that is there by now is on the disk."""
    states = [path.stat() for path in session.path.rglob("*")]
    lines = (f"{state.st_ino} {state.st_size} {state.st_mtime_ns}\n" for state in states)
    notes.write_text("".join(lines))


def lose_unsynced_writes(session: Session, notes: Path) -> list[str]:
    """Leave of every file what was waited for, by `notes`; the names of those that lost something.

    What was appended since then is gone, and so is all of a file that nobody ever waited for.
    """
    waited: dict[int, tuple[int, int]] = {}
    for line in notes.read_text().splitlines():
        inode, size, changed = map(int, line.split())
        waited[inode] = (size, changed)
    lost = []
    for path in sorted(session.path.rglob("*")):
        state = path.stat()
        size, changed = waited.get(state.st_ino, (0, -1))
        if path.is_file() and path.name != _NOT_KEPT and changed != state.st_mtime_ns:
            os.truncate(path, min(size, state.st_size))
            lost.append(path.name)
    return lost
