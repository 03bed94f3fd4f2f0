"""The UI: on all sessions, or on one."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner.cli.output import on_terminal
from tuner.cli.places import named_session, sessions_root
from tuner.errors import TunerError
from tuner.session.advice import call


def open_picker(options: argparse.Namespace) -> int:
    """`tuner` without a command."""
    root = sessions_root(options)
    need_terminal("tuner list shows the sessions, tuner --help the commands")
    return run_ui(root.resolve(), None)


def open_session(options: argparse.Namespace) -> int:
    """`tuner open NAME`."""
    session = named_session(options)
    need_terminal(f"{call('status', session)} says where it stands")
    return run_ui(sessions_root(options).resolve(), session.name)


def need_terminal(instead: str) -> None:
    """Raise TunerError where the UI cannot be drawn."""
    if not on_terminal():
        raise TunerError(f"the UI needs a terminal; {instead}")


def run_ui(root: Path, name: str | None) -> int:
    """Draw the UI until the user leaves it."""
    from tuner.tui.app import run_app

    run_app(root, name)
    return 0
