"""From the log to the screens: read in slices, folded, told as one message."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from textual.message import Message

from tuner.session.existing_file import UnreadableFile
from tuner.session.fold import preview_recipe
from tuner.session.folder import Session
from tuner.session.log_follower import EventSource, FoldedEvents, LogFollower
from tuner.session.status import (
    estimate_seconds_left,
    is_session_stalled,
    pause_abandoned_trials,
)
from tuner.session.trial_counter import TrialCounter
from tuner.session.view import SessionState, SessionView
from tuner.tui.state.table_layout import TableLayout

READING_SLICE = 0.04
"""Seconds that one reading may take, and folding nearly as many: a longer history is read over
several frames."""
LOCK_CHECK_EVERY = 0.5
"""Seconds between two looks at the lock, which changes without a word in the log."""


LONG_HISTORY = 20_000
"""Events from which on a history counts as long."""


@dataclass(frozen=True)
class SessionDelta:
    """What one look at a session brought: the trials that changed, how many events were new.

    `complete` is False while older history is still being read.
    """

    trials: frozenset[int]
    events: int
    state: SessionState
    is_stalled: bool
    complete: bool

    def merged_with(self, later: SessionDelta) -> SessionDelta:
        events = self.events + later.events
        return replace(later, trials=self.trials | later.trials, events=events)


class SessionUpdated(Message):
    """New events of a session were read, or its state changed."""

    def __init__(self, delta: SessionDelta) -> None:
        super().__init__()
        self.delta = delta


class SessionReader:
    """Follows one session. Only `read_new_events` changes the view.

    `layout` is how the session's table of trials was arranged: both live as long as the app.
    `problem` says why the session cannot be read, "" while it can.
    """

    def __init__(
        self,
        session: Session,
        clock: Callable[[], float] = time.time,
        tail: EventSource | None = None,
    ) -> None:
        self.session = session
        self.layout = TableLayout()
        self.is_stalled = False
        self._clock = clock
        self._source = tail
        self._history_length = 0
        self.start_over()

    def start_over(self) -> None:
        """Forget what was read: `view` is a new object afterwards."""
        self._follower = LogFollower(self.session, self._source)
        self.problem = ""
        self.state = SessionState.DRAFT
        self.complete = False
        self.trial_counts = TrialCounter()
        self._remaining_seconds: float | None = None
        self._remaining_computed_at = -1
        self._last_lock_check = -LOCK_CHECK_EVERY

    @property
    def view(self) -> SessionView:
        return self._follower.view

    def read_new_events(self, budget: float = READING_SLICE) -> SessionDelta | None:
        """Read for at most `budget` seconds; return None if nothing is new."""
        events, trials = self._read_and_fold(budget)
        self.trial_counts.recount_trials(self.view, trials)
        if not self.complete:
            self._freeze_long_history(len(events))
        was_complete, self.complete = self.complete, self._follower.at_end or bool(self.problem)
        if self.complete and not self.view.has_recipe and (events or not was_complete):
            preview_recipe(self.view, self.session)
        state_changed = self._state_changed(due=bool(events) or was_complete != self.complete)
        if not (events or state_changed or was_complete != self.complete):
            return None
        trials |= self._settle_interrupted()
        return SessionDelta(trials, len(events), self.state, self.is_stalled, self.complete)

    def _read_and_fold(self, budget: float) -> FoldedEvents:
        try:
            new = self._follower.read_and_fold(budget)
        except UnreadableFile as error:
            self.problem = str(error)
            return FoldedEvents((), frozenset())
        self.problem = ""
        return new

    def _freeze_long_history(self, events: int) -> None:
        """Exempt a long history from later collections: it lives as long as the app."""
        self._history_length += events
        if self._history_length > LONG_HISTORY:
            gc.freeze()

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds to the end of a running search; estimated anew with every ended trial."""
        if self._remaining_computed_at != self.trial_counts.ended_count:
            self._remaining_computed_at = self.trial_counts.ended_count
            self._remaining_seconds = estimate_seconds_left(self.view)
        return self._remaining_seconds if self.state is SessionState.RUNNING else None

    def check_lock(self) -> SessionDelta | None:
        """Check only the lock, for a log that did not grow; return None if nothing changed."""
        if not self._state_changed(due=False):
            return None
        return SessionDelta(
            self._settle_interrupted(), 0, self.state, self.is_stalled, self.complete
        )

    def _settle_interrupted(self) -> frozenset[int]:
        """Mark trials that a dead worker left running as paused; return their numbers."""
        if not self.complete or not self.trial_counts.running:
            return frozenset()
        trials = frozenset(pause_abandoned_trials(self.view, self.state))
        self.trial_counts.recount_trials(self.view, trials)
        return trials

    def session_state(self) -> SessionState:
        """Determine the state from the lock and the log; where these are unreadable it stays."""
        try:
            return self._follower.state
        except UnreadableFile as error:
            self.problem = str(error)
            return self.state

    def expire_lock_check(self) -> None:
        """Make the next reading check the lock, even if it was checked just now."""
        self._last_lock_check = -LOCK_CHECK_EVERY

    def _state_changed(self, *, due: bool) -> bool:
        moment = time.monotonic()
        if not self.complete or not (due or moment - self._last_lock_check >= LOCK_CHECK_EVERY):
            return False
        self._last_lock_check = moment
        before = (self.state, self.is_stalled)
        self.state = self.session_state()
        self.is_stalled = is_session_stalled(self.state, self.view, self._clock())
        return before != (self.state, self.is_stalled)
