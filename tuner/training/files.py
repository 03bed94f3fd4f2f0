"""Files and folders that are there whole or not at all."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tuner.errors import TunerError
from tuner.recipe.user_paths import describe_os_error, require_utf8


@contextmanager
def atomic_file_write(path: Path) -> Iterator[Path]:
    """Yield a temporary name to write to, which replaces `path` at the end.

    Waits for the disk, so that a loss of power leaves the old file or the new one.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield temporary
        sync_to_disk(temporary)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_to_disk(path.parent)


@contextmanager
def atomic_folder_write(path: Path) -> Iterator[Path]:
    """Yield an empty temporary folder to fill, which replaces `path` at the end."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True, mode=0o700)
    try:
        yield temporary
        for file in (*temporary.iterdir(), temporary):
            sync_to_disk(file)
        if path.exists():
            shutil.rmtree(path)
        os.replace(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    sync_to_disk(path.parent)


@contextmanager
def make_temporary_folder(prefix: str) -> Iterator[Path]:
    """Yield a folder that is removed at the end; TunerError where none can be made."""
    try:
        folder = tempfile.TemporaryDirectory(prefix=prefix)
    except OSError as error:
        problem = f"no temporary files can be written ({describe_os_error(error)})"
        raise TunerError(f"{problem}: set TMPDIR to a folder for them") from error
    with folder as path:
        yield Path(require_utf8(path, "TMPDIR"))


def sync_to_disk(path: Path) -> None:
    """Wait until a file or a folder's entries are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def file_digest(path: Path) -> str:
    """Return BLAKE2b of a file's bytes, 32 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
