"""Single lines around the panes: the title with the views, lines from a function, the tabs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message

from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.tui.widgets.line_widgets import LineBar, theme_styles

DrawLine = Callable[[int, Styles], list[TextRun]]


class DrawnLine(LineBar):
    """One line that a function draws for the width there is."""

    DEFAULT_CSS = "DrawnLine { height: 1; }"

    class Clicked(Message):
        """A piece of the line was clicked."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(
        self, draw_line: DrawLine, *, id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._draw_line = draw_line

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        return [self._draw_line(width, theme_styles(self))]

    def on_click(self, event: events.Click) -> None:
        right_edge = 0
        for piece, _ in self._draw_line(self.size.width, theme_styles(self)):
            right_edge += cell_len(piece)
            if event.x < right_edge:
                self.post_message(self.Clicked(piece))
                return


class TooSmall(DrawnLine):
    """All there is to see on a terminal that is too small for anything else."""

    def __init__(self) -> None:
        super().__init__(draw_too_small_line, id="too-small")


def draw_too_small_line(width: int, styles: Styles) -> list[TextRun]:
    text = "tuner needs 60 columns and 16 rows"
    return [(text if cell_len(text) <= width else "too small", styles.text)]


class Choice(LineBar):
    """Names in a row, one of them chosen: ‹Live› Config Log. A click chooses."""

    DEFAULT_CSS = "Choice { height: 1; }"

    class Chosen(Message):
        """Another name was clicked."""

        def __init__(self, choice_bar: Choice, index: int) -> None:
            super().__init__()
            self.choice_bar = choice_bar
            self.index = index

        @property
        def control(self) -> Choice:
            return self.choice_bar

    def __init__(
        self,
        names: Sequence[str],
        *,
        hint: str = "",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.names = list(names)
        self.hint = hint
        self.chosen_index = 0

    def show_as_chosen(self, index: int) -> None:
        self.chosen_index = index
        self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Draw the names, and the hint at the right edge where there is room."""
        styles = theme_styles(self)
        runs = runs_of_choices(self.names, self.chosen_index, styles)
        gap_width = width - sum(cell_len(text) for text, _ in runs) - cell_len(self.hint) - 1
        hint: list[TextRun] = [(" " * gap_width + self.hint, styles.muted)] if gap_width > 1 else []
        return [[*runs, *hint]]

    def on_click(self, event: events.Click) -> None:
        right_edge = 0
        for index, name in enumerate(self.names):
            right_edge += cell_len(name) + 3
            if event.x < right_edge:
                self.post_message(self.Chosen(self, index))
                return


def runs_of_choices(names: Sequence[str], chosen_index: int, styles: Styles) -> list[TextRun]:
    """Draw ‹Live›  Config   Log."""
    runs: list[TextRun] = []
    for index, name in enumerate(names):
        marked_name = f" ‹{name}›" if index == chosen_index else f"  {name} "
        runs.append((marked_name, styles.accent if index == chosen_index else styles.muted))
    return runs
