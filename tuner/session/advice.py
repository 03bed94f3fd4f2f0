"""Command lines that messages advise: they work as they stand, also with --sessions DIR."""

from __future__ import annotations

import os
import shlex

from tuner.recipe.user_paths import written_path
from tuner.session.folder import Session

DEFAULT_ROOT = "sessions"


def call(verb: str, session: Session) -> str:
    """`tuner VERB NAME`, with the folder of the sessions where a command would look elsewhere."""
    root = session.path.parent
    usual = written_path(os.environ.get("TUNER_SESSIONS") or DEFAULT_ROOT, "TUNER_SESSIONS")
    words = ["tuner", verb, session.name]
    if os.path.realpath(root) != os.path.realpath(usual):
        words += ["--sessions", str(root)]
    return shlex.join(words)
