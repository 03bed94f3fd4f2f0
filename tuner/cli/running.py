"""`tuner run`: start if needed, follow to the end, say what came out."""

from __future__ import annotations

import argparse
import os

from tuner.cli.elsewhere import lives_elsewhere
from tuner.cli.follow import AWAKE, Follower, follow
from tuner.cli.interruptions import Interruptions, noted_interruptions
from tuner.cli.output import note, show, working
from tuner.cli.places import named_session
from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.export.outcome import outcome
from tuner.recipe.plain_file import open_plain
from tuner.session.advice import call
from tuner.session.continuing import how_to_go_on, is_over
from tuner.session.folder import Session
from tuner.session.view import SessionState, SessionView

ENDED_FOR_GOOD = (
    SessionState.FINISHED,
    SessionState.STOPPED,
    SessionState.FAILED,
    SessionState.CRASHED,
)
_TAIL = 1 << 16


def run(options: argparse.Namespace) -> int:
    """Follow a session to its end; a finished one shows its table at once."""
    follower = Follower(named_session(options))
    state = follower.state
    if not is_over(follower.session, follower.view, state):
        return run_to_end(follower)
    show_table(follower.session, follower.view)
    return exit_code(follower.session, follower.view, state)


def run_to_end(follower: Follower) -> int:
    """Start the worker if none runs, follow it, print the table and what came out."""
    with noted_interruptions() as interruptions:
        state = _work_to_the_end(follower, interruptions)
    if follower.view.trials:
        show_table(follower.session, follower.view)
    if interruptions.asked and state not in ENDED_FOR_GOOD:
        note(f"{state}; {call('resume', follower.session)} goes on")
        return interruptions.exit_code
    return exit_code(follower.session, follower.view, state)


def _work_to_the_end(follower: Follower, interruptions: Interruptions) -> SessionState:
    """Follow the worker to its end, first starting one where none runs.

    One on another host that is lost, or was told by its system to end, has left the rest to us.
    """
    from tuner.worker.control import wait_for_the_end

    while True:
        elsewhere = lives_elsewhere(follower.session, interruptions)
        if interruptions.asked and not elsewhere:
            return follower.state
        if not elsewhere:
            start_if_needed(follower.session, follower.state, interruptions)
        state = follow(follower, interruptions)
        # In a container the end of this process is that of all others.
        wait_for_the_end(follower.session)
        if not elsewhere or interruptions.asked or not was_left(follower.view, state):
            return state
        note(f"the worker on {follower.view.worker_host} has ended: {state}; taking over")


def start_if_needed(session: Session, state: SessionState, interruptions: Interruptions) -> None:
    """Start a worker where none runs; once it is at it, an interruption ends the waiting."""
    if state in AWAKE:
        return
    from tuner.worker.launch import start

    with working(f"starting the worker of {session.name}"):
        start(session, in_a_hurry=lambda: interruptions.asked)


def was_left(view: SessionView, state: SessionState) -> bool:
    """Whether a worker ended without anybody having asked for it: lost, or by a signal."""
    by_signal = state is SessionState.PAUSED and view.reason.startswith("SIG")
    return by_signal or state is SessionState.CRASHED


def exit_code(session: Session, view: SessionView, state: SessionState) -> int:
    """0 for a finished session; raises what says in one line why it is not."""
    if state is SessionState.FINISHED:
        return 0
    because = f": {view.reason}" if view.reason else ""
    if state is SessionState.FAILED:
        advice = how_to_go_on(session, view) if view.over else f"log: {session.log_path}"
        failure = TunerError if view.refused else StudyFailed
        raise failure(f"{session.name} failed{because} ({advice})")
    if state is SessionState.CRASHED:
        raise StudyFailed(
            f"the worker of {session.name} is gone: {last_words(session)} "
            f"(log: {session.log_path}; {call('resume', session)} goes on)"
        )
    if state is SessionState.STOPPED:
        raise NotFinished(f"{session.name} was stopped{because}")
    raise NotFinished(f"{session.name} is {state}{because}; {call('resume', session)} goes on")


def last_words(session: Session) -> str:
    """The last line that the worker printed."""
    try:
        with open_plain(session.log_path) as file:
            file.seek(-min(os.fstat(file.fileno()).st_size, _TAIL), os.SEEK_END)
            lines = file.read().decode("utf-8", "replace").split("\n")
    except OSError as error:
        raise TunerError(f"{session.log_path}: {error.strerror}") from error
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def show_table(session: Session, view: SessionView) -> None:
    """The trials, best first, and what sums them up."""
    from tuner.tui.render.trials import trials_table

    show(trials_table(view))
    show("", outcome(session, view))
