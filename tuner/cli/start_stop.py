"""Starting and ending a session's worker; each command returns once the fact is in the log."""

from __future__ import annotations

import argparse

from tuner.cli.other_host import was_lost_on_other_host
from tuner.cli.output import print_result, progress_spinner
from tuner.cli.session_lookup import named_session
from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.session.continuation import reason_search_is_over
from tuner.session.folder import Session
from tuner.session.lifecycle import reason_not_allowed, refuse_unless_allowed
from tuner.session.lock import describe_lock_holder, is_held_remotely
from tuner.session.status import load_current_session
from tuner.session.suggested_command import command_line
from tuner.session.view import ALIVE_STATES, SessionState


def start_session(options: argparse.Namespace) -> int:
    """Start the worker of a session that has none; a live worker on another host is an error."""
    session = named_session(options)
    lost_elsewhere = was_lost_on_other_host(session)
    view, state = load_current_session(session)
    if state in ALIVE_STATES and not lost_elsewhere:
        running = f"{session.name} is already {state}: {describe_lock_holder(session.lock_path)}"
        if is_held_remotely(session.lock_path):
            raise TunerError(running)
        print_result(running)
        return 0
    reason = reason_search_is_over(session, view, state)
    if reason:
        raise (StudyFailed if state is SessionState.FAILED else TunerError)(reason)
    return launch_and_report(session, rechoose=getattr(options, "rechoose", False))


def launch_and_report(session: Session, *, rechoose: bool = False) -> int:
    _start_worker_process(session, rechoose=rechoose)
    view, state = load_current_session(session)
    if state is SessionState.PAUSED and view.reason:
        raise NotFinished(f"{session.name} is paused: {view.reason}")
    print_result(f"{session.name} is {state} (worker {view.worker_pid})")
    return 0


def _start_worker_process(session: Session, *, rechoose: bool = False) -> None:
    from tuner.worker.launch import start_worker as start_worker

    with progress_spinner(f"starting the worker of {session.name}"):
        start_worker(session, rechoose=rechoose)


def resume_session(options: argparse.Namespace) -> int:
    """Continue a session that was started before, with `--rechoose` by kernels chosen anew."""
    session = named_session(options)
    if load_current_session(session)[1] is SessionState.DRAFT:
        reason = reason_not_allowed("resume", session.name, SessionState.DRAFT)
        raise TunerError(f"{reason}: {command_line('start', session)}")
    return start_session(options)


def pause_session(options: argparse.Namespace) -> int:
    """Checkpoint the running trials and end the worker."""
    return _end_session(named_session(options), "pause", SessionState.PAUSED)


def drain_session(options: argparse.Namespace) -> int:
    """Let the running trials finish, then end the worker; the session is paused."""
    return _end_session(named_session(options), "drain", SessionState.PAUSED)


def stop_session(options: argparse.Namespace) -> int:
    """End the study; in a paused or crashed session, a worker is started to end waiting trials."""
    session = named_session(options)
    if load_current_session(session)[1] in (SessionState.PAUSED, SessionState.CRASHED):
        _start_worker_process(session)
    return _end_session(session, "stop", SessionState.STOPPED)


def _end_session(session: Session, verb: str, target_state: SessionState) -> int:
    _, state = load_current_session(session)
    if state is target_state:
        print_result(f"{session.name} is already {state}")
        return 0
    if state is not SessionState.PAUSING:  # whoever asks again waits, and a drain becomes a pause
        refuse_unless_allowed(verb, session.name, state)
    from tuner.worker import control

    send_request = {
        "pause": control.pause_session,
        "drain": control.drain_session,
        "stop": control.stop_session,
    }[verb]
    with progress_spinner(f"asking the worker of {session.name} to {verb}"):
        send_request(session)
    view, state = load_current_session(session)
    because = f": {view.reason}" if view.reason else ""
    print_result(f"{session.name} is {state}{because}")
    return 0
