"""One line of help on a screen that is seen for the first time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from textual.app import App
from textual.widget import Widget

from tuner.recipe.user_paths import xdg_folder
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.tui.widgets.drawn_line import DrawnLine

HINTS = {
    "picker": "new here? n: a session, enter opens one, `tuner demo` shows one",
    "study": "new here? enter: all about a trial, ] other views, / filters",
    "setup": "new here? tab: next pane, ←/→ move a range, ctrl+r starts",
    "trial": "new here? ] other tabs, ←/→ other evaluations, r another seed",
}


def seen_screens_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where it is kept which screens were seen: in the user's folder for such things."""
    return xdg_folder("XDG_STATE_HOME", ".local/state", environment) / "tuner" / "seen"


class SeenScreens:
    """Remembers in a file which screens were seen; without one, no hint is ever due."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen = _read_seen_screens(path)

    def is_first_visit(self, screen: str) -> bool:
        """Whether this screen is seen for the first time; from now on it has been."""
        if self._path is None or screen in self._seen or screen not in HINTS:
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


def first_visit_hints(app: App[Any], screen: str) -> Iterable[Widget]:
    """One line of help where this screen is seen for the first time."""
    seen_screens = getattr(app, "seen_screens", None)
    if isinstance(seen_screens, SeenScreens) and seen_screens.is_first_visit(screen):
        yield HintLine(screen)


class HintLine(DrawnLine):
    """Above the keys, for as long as the screen is open."""

    DEFAULT_CSS = "HintLine { background: $panel; }"

    def __init__(self, screen: str) -> None:
        self._text = HINTS[screen]
        super().__init__(self._hint_runs, classes="hint")

    def _hint_runs(self, width: int, styles: Styles) -> list[TextRun]:
        return [
            (f" ⓘ {fit_text(self._text, width - 16)}", styles.accent),
            ("   ? all keys", styles.muted),
        ]
