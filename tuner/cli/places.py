"""Which folder holds the sessions, and the session that a command names."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tuner.errors import TunerError
from tuner.session.fold import load_view
from tuner.session.folder import Session, open_session
from tuner.session.status import session_state
from tuner.session.view import SessionState, SessionView


def sessions_root(options: argparse.Namespace) -> Path:
    """--sessions, else TUNER_SESSIONS, else ./sessions; raises TunerError where it is a file."""
    folder = options.sessions or os.environ.get("TUNER_SESSIONS") or "sessions"
    root = Path(folder).expanduser()
    if root.exists() and not root.is_dir():
        raise TunerError(f"{root} is not a folder: sessions live in a folder (--sessions DIR)")
    return root


def named_session(options: argparse.Namespace) -> Session:
    """The session that the command line names; raises TunerError with the nearest name."""
    return open_session(sessions_root(options), options.name)


def current(session: Session) -> tuple[SessionView, SessionState]:
    """The session as its log tells it now, and its state."""
    view = load_view(session)
    return view, session_state(session, view)
