"""One validation row on the whole screen, and the rows before and after it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from tuner.render.renderable_lines import Lines
from tuner.render.status_text import screen_title_runs
from tuner.render.styles import Styles, TextRun
from tuner.tui.screens.tuner_screen import TunerScreen
from tuner.tui.shell.session_app import DrawRow
from tuner.tui.widgets.drawn_line import DrawnLine, TooSmall
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import Pane, theme_styles


class RowPane(Pane):
    def __init__(self, draw_row: DrawRow, row_index: int) -> None:
        self._draw_row = draw_row
        self.row_index = row_index
        super().__init__("Row", id="row-text")

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Draw the row one cell away from the border."""
        styles = theme_styles(self)
        row_lines = self._draw_row(self.row_index, max(width - 2, 1), styles)
        return [[(" ", styles.text), *runs] for runs in row_lines]


class RowScreen(TunerScreen):
    """The text of one of some rows. `names` are the rows' names, `draw` draws one of them."""

    KEY_ORDER = ("row.next",)
    BINDINGS = [
        key("right,l", "show_neighbour(1)", "row.next", "Row", "The next row", display="← →"),
        key("left,h", "show_neighbour(-1)", "row.previous", "Row", "The previous row", show=False),
        key("escape", "back", "app.back", "Back", "One step back"),
    ]

    def __init__(
        self, path: Sequence[str], row_names: Sequence[str], row_index: int, draw_row: DrawRow
    ) -> None:
        super().__init__()
        self._path = path
        self._row_names = row_names
        self._row_index = row_index
        self._draw_row = draw_row

    def compose(self) -> ComposeResult:
        self.set_breakpoint_classes()
        yield DrawnLine(self._title_line, id="title")
        yield RowPane(self._draw_row, self._row_index)
        yield self.make_key_bar()
        yield TooSmall()

    def on_mount(self) -> None:
        self._show_row()
        self.query_one(RowPane).focus()

    def _show_row(self) -> None:
        pane = self.query_one(RowPane)
        pane.row_index = self._row_index
        pane.heading = self._row_names[self._row_index]
        pane.set_border_text(f"{self._row_index + 1} of {len(self._row_names)}")
        pane.redraw_content()
        self.query_one(DrawnLine).redraw_content()

    def _title_line(self, width: int, styles: Styles) -> list[TextRun]:
        return screen_title_runs(
            [*self._path, self._row_names[self._row_index]], [], [], width, styles
        )

    def action_show_neighbour(self, step: int) -> None:
        self._row_index = min(max(self._row_index + step, 0), len(self._row_names) - 1)
        self.query_one(RowPane).scroll_home(animate=False)
        self._show_row()

    def action_back(self) -> None:
        self.app.pop_screen()
