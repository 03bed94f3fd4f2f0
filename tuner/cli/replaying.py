"""`tuner replay`: a recorded log, played in the UI on a terminal, as lines elsewhere."""

from __future__ import annotations

import argparse
import time

from tuner.cli.follow import LineReporter
from tuner.cli.output import on_terminal
from tuner.cli.places import named_session, sessions_root
from tuner.errors import TunerError
from tuner.session.events import SessionCreated
from tuner.session.fold import fold
from tuner.session.folder import Session
from tuner.session.replay import Recording
from tuner.session.tail import EventTail
from tuner.session.view import SessionView


def replay(options: argparse.Namespace) -> int:
    """`tuner replay NAME [--speed X]`."""
    session = named_session(options)
    recording = _recording(session, options.speed)
    if not on_terminal():
        play_lines(recording, session.name)
        return 0
    from tuner.tui.app import run_app

    run_app(sessions_root(options).resolve(), session.name, recording)
    return 0


def _recording(session: Session, speed: float) -> Recording:
    events = EventTail(session.events_path).read_all()
    if all(isinstance(event, SessionCreated) for event in events):
        raise TunerError(f"session {session.name!r} has nothing to replay: it was never started")
    return Recording.of(events, speed)


def play_lines(recording: Recording, name: str) -> None:
    """One line an event on stderr, each when its time has come."""
    view, reporter = SessionView(name=name), LineReporter()
    while True:
        events = recording.read()
        fold(view, events)
        reporter.update(view, list(events))
        if recording.ended:
            return
        time.sleep(min(recording.until_next() / recording.playhead.speed, 1.0))
