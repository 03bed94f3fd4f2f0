"""Which folder holds the sessions, and the session that a command names."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tuner.errors import TunerError
from tuner.recipe.user_paths import (
    absolute_path,
    folder_trouble,
    is_free,
    refuse_other_bytes,
    written_path,
)
from tuner.session.folder import Session, open_session


def sessions_root(options: argparse.Namespace) -> Path:
    """--sessions, else TUNER_SESSIONS, else ./sessions; there need not be one yet.

    Raises TunerError where it is no folder, or no program could name it.
    """
    given = options.sessions, "--sessions"
    if options.sessions is None:
        given = os.environ.get("TUNER_SESSIONS") or "sessions", "the sessions folder"
    root = written_path(*given)
    refuse_other_bytes(str(absolute_path(root)), "the sessions folder")
    trouble = None if is_free(root) else folder_trouble(root)
    if trouble is not None:
        raise TunerError(f"{root}: {trouble}; --sessions DIR names the folder of the sessions")
    return root


def named_session(options: argparse.Namespace) -> Session:
    """The session that the command line names; raises TunerError with the nearest name."""
    return open_session(sessions_root(options), options.name)
