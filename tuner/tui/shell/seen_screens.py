"""Which screens the user has seen, so that a hint is shown on the first visit only."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from tuner.recipe.user_paths import xdg_folder


def seen_screens_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Return the file that lists the screens seen so far, in the user's state folder."""
    return xdg_folder("XDG_STATE_HOME", ".local/state", environment) / "tuner" / "seen"


class SeenScreens:
    """Remembers in a file which screens were seen; without a file, no hint is ever shown."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen = _read_seen_screens(path)

    def is_first_visit(self, screen: str) -> bool:
        """Tell whether this screen is seen for the first time, and record it as seen."""
        if self._path is None or screen in self._seen:
            return False
        self._seen.add(screen)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text("\n".join(sorted(self._seen)) + "\n", encoding="utf-8")
        except OSError:
            # A home that cannot be written to: the hint comes again next time.
            return True
        return True


def _read_seen_screens(path: Path | None) -> set[str]:
    if path is None:
        return set()
    try:
        return set(path.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return set()
