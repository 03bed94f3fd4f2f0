"""`tuner run`: start if needed, follow to the end, say what came out."""

from __future__ import annotations

import argparse

from tuner.cli.follow import follow_session
from tuner.cli.interruptions import Interruptions, record_interruptions
from tuner.cli.other_host import is_running_on_other_host
from tuner.cli.output import print_note, print_result, progress_spinner
from tuner.cli.session_lookup import named_session
from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.export.outcome_text import describe_outcome
from tuner.session.continuation import advice_to_continue, is_search_over
from tuner.session.folder import Session
from tuner.session.log_follower import LogFollower
from tuner.session.suggested_command import command_line
from tuner.session.view import ALIVE_STATES, SessionState, SessionView
from tuner.session.worker_log import summarize_log_end

ENDED_FOR_GOOD = (
    SessionState.FINISHED,
    SessionState.STOPPED,
    SessionState.FAILED,
    SessionState.CRASHED,
)


def run_session(options: argparse.Namespace) -> int:
    """Follow a session to its end; show the table of a finished one at once."""
    follower = LogFollower.fully_read(named_session(options))
    state = follower.state
    if not is_search_over(follower.session, follower.view, state):
        return run_until_done(follower)
    print_trials_table(follower.session, follower.view)
    return session_exit_code(follower.session, follower.view, state)


def run_until_done(follower: LogFollower) -> int:
    """Start a worker if none runs, follow it, print the table and the outcome."""
    with record_interruptions() as interruptions:
        state = _follow_workers_to_end(follower, interruptions)
    if follower.view.trials:
        print_trials_table(follower.session, follower.view)
    if interruptions.any_received and state not in ENDED_FOR_GOOD:
        print_note(f"{state}; {command_line('resume', follower.session)} continues it")
        return interruptions.first_exit_code
    return session_exit_code(follower.session, follower.view, state)


def _follow_workers_to_end(follower: LogFollower, interruptions: Interruptions) -> SessionState:
    """Follow the worker to its end, first starting one if none runs.

    A worker on another host that is lost, or that its system terminated, leaves the rest to this
    one.
    """
    from tuner.worker.control import wait_for_worker_end

    while True:
        elsewhere = is_running_on_other_host(follower.session, interruptions)
        if interruptions.any_received and not elsewhere:
            return follower.state
        if not elsewhere:
            start_if_needed(follower.session, follower.state, interruptions)
        state = follow_session(follower, interruptions)
        # In a container the end of this process is that of all others.
        wait_for_worker_end(follower.session)
        if (
            not elsewhere
            or interruptions.any_received
            or not was_left_unfinished(follower.view, state)
        ):
            return state
        print_note(f"the worker on {follower.view.worker_host} has ended: {state}; taking over")


def start_if_needed(session: Session, state: SessionState, interruptions: Interruptions) -> None:
    """Start a worker if none runs; an interruption ends the waiting once the worker is at work."""
    if state in ALIVE_STATES:
        return
    from tuner.worker.launch import start_worker

    with progress_spinner(f"starting the worker of {session.name}"):
        start_worker(session, in_a_hurry=lambda: interruptions.any_received)


def was_left_unfinished(view: SessionView, state: SessionState) -> bool:
    """Tell whether a worker ended though nobody asked it to: lost, or ended by a signal."""
    by_signal = state is SessionState.PAUSED and view.reason.startswith("SIG")
    return by_signal or state is SessionState.CRASHED


def session_exit_code(session: Session, view: SessionView, state: SessionState) -> int:
    """Return 0 for a finished session; else raise an error with one line that says why not."""
    if state is SessionState.FINISHED:
        return 0
    because = f": {view.reason}" if view.reason else ""
    if state is SessionState.FAILED:
        advice = (
            advice_to_continue(session, view) if view.over_reason else f"log: {session.log_path}"
        )
        failure = TunerError if view.refused else StudyFailed
        raise failure(f"{session.name} failed{because} ({advice})")
    if state is SessionState.CRASHED:
        last_line = summarize_log_end(session.log_path, count=1) or "no output"
        raise StudyFailed(
            f"the worker of {session.name} died: {last_line} "
            f"(log: {session.log_path}; {command_line('resume', session)} continues)"
        )
    if state is SessionState.STOPPED:
        raise NotFinished(f"{session.name} was stopped{because}")
    raise NotFinished(
        f"{session.name} is {state}{because}; {command_line('resume', session)} continues it"
    )


def print_trials_table(session: Session, view: SessionView) -> None:
    """Print the trials, best first, and the summary below them."""
    from tuner.render.trials_table import trials_table

    print_result(trials_table(view))
    print_result("", describe_outcome(session, view))
