"""The UI: on all sessions, or on one."""

from __future__ import annotations

import argparse
from pathlib import Path

from tuner.cli.output import terminal_can_show_ui
from tuner.cli.session_lookup import named_session, sessions_root
from tuner.errors import TunerError
from tuner.session.suggested_command import command_line


def open_session_picker(options: argparse.Namespace) -> int:
    root = sessions_root(options)
    require_terminal("tuner list shows the sessions, tuner --help the commands")
    return run_terminal_ui(root.resolve(), None)


def open_session_ui(options: argparse.Namespace) -> int:
    session = named_session(options)
    require_terminal(f"{command_line('status', session)} says where it stands")
    return run_terminal_ui(sessions_root(options).resolve(), session.name)


def require_terminal(instead: str) -> None:
    """Raise TunerError if the UI cannot be drawn."""
    if not terminal_can_show_ui():
        raise TunerError(f"the UI needs a terminal; {instead}")


def run_terminal_ui(root: Path, name: str | None) -> int:
    from tuner.tui.app import run_tuner_app

    run_tuner_app(root, name)
    return 0
