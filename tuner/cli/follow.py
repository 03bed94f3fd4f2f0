"""Watching a session's log until its worker has ended."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tuner.cli.elsewhere import SilenceElsewhere
from tuner.cli.interruptions import Interruptions
from tuner.cli.output import live_terminal, note
from tuner.session.commands import Pause
from tuner.session.fold import fold
from tuner.session.folder import Session
from tuner.session.inbox import send
from tuner.session.status import session_state
from tuner.session.tail import EventTail
from tuner.session.view import SessionState, SessionView

AWAKE = (SessionState.STARTING, SessionState.RUNNING, SessionState.PAUSING)
POLL_SECONDS = 0.2
# The worker writes its last event before it lets go of the lock: what looks like a crash is one
# only if no such event turns up.
PATIENCE = {SessionState.CRASHED: 1.0}


class Reporter(Protocol):
    """Shows what happens: `update` with the new events (none while nothing happens)."""

    def update(self, view: SessionView, events: list[Any]) -> None:
        """Take note of these events, already folded into `view`."""

    def say(self, text: str) -> None:
        """One line that is no event."""


class LineReporter:
    """One line an event, on stderr."""

    def update(self, view: SessionView, events: list[Any]) -> None:
        """Write what is worth a line."""
        from tuner.cli.event_lines import event_line

        for line in (event_line(event, view) for event in events):
            if line is not None:
                note(line)

    def say(self, text: str) -> None:
        """Write it."""
        note(text)


class Follower:
    """A session's log from its start; `update` folds in what is new."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.view = SessionView()
        self._tail = EventTail(session.events_path)
        self.update()

    def update(self) -> list[Any]:
        """The new events, folded into `view`."""
        found: list[Any] = []
        while events := self._tail.read():
            fold(self.view, events)
            found += events
        return found

    @property
    def state(self) -> SessionState:
        """The session's state now."""
        return session_state(self.session, self.view)


def follow(follower: Follower, interruptions: Interruptions) -> SessionState:
    """Report until no worker is left; an interruption asks the worker to pause."""
    with reporting(follower.view) as report:
        return _follow(follower, report, interruptions)


def pause_on_interrupt(follower: Follower, report: Reporter) -> None:
    """Ask for a pause without waiting for it."""
    report.say("pausing… (Ctrl-C again to detach; the worker finishes pausing)")
    send(follower.session, Pause(id=uuid.uuid4().hex, time=time.time()))


def _follow(follower: Follower, report: Reporter, interruptions: Interruptions) -> SessionState:
    asleep_since: float | None = None
    asked_to_pause = False
    silence = SilenceElsewhere(follower.session)
    while True:
        if interruptions.asked and not asked_to_pause:
            asked_to_pause = True
            pause_on_interrupt(follower, report)
        silence.tell(report.say)
        events = follower.update()
        report.update(follower.view, events)
        state = follower.state
        if state in AWAKE or events:
            asleep_since = None
        else:
            asleep_since = asleep_since or time.monotonic()
            if time.monotonic() - asleep_since >= PATIENCE.get(state, 0.0):
                return state
        time.sleep(POLL_SECONDS)


@contextmanager
def reporting(view: SessionView) -> Iterator[Reporter]:
    """Progress in place on a terminal, a line an event elsewhere."""
    if not live_terminal():
        yield LineReporter()
        return
    from tuner.cli.live import LiveReporter

    with LiveReporter(view) as reporter:
        yield reporter
