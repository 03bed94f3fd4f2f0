"""The title line: where one is on the left, the state of the draft on the right."""

from __future__ import annotations

from rich.cells import cell_len

from tuner.render.styles import Styles, TextRun
from tuner.results.format import sanitize_text
from tuner.tui.widgets.drawn_line import DrawnLine


class SetupTitle(DrawnLine):
    """Both sides are shown as they are."""

    def __init__(self) -> None:
        super().__init__(self._sides, id="title")
        self._where = self._state = ""

    def show(self, where: str, state: str) -> None:
        """Other sides."""
        self._where, self._state = sanitize_text(where), sanitize_text(state)
        self.redraw_content()

    def _sides(self, width: int, styles: Styles) -> list[TextRun]:
        gap = max(width - cell_len(self._where) - cell_len(self._state) - 2, 1)
        return [(f" {self._where}", styles.heading), (" " * gap + self._state, styles.muted)]
