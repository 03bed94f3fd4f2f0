"""A folder that is made under a hidden name, so that its own name never stands for half of it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HIDDEN_PREFIX = ".making-"


@contextmanager
def staging_folder(root: Path, name: str) -> Iterator[Path]:
    """Yield an empty folder below `root` to fill and rename; it is removed if it was not renamed.

    What earlier ones left behind that were killed is removed first: a lock on each, which ends
    with its process, tells those that are still at it.
    """
    with contextlib.ExitStack() as stack:
        # The root is locked until the draft is, or another process could take it for left behind.
        with _locked_folder(root):
            _remove_abandoned_folders(root)
            draft = Path(tempfile.mkdtemp(prefix=f"{_HIDDEN_PREFIX}{name}-", dir=root))
            stack.callback(shutil.rmtree, draft, ignore_errors=True)
            stack.enter_context(_locked_folder(draft))
        yield draft


def _remove_abandoned_folders(root: Path) -> None:
    for draft in root.glob(f"{_HIDDEN_PREFIX}*"):
        # One that is held, or gone by now, is somebody else's business.
        with contextlib.suppress(OSError), _locked_folder(draft, os.O_NOFOLLOW, fcntl.LOCK_NB):
            shutil.rmtree(draft, ignore_errors=True)


@contextmanager
def _locked_folder(folder: Path, opening: int = 0, locking: int = 0) -> Iterator[None]:
    """Hold the folder's lock; LOCK_NB in `locking` raises where another process holds it."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | opening)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | locking)
        yield
    finally:
        os.close(file)


def sync_folder_entries(folder: Path) -> None:
    """Wait until the folder's entries are on the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
