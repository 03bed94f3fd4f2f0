"""Which folder holds the sessions, and the session that a command names."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tuner.errors import TunerError
from tuner.session.folder import Session, open_session


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
