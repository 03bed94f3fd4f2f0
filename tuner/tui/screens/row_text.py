"""One validation row on the whole screen, and the rows before and after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.binding import Binding

from tuner.tui.feed import Feed
from tuner.tui.render.lined import Lines
from tuner.tui.render.status import title_runs
from tuner.tui.render.styles import Run, Styles
from tuner.tui.screens.actions import SessionScreen
from tuner.tui.widgets.bars import DrawnLine, TooSmall
from tuner.tui.widgets.keybar import KeyBar
from tuner.tui.widgets.lines import Pane, styles_of

Draw = Callable[[int, int, Styles], Lines]
"""From which of the rows, a width and styles to lines."""


class RowPane(Pane):
    """What is known of the row."""

    def __init__(self, draw: Draw, at: int) -> None:
        self._draw = draw
        self.at = at
        super().__init__("Row", id="row-text")

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Everything, a cell from the border."""
        styles = styles_of(self)
        drawn = self._draw(self.at, max(width - 2, 1), styles)
        return [[(" ", styles.text), *runs] for runs in drawn]


class RowScreen(SessionScreen):
    """The text of one of some rows. `names` are the rows' names, `draw` draws one of them."""

    KEY_ORDER = ("row.next",)
    BINDINGS = [
        Binding(
            "right,l", "row(1)", "Row", key_display="← →", id="row.next", tooltip="The next row"
        ),
        Binding(
            "left,h", "row(-1)", "Row", show=False, id="row.previous", tooltip="The row before"
        ),
        Binding("escape", "back", "Back", id="app.back", tooltip="One step back"),
    ]

    def __init__(self, path: Sequence[str], names: Sequence[str], at: int, draw: Draw) -> None:
        super().__init__()
        self._path = path
        self._names = names
        self._at = at
        self._draw_row = draw

    def compose(self) -> ComposeResult:
        """Title, the row, the keys."""
        self.take_size()
        yield DrawnLine(self._title, id="title")
        yield RowPane(self._draw_row, self._at)
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Keys scroll."""
        self._show()
        self.query_one(RowPane).focus()

    def target(self) -> Feed | None:
        """It is about a row, not about a session."""
        return None

    def deleted(self, feed: Feed) -> None:
        """Nothing can be deleted here."""

    def _show(self) -> None:
        pane = self.query_one(RowPane)
        pane.at = self._at
        pane.heading = self._names[self._at]
        pane.entitle(f"{self._at + 1} of {len(self._names)}")
        pane.redraw()
        self.query_one(DrawnLine).redraw()

    def _title(self, width: int, styles: Styles) -> list[Run]:
        return title_runs([*self._path, self._names[self._at]], [], [], width, styles)

    def action_row(self, step: int) -> None:
        """A neighbour."""
        self._at = min(max(self._at + step, 0), len(self._names) - 1)
        self.query_one(RowPane).scroll_home(animate=False)
        self._show()

    def action_back(self) -> None:
        """To where it was opened."""
        self.app.pop_screen()
