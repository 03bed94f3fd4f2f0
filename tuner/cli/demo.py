"""`tuner demo`: the embedded study, with nothing to download."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner.cli.interruptions import record_interruptions
from tuner.cli.output import print_note, print_result, terminal_can_show_ui
from tuner.cli.run import run_until_done, session_exit_code, start_if_needed
from tuner.cli.session_lookup import sessions_root
from tuner.export.outcome_text import describe_outcome
from tuner.recipe.presets import preset_document
from tuner.session.folder import Session, create_session, list_sessions, unused_session_name
from tuner.session.log_follower import LogFollower
from tuner.session.status import load_current_session
from tuner.session.view import SessionState

DEMO_NAME = "demo"
OVER_STATES = (SessionState.FINISHED, SessionState.STOPPED, SessionState.FAILED)


def run_demo(options: argparse.Namespace) -> int:
    """Continue an unfinished demo or create one; in the UI on a terminal, else a line per event."""
    root = sessions_root(options)
    session = find_unfinished_demo(root, options.trials) or create_demo_session(
        root, options.trials
    )
    if not terminal_can_show_ui():
        code = run_until_done(LogFollower.fully_read(session))
    else:
        code = watch_in_ui(root, session)
        view, state = load_current_session(session)
        if state is SessionState.FINISHED:
            print_result(describe_outcome(session, view))
        elif state is SessionState.FAILED:
            return session_exit_code(session, view, state)
    print_result("", *next_step_lines(session))
    return code


def find_unfinished_demo(root: Path, trials: int | None) -> Session | None:
    """Return the first demo that has not ended."""
    for session in list_sessions(root):
        if not is_demo_name(session.name):
            continue
        view, state = load_current_session(session)
        if state not in OVER_STATES:
            print_note(f"continuing {session.path}")
            if trials is not None and view.planned not in (0, trials):
                print_note(f"it keeps its {view.planned} trials")
            return session
    return None


def create_demo_session(root: Path, trials: int | None) -> Session:
    """Create a session from the preset demo, with the packaged data and model."""
    document = preset_document(DEMO_NAME)
    if trials is not None:
        document.set_value("search.trials", trials)
    return create_session(root, unused_session_name(root, DEMO_NAME), document.toml_text)


def is_demo_name(name: str) -> bool:
    return name == DEMO_NAME or name.removeprefix(f"{DEMO_NAME}-").isdigit()


def watch_in_ui(root: Path, session: Session) -> int:
    from tuner.cli.open import run_terminal_ui
    from tuner.worker.launch import pause_workers_started_here

    with record_interruptions() as interruptions:
        start_if_needed(session, load_current_session(session)[1], interruptions)
        if interruptions.any_received:
            pause_workers_started_here()
            return interruptions.first_exit_code
    return run_terminal_ui(root.resolve(), session.name)


def next_step_lines(session: Session) -> list[str]:
    """Say where the result is and what to do next."""
    best = [f"Best hyperparameters: {session.best_json}"] if session.best_json.exists() else []
    usual = "The baseline is the usual recipe for larger models: 2e-5 hardly moves this small one."
    own_data = "Your own data: tuner new NAME --model MODEL --train FILE, then tuner run NAME"
    return [usual, *best, own_data]
