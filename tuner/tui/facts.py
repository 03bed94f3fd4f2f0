"""What is known about a session, for those who draw it or look after it."""

from __future__ import annotations

from typing import Protocol

from tuner.session.folder import Session
from tuner.session.view import SessionState, SessionView
from tuner.tui.tally import Tally


class Facts(Protocol):
    """`Feed` has it. `eta` is in seconds, while the session runs."""

    @property
    def session(self) -> Session: ...
    @property
    def view(self) -> SessionView: ...
    @property
    def tally(self) -> Tally: ...
    @property
    def state(self) -> SessionState: ...
    @property
    def stalled(self) -> bool: ...
    @property
    def eta(self) -> float | None: ...
