"""Starting and ending a session's worker; each command returns once the fact is in the log."""

from __future__ import annotations

import argparse

from tuner.cli.elsewhere import was_lost_elsewhere
from tuner.cli.output import show, working
from tuner.cli.places import named_session
from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.session.advice import call
from tuner.session.continuing import how_to_go_on, is_over
from tuner.session.folder import Session
from tuner.session.lock import describe_holder, is_held_elsewhere
from tuner.session.status import current
from tuner.session.view import SessionState, SessionView

AWAKE = (SessionState.STARTING, SessionState.RUNNING, SessionState.PAUSING)


def start(options: argparse.Namespace) -> int:
    """Start the worker of a session that has none; one on another host is not ours to count on."""
    session = named_session(options)
    lost_elsewhere = was_lost_elsewhere(session)
    view, state = current(session)
    if state in AWAKE and not lost_elsewhere:
        running = f"{session.name} is {state} already: {describe_holder(session.lock_path)}"
        if is_held_elsewhere(session.lock_path):
            raise TunerError(running)
        show(running)
        return 0
    if is_over(session, view, state):
        raise _over_error(session, view, state)
    return launch(session)


def _over_error(session: Session, view: SessionView, state: SessionState) -> TunerError:
    trials = f"{call('trials', session)} shows its trials"
    if state is SessionState.STOPPED:
        return TunerError(f"{session.name} is {state}; {trials}")
    if state is SessionState.FAILED:
        advice = how_to_go_on(session, view)
        return StudyFailed(f"{session.name} failed: {view.reason}; {advice}")
    more = f"{call('enqueue', session)} KEY=VALUE adds one; {how_to_go_on(session, view)}"
    return TunerError(f"{session.name} is {state} ({view.over}); {trials}, {more}")


def launch(session: Session) -> int:
    """Start the worker and say so."""
    _start_worker(session)
    view, state = current(session)
    if state is SessionState.PAUSED and view.reason:
        raise NotFinished(f"{session.name} is paused: {view.reason}")
    show(f"{session.name} is {state} (worker {view.worker_pid})")
    return 0


def _start_worker(session: Session) -> None:
    from tuner.worker.launch import start as start_worker

    with working(f"starting the worker of {session.name}"):
        start_worker(session)


def resume(options: argparse.Namespace) -> int:
    """Go on with a session that was started before."""
    session = named_session(options)
    if current(session)[1] is SessionState.DRAFT:
        raise TunerError(f"{session.name} was never started: {call('start', session)}")
    return start(options)


def pause(options: argparse.Namespace) -> int:
    """Checkpoint what runs and end the worker."""
    return _end(named_session(options), "pause", SessionState.PAUSED)


def drain(options: argparse.Namespace) -> int:
    """Let what runs finish, then end the worker as paused."""
    return _end(named_session(options), "drain", SessionState.PAUSED)


def stop(options: argparse.Namespace) -> int:
    """End the study. Trials that wait in a paused or crashed one are ended by a worker, too."""
    session = named_session(options)
    if current(session)[1] in (SessionState.PAUSED, SessionState.CRASHED):
        _start_worker(session)
    return _end(session, "stop", SessionState.STOPPED)


def _end(session: Session, verb: str, wanted: SessionState) -> int:
    _, state = current(session)
    if state is wanted:
        show(f"{session.name} is {state} already")
        return 0
    if state not in AWAKE:
        raise TunerError(f"{session.name} is not running, it is {state}: nothing to {verb}")
    from tuner.worker import control

    ask = {"pause": control.pause, "drain": control.drain, "stop": control.stop}[verb]
    with working(f"asking the worker of {session.name} to {verb}"):
        ask(session)
    view, state = current(session)
    because = f": {view.reason}" if view.reason else ""
    show(f"{session.name} is {state}{because}")
    return 0
