"""Command lines that messages advise: they work as they stand, also with --sessions DIR."""

from __future__ import annotations

import os
import shlex

from tuner.recipe.user_paths import resolve_user_path
from tuner.session.folder import Session

DEFAULT_ROOT = "sessions"


def command_line(verb: str, session: Session) -> str:
    """Return `tuner VERB NAME`, with `--sessions` where a plain command would look elsewhere."""
    root = session.path.parent
    usual_root = resolve_user_path(
        os.environ.get("TUNER_SESSIONS") or DEFAULT_ROOT, "TUNER_SESSIONS"
    )
    words = ["tuner", verb, session.name]
    if os.path.realpath(root) != os.path.realpath(usual_root):
        words += ["--sessions", str(root)]
    return shlex.join(words)
