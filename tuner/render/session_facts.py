"""What is known about a session, for those who draw it or look after it."""

from __future__ import annotations

from typing import Protocol

from tuner.session.folder import Session
from tuner.session.trial_counter import TrialCounter
from tuner.session.view import SessionState, SessionView


class SessionFacts(Protocol):
    """What status lines are written from; a `SessionReader` has it.

    `remaining_seconds` is None unless the session is running.
    """

    @property
    def session(self) -> Session: ...
    @property
    def view(self) -> SessionView: ...
    @property
    def trial_counts(self) -> TrialCounter: ...
    @property
    def state(self) -> SessionState: ...
    @property
    def is_stalled(self) -> bool: ...
    @property
    def remaining_seconds(self) -> float | None: ...
