"""A session's log, read on and folded: for commands, screens and the worker alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol, Self

from tuner.session.events import AnyEvent, Unknown
from tuner.session.fold import fold_events, paused_garbage_collection
from tuner.session.folder import Session
from tuner.session.inbox import EndRequests
from tuner.session.status import derive_session_state
from tuner.session.tail import EventTail
from tuner.session.view import SessionState, SessionView


class EventSource(Protocol):
    """Where events come from: a log that grows, or a recording."""

    @property
    def at_end(self) -> bool: ...

    def read_events(self, budget: float) -> Sequence[AnyEvent | Unknown]:
        """Return the next events, reading for about `budget` seconds."""


class FoldedEvents(NamedTuple):
    """New events, and the numbers of the trials that they changed."""

    events: Sequence[AnyEvent | Unknown]
    trials: frozenset[int]


class LogFollower:
    """Reads one session's log; `view` is changed by `read_and_fold` alone."""

    def __init__(self, session: Session, source: EventSource | None = None) -> None:
        self.session = session
        self.view = SessionView(name=session.name)
        self._source = source or EventTail(session.events_path)
        self._end_requests = EndRequests(session)

    @classmethod
    def fully_read(cls, session: Session) -> Self:
        """Follow a session from the present end of its log; UnreadableFile as below."""
        follower = cls(session)
        follower.read_and_fold()
        return follower

    def read_and_fold(self, budget: float = math.inf) -> FoldedEvents:
        """Fold in what is new, reading for about `budget` seconds.

        Raises UnreadableFile where the log cannot be read.
        """
        with paused_garbage_collection():
            events = self._source.read_events(budget)
            return FoldedEvents(events, frozenset(fold_events(self.view, events)))

    @property
    def at_end(self) -> bool:
        return self._source.at_end

    @property
    def state(self) -> SessionState:
        """Where the session stands now; UnreadableFile where that cannot be read."""
        return derive_session_state(self.session, self.view, self._end_requests)
