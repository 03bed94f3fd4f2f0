"""`tuner replay`: a recorded log, played in the UI on a terminal, as lines elsewhere."""

from __future__ import annotations

import argparse
import time

from tuner.cli.follow import LineReporter
from tuner.cli.output import terminal_can_show_ui
from tuner.cli.session_lookup import named_session, sessions_root
from tuner.errors import TunerError
from tuner.session.events import SessionCreated
from tuner.session.fold import fold_events
from tuner.session.folder import Session
from tuner.session.replay import Recording
from tuner.session.tail import EventTail
from tuner.session.view import SessionView


def replay_session(options: argparse.Namespace) -> int:
    session = named_session(options)
    recording = _load_recording(session, options.speed)
    if not terminal_can_show_ui():
        print_recording(recording, session.name)
        return 0
    from tuner.tui.app import run_tuner_app

    run_tuner_app(sessions_root(options).resolve(), session.name, recording)
    return 0


def _load_recording(session: Session, speed: float) -> Recording:
    events = EventTail(session.events_path).read_all_events()
    if all(isinstance(event, SessionCreated) for event in events):
        raise TunerError(f"session {session.name!r} has nothing to replay: it was never started")
    return Recording.from_events(events, speed)


def print_recording(recording: Recording, name: str) -> None:
    """Write a line per event to stderr, each at its time."""
    view, reporter = SessionView(name=name), LineReporter()
    while True:
        events = recording.read_events()
        fold_events(view, events)
        reporter.report_events(view, list(events))
        if recording.has_played_all:
            return
        time.sleep(min(recording.seconds_until_next() / recording.playhead.speed, 1.0))
