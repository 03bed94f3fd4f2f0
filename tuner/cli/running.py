"""`tuner run`: start if needed, follow to the end, say what came out."""

from __future__ import annotations

import argparse
import os

from tuner.cli.control import how_to_go_on, is_over
from tuner.cli.follow import AWAKE, Follower, follow
from tuner.cli.output import note, show, working
from tuner.cli.places import named_session
from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.export.outcome import outcome
from tuner.recipe.plain_file import open_plain
from tuner.session.folder import Session
from tuner.session.view import SessionState, SessionView

INTERRUPTED = 130
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
    if follower.state not in AWAKE:
        from tuner.worker.launch import start

        with working(f"starting the worker of {follower.session.name}"):
            start(follower.session)
    state, interrupted = follow(follower)
    if follower.view.trials:
        show_table(follower.session, follower.view)
    if interrupted and state is not SessionState.FINISHED:
        note(f"paused; tuner resume {follower.session.name} goes on")
        return INTERRUPTED
    return exit_code(follower.session, follower.view, state)


def exit_code(session: Session, view: SessionView, state: SessionState) -> int:
    """0 for a finished session; raises what says in one line why it is not."""
    if state is SessionState.FINISHED:
        return 0
    because = f": {view.reason}" if view.reason else ""
    if state is SessionState.FAILED:
        advice = how_to_go_on(session, view) if view.over else f"log: {session.log_path}"
        raise StudyFailed(f"{session.name} failed{because} ({advice})")
    if state is SessionState.CRASHED:
        raise StudyFailed(
            f"the worker of {session.name} is gone: {last_words(session)} "
            f"(log: {session.log_path}; tuner resume {session.name} goes on)"
        )
    if state is SessionState.STOPPED:
        raise NotFinished(f"{session.name} was stopped{because}")
    raise NotFinished(f"{session.name} is {state}{because}; tuner resume {session.name} goes on")


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
