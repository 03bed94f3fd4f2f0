"""`tuner demo`: the embedded study, with nothing to download."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner.cli.follow import Follower
from tuner.cli.interruptions import noted_interruptions
from tuner.cli.output import note, on_terminal, show
from tuner.cli.places import sessions_root
from tuner.cli.running import exit_code, run_to_end, start_if_needed
from tuner.export.outcome import outcome
from tuner.recipe.presets import preset_document
from tuner.session.folder import Session, create_session, list_sessions
from tuner.session.status import current
from tuner.session.view import SessionState

NAME = "demo"
OVER = (SessionState.FINISHED, SessionState.STOPPED, SessionState.FAILED)


def demo(options: argparse.Namespace) -> int:
    """Go on with an unfinished demo, or make one; live on a terminal, a line an event elsewhere."""
    root = sessions_root(options)
    session = unfinished(root, options.trials) or create(root, options.trials)
    if not on_terminal():
        code = run_to_end(Follower(session))
    else:
        code = watch(root, session)
        view, state = current(session)
        if state is SessionState.FINISHED:
            show(outcome(session, view))
        elif state is SessionState.FAILED:
            return exit_code(session, view, state)
    show("", *pointers(session))
    return code


def unfinished(root: Path, trials: int | None) -> Session | None:
    """The first demo that has not come to its end."""
    for session in list_sessions(root):
        if not is_demo_name(session.name):
            continue
        view, state = current(session)
        if state not in OVER:
            note(f"going on with {session.path}")
            if trials is not None and view.planned not in (0, trials):
                note(f"its number of trials stays {view.planned}")
            return session
    return None


def create(root: Path, trials: int | None) -> Session:
    """A new session from the preset demo, with the packaged data and model."""
    document = preset_document(NAME)
    if trials is not None:
        document.set("search.trials", trials)
    return create_session(root, free_name(root), document.text)


def free_name(root: Path) -> str:
    """demo, else demo-2, demo-3, …"""
    number = 1
    while (root / demo_name(number)).exists():
        number += 1
    return demo_name(number)


def demo_name(number: int) -> str:
    """The name of the demo with this number, counted from 1."""
    return NAME if number == 1 else f"{NAME}-{number}"


def is_demo_name(name: str) -> bool:
    """demo, demo-2, demo-3, …"""
    return name == NAME or name.removeprefix(f"{NAME}-").isdigit()


def watch(root: Path, session: Session) -> int:
    """Start the worker and show it live."""
    from tuner.cli.screens import run_ui
    from tuner.worker.launch import pause_started_here

    with noted_interruptions() as interruptions:
        start_if_needed(session, current(session)[1], interruptions)
        if interruptions.asked:
            pause_started_here()
            return interruptions.exit_code
    return run_ui(root.resolve(), session.name)


def pointers(session: Session) -> list[str]:
    """Where the result is, and what to do next."""
    best = [f"Best hyperparameters: {session.best_json}"] if session.best_json.exists() else []
    usual = "The baseline is the usual recipe, made for larger models: 2e-5 hardly moves this one."
    own = "Your own data: tuner new NAME --model MODEL --train FILE, then tuner run NAME"
    return [usual, *best, own]
