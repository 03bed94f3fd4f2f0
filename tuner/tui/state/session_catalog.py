"""All sessions of a folder, read in slices, and again only where their files changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tuner.session.folder import Session, list_sessions
from tuner.tui.state.session_reader import READING_SLICE, SessionReader

LIST_EVERY = 2.0
"""Seconds between two looks for new folders."""

Stamp = tuple[int, int]


class SessionCatalog:
    """One reader per session, kept for the whole life of the app."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self.root = root
        self._clock = clock
        self._stamps: dict[str, Stamp] = {}
        self._last_listing = -LIST_EVERY
        self.readers: dict[str, SessionReader] = {}

    def reader_for(self, session: Session) -> SessionReader:
        """Return the session's reader, created on first use."""
        return self.readers.setdefault(session.name, SessionReader(session, self._clock))

    def forget_session(self, session: Session) -> None:
        self.readers.pop(session.name, None)
        self._stamps.pop(session.name, None)

    def read_sessions(self, budget: float = READING_SLICE, first: str | None = None) -> set[str]:
        """Read for about `budget` seconds, `first` before the others; return what changed.

        Every session gets its turn; one whose log did not grow costs one `stat`.
        """
        deadline = time.monotonic() + budget
        changed = self._refresh_listing()
        for name in self._reading_order(first):
            seconds_left = deadline - time.monotonic()
            if seconds_left <= 0:
                break
            if self._read_session(name, seconds_left):
                changed.add(name)
        return changed

    @property
    def is_fully_read(self) -> bool:
        return all(reader.complete for reader in self.readers.values())

    def _reading_order(self, first: str | None) -> Iterable[str]:
        waiting = [name for name, reader in self.readers.items() if not reader.complete]
        fully_read = [name for name, reader in self.readers.items() if reader.complete]
        preferred = [first] if first in self.readers else []
        return dict.fromkeys([*preferred, *waiting, *fully_read])

    def _read_session(self, name: str, budget: float) -> bool:
        reader = self.readers[name]
        stamp = _file_stamp(reader.session.events_path)
        if stamp == self._stamps.get(name) and reader.complete and not reader.problem:
            return reader.check_lock() is not None
        self._stamps[name] = stamp
        return reader.read_new_events(budget) is not None

    def _refresh_listing(self) -> set[str]:
        moment = time.monotonic()
        if moment - self._last_listing < LIST_EVERY:
            return set()
        self._last_listing = moment
        sessions = {session.name: session for session in list_sessions(self.root)}
        gone = set(self.readers) - set(sessions)
        new = set(sessions) - set(self.readers)
        for name in gone:
            self.forget_session(self.readers[name].session)
        for name in new:
            self.reader_for(sessions[name])
        return gone | new


def _file_stamp(path: Path) -> Stamp:
    try:
        file_status = path.stat()
    except OSError:
        return (-1, 0)
    return (file_status.st_size, file_status.st_mtime_ns)
