"""Watching a session's log until its worker has ended."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from tuner.cli.interruptions import Interruptions
from tuner.cli.other_host import SilenceWatch
from tuner.cli.output import can_redraw_stderr, print_note
from tuner.session.commands import Pause
from tuner.session.inbox import send_command
from tuner.session.log_follower import LogFollower
from tuner.session.view import ALIVE_STATES, SessionState, SessionView

POLL_SECONDS = 0.2
# The worker writes its last event before it lets go of the lock: what looks like a crash is one
# only if no such event turns up.
IDLE_SECONDS = {SessionState.CRASHED: 1.0}


class Reporter(Protocol):
    """Shows progress while a session is followed."""

    def report_events(self, view: SessionView, events: list[Any]) -> None:
        """Show these events, already folded into `view`; without any, show the time passing."""

    def report_line(self, text: str) -> None:
        """Show a line that is not an event."""


class LineReporter:
    """Writes a line per event to stderr."""

    def report_events(self, view: SessionView, events: list[Any]) -> None:
        from tuner.cli.event_lines import format_event_line

        for line in (format_event_line(event, view) for event in events):
            if line is not None:
                print_note(line)

    def report_line(self, text: str) -> None:
        print_note(text)


def follow_session(follower: LogFollower, interruptions: Interruptions) -> SessionState:
    """Report until no worker is left; an interruption asks the worker to pause."""
    with open_reporter(follower.view) as reporter:
        return _report_until_idle(follower, reporter, interruptions)


def pause_on_interrupt(follower: LogFollower, reporter: Reporter) -> None:
    """Ask the worker to pause without waiting for it."""
    reporter.report_line("pausing… (Ctrl-C again to detach; the worker finishes pausing)")
    send_command(follower.session, Pause(id=uuid.uuid4().hex, time=time.time()))


def _report_until_idle(
    follower: LogFollower, reporter: Reporter, interruptions: Interruptions
) -> SessionState:
    idle_since: float | None = None
    pause_requested = False
    silence_watch = SilenceWatch(follower.session)
    while True:
        if interruptions.any_received and not pause_requested:
            pause_requested = True
            pause_on_interrupt(follower, reporter)
        silence_watch.report_silence(reporter.report_line)
        events = list(follower.read_and_fold().events)
        reporter.report_events(follower.view, events)
        state = follower.state
        if state in ALIVE_STATES or events:
            idle_since = None
        else:
            idle_since = idle_since or time.monotonic()
            if time.monotonic() - idle_since >= IDLE_SECONDS.get(state, 0.0):
                return state
        time.sleep(POLL_SECONDS)


@contextmanager
def open_reporter(view: SessionView) -> Iterator[Reporter]:
    """Redraw progress in place on a terminal, else print a line per event."""
    if not can_redraw_stderr():
        yield LineReporter()
        return
    from tuner.cli.live import LiveReporter

    with LiveReporter(view) as reporter:
        yield reporter
