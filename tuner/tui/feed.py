"""From the log to the screens: read in slices, folded, told as one message."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Protocol

from textual.message import Message

from tuner.session.events import AnyEvent, Unknown
from tuner.session.fold import fold, preview_recipe
from tuner.session.folder import Session
from tuner.session.status import eta_seconds, session_state, settle, stalled
from tuner.session.tail import EventTail
from tuner.session.view import SessionState, SessionView
from tuner.tui.table_layout import TableLayout
from tuner.tui.tally import Tally

SLICE = 0.04
"""Seconds that one reading may take, and folding nearly as many: a longer history is read over
several frames."""
STATE_EVERY = 0.5
"""Seconds between two looks at the lock, which changes without a word in the log."""


LONG = 20_000
"""Events from which on a history counts as long."""


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Reading makes many objects and no garbage: looking for some doubles the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@dataclass(frozen=True)
class Reading:
    """What one look at a session brought. `trials` changed; `complete` is False while older history
    is still being read.
    """

    trials: frozenset[int]
    events: int
    state: SessionState
    stalled: bool
    complete: bool

    def then(self, later: Reading) -> Reading:
        """Both looks as one."""
        events = self.events + later.events
        return replace(later, trials=self.trials | later.trials, events=events)


class SessionRead(Message):
    """A session was read on, or its state changed."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading


class Tail(Protocol):
    """Where events come from: a log that grows, or a recording."""

    @property
    def at_end(self) -> bool: ...

    def read(self, budget: float) -> Sequence[AnyEvent | Unknown]:
        """The next events, for about `budget` seconds."""


class Feed:
    """Follows one session. The view is changed in `read` alone.

    `layout` is how the session's table of trials was arranged: both live as long as the app.
    """

    def __init__(
        self,
        session: Session,
        clock: Callable[[], float] = time.time,
        tail: Tail | None = None,
    ) -> None:
        self.session = session
        self.layout = TableLayout()
        self.stalled = False
        self._clock = clock
        self._tail = tail or EventTail(session.events_path)
        self._first_events = 0
        self.begin_anew(SessionView(name=session.name))

    def begin_anew(self, view: SessionView) -> None:
        """Nothing has been read yet."""
        self.view = view
        self.state = SessionState.DRAFT
        self.complete = False
        self.tally = Tally()
        self._eta: float | None = None
        self._eta_until = -1
        self._looked = -STATE_EVERY

    def read(self, budget: float = SLICE) -> Reading | None:
        """Read on for at most `budget` seconds; None where nothing is new."""
        with _no_garbage_collection():
            events = self._tail.read(budget)
            trials = frozenset(fold(self.view, events))
            self.tally.update(self.view, trials)
            if not self.complete:
                self._keep(len(events))
        was_complete, self.complete = self.complete, self._tail.at_end
        if self.complete and not self.view.recipe and (events or not was_complete):
            preview_recipe(self.view, self.session)
        stirred = self._state_changed(due=bool(events) or was_complete != self.complete)
        if not (events or stirred or was_complete != self.complete):
            return None
        trials |= self._interrupted()
        return Reading(trials, len(events), self.state, self.stalled, self.complete)

    def _keep(self, events: int) -> None:
        """A long history stays as long as the app: no later collection needs to walk it again."""
        self._first_events += events
        if self._first_events > LONG:
            gc.freeze()

    @property
    def eta(self) -> float | None:
        """Seconds to the end of the search while it runs; thought over with every ended trial."""
        if self._eta_until != self.tally.ended:
            self._eta_until = self.tally.ended
            self._eta = eta_seconds(self.view)
        return self._eta if self.state is SessionState.RUNNING else None

    def look(self) -> Reading | None:
        """Look at the lock alone, for a log that did not grow; None where nothing changed."""
        if not self._state_changed(due=False):
            return None
        return Reading(self._interrupted(), 0, self.state, self.stalled, self.complete)

    def _interrupted(self) -> frozenset[int]:
        """What the log of a lost worker left running: it waits, as the next worker will say."""
        if not self.complete or not self.tally.running:
            return frozenset()
        trials = frozenset(settle(self.view, self.state))
        self.tally.update(self.view, trials)
        return trials

    def session_state(self) -> SessionState:
        """Where the session stands by its lock and its log."""
        return session_state(self.session, self.view)

    def look_again(self) -> None:
        """Look at the lock with the next reading, whatever the clock says."""
        self._looked = -STATE_EVERY

    def _state_changed(self, *, due: bool) -> bool:
        moment = time.monotonic()
        if not self.complete or not (due or moment - self._looked >= STATE_EVERY):
            return False
        self._looked = moment
        before = (self.state, self.stalled)
        self.state = self.session_state()
        self.stalled = stalled(self.state, self.view, self._clock())
        return before != (self.state, self.stalled)
