"""All sessions of a folder, read in slices, and again only where their files changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tuner.session.folder import Session, list_sessions
from tuner.tui.feed import SLICE, Feed

LIST_EVERY = 2.0
"""Seconds between two looks for new folders."""

Stamp = tuple[int, int]


class Catalog:
    """One feed a session, kept over the whole life of the app."""

    def __init__(self, root: Path, clock: Callable[[], float]) -> None:
        self.root = root
        self._clock = clock
        self._stamps: dict[str, Stamp] = {}
        self._listed = -LIST_EVERY
        self.feeds: dict[str, Feed] = {}

    def feed(self, session: Session) -> Feed:
        """The feed of a session, made where there is none yet."""
        return self.feeds.setdefault(session.name, Feed(session, self._clock))

    def forget(self, session: Session) -> None:
        """The session is gone."""
        self.feeds.pop(session.name, None)
        self._stamps.pop(session.name, None)

    def read(self, budget: float = SLICE, first: str | None = None) -> set[str]:
        """Read on for about `budget` seconds, `first` before the others; names of what changed.

        Every session is looked at in its turn; those whose log did not grow cost one `stat`.
        """
        deadline = time.monotonic() + budget
        changed = self._list()
        for name in self._in_turn(first):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            if self._read_one(name, left):
                changed.add(name)
        return changed

    @property
    def complete(self) -> bool:
        """Whether every session was read to its end."""
        return all(feed.complete for feed in self.feeds.values())

    def _in_turn(self, first: str | None) -> Iterable[str]:
        waiting = [name for name, feed in self.feeds.items() if not feed.complete]
        rest = [name for name, feed in self.feeds.items() if feed.complete]
        chosen = [first] if first in self.feeds else []
        return dict.fromkeys([*chosen, *waiting, *rest])

    def _read_one(self, name: str, budget: float) -> bool:
        feed = self.feeds[name]
        stamp = _stamp(feed.session.events_path)
        if stamp == self._stamps.get(name) and feed.complete:
            return feed.look() is not None
        self._stamps[name] = stamp
        return feed.read(budget) is not None

    def _list(self) -> set[str]:
        moment = time.monotonic()
        if moment - self._listed < LIST_EVERY:
            return set()
        self._listed = moment
        found = {session.name: session for session in list_sessions(self.root)}
        gone = set(self.feeds) - set(found)
        new = set(found) - set(self.feeds)
        for name in gone:
            self.forget(self.feeds[name].session)
        for name in new:
            self.feed(found[name])
        return gone | new


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except OSError:
        return (-1, 0)
    return (found.st_size, found.st_mtime_ns)
