"""One line of help on a screen that is seen for the first time."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.tui.shell.seen_screens import SeenScreens
from tuner.tui.widgets.drawn_line import DrawnLine

HINTS = {
    "picker": "new here? n creates a session, enter opens one, `tuner demo` runs one",
    "study": "new here? enter shows a trial in full, ] switches views, / filters",
    "setup": "new here? tab goes to the next pane, ←/→ move a range, ctrl+r starts",
    "trial": "new here? ] switches tabs, ←/→ evaluations, r runs it with another seed",
}


def first_visit_hints(seen_screens: SeenScreens, screen: str) -> Iterable[Widget]:
    """Yield one line of help if this screen is seen for the first time."""
    if screen in HINTS and seen_screens.is_first_visit(screen):
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
