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
    "picker": "new here? n creates a session, enter opens one, `tuner demo` runs one",
    "study": "new here? enter shows a trial in full, ] switches views, / filters",
    "setup": "new here? tab goes to the next pane, ←/→ move a range, ctrl+r starts",
    "trial": "new here? ] switches tabs, ←/→ evaluations, r runs it with another seed",
}


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
    """Yield one line of help if this screen is seen for the first time."""
    seen_screens = getattr(app, "seen_screens", None)
    if isinstance(seen_screens, SeenScreens) and seen_screens.is_first_visit(screen):
        yield HintLine(screen)


class HintLine(DrawnLine):
    """A line above the keys, for as long as the screen is open."""

    DEFAULT_CSS = "HintLine { background: $panel; }"

    def __init__(self, screen: str) -> None:
        self._text = HINTS[screen]
        super().__init__(self._hint_runs, classes="hint")

    def _hint_runs(self, width: int, styles: Styles) -> list[TextRun]:
        return [
            (f" ⓘ {fit_text(self._text, width - 16)}", styles.accent),
            ("   ? all keys", styles.muted),
        ]
