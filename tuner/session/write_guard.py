"""Whether a session's folder is one that may be read, and one that may be written in."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec

from tuner.errors import TunerError
from tuner.session.events import SCHEMA
from tuner.session.existing_file import existing_file
from tuner.session.folder import Session

_FIRST_LINE = 1 << 16


def refuse_unsafe_folder(session: Session) -> None:
    """Raise TunerError where writing would leave the folder or damage what a newer tuner wrote.

    For whoever is about to write; a session that is refused here can still be looked at.
    """
    link = next(_iterate_odd_entries(session.path), None)
    if link is not None:
        name = link.relative_to(session.path)
        advice = "replace it with what it points to" if link.is_symlink() else "remove it"
        raise TunerError(
            f"{session.path}: {name} is a link or not a plain file, and tuner writes only inside "
            f"this folder: {advice}"
        )
    schema = read_log_schema(session.events_path)
    if schema > SCHEMA:
        raise TunerError(
            f"session {session.name!r} was written by a newer tuner (schema {schema}, this one "
            f"knows {SCHEMA}): you can view it; install the newer one to continue it"
        )


def _iterate_odd_entries(folder: Path) -> Iterator[Path]:
    """Yield whatever is neither a plain file nor a folder."""
    try:
        entries = list(os.scandir(folder))
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _iterate_odd_entries(Path(entry.path))
        elif not entry.is_file(follow_symlinks=False):
            yield Path(entry.path)


def read_log_schema(path: Path) -> int:
    """Read the schema number from a log's first line; 0 where there is none."""
    with existing_file(path) as file:
        line = b"" if file is None else file.read(_FIRST_LINE).split(b"\n", 1)[0]
    try:
        first_event = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return 0
    schema = first_event.get("schema") if isinstance(first_event, dict) else None
    return schema if isinstance(schema, int) else 0
