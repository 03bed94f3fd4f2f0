"""Which folder holds the sessions, and the session that a command names."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from tuner.errors import TunerError
from tuner.recipe.user_paths import (
    is_unused_path,
    require_utf8,
    resolve_absolute_path,
    resolve_user_path,
    why_folder_is_unreadable,
)
from tuner.session.folder import Session, find_session


def sessions_root(options: argparse.Namespace) -> Path:
    """Return --sessions, else TUNER_SESSIONS, else ./sessions; it need not exist yet.

    Raises TunerError if it is not a folder, or its name has bytes that are not text.
    """
    path_and_origin = options.sessions, "--sessions"
    if options.sessions is None:
        path_and_origin = os.environ.get("TUNER_SESSIONS") or "sessions", "the sessions folder"
    root = resolve_user_path(*path_and_origin)
    require_utf8(str(resolve_absolute_path(root)), "the sessions folder")
    trouble = None if is_unused_path(root) else why_folder_is_unreadable(root)
    if trouble is not None:
        raise TunerError(f"{root}: {trouble}; --sessions DIR names the folder of the sessions")
    return root


def named_session(options: argparse.Namespace) -> Session:
    """Open the session that the command line names; raises TunerError with the nearest name."""
    return find_session(sessions_root(options), options.name)
