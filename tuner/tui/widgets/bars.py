"""Single lines around the panes: the title with the views, lines from a function, the tabs."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.cells import cell_len
from textual import events
from textual.message import Message

from tuner.tui.render.lined import Lines
from tuner.tui.render.styles import Run, Styles
from tuner.tui.widgets.lines import LineBar, styles_of

Draw = Callable[[int, Styles], list[Run]]


class DrawnLine(LineBar):
    """One line that a function draws for the width there is."""

    DEFAULT_CSS = "DrawnLine { height: 1; }"

    class Clicked(Message):
        """A piece of the line was clicked."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, draw: Draw, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._draw = draw

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """The line."""
        return [self._draw(width, styles_of(self))]

    def on_click(self, event: events.Click) -> None:
        """Tell what was clicked."""
        right = 0
        for text, _ in self._draw(self.size.width, styles_of(self)):
            right += cell_len(text)
            if event.x < right:
                self.post_message(self.Clicked(text))
                return


class TooSmall(DrawnLine):
    """All there is to see on a terminal that holds nothing else."""

    def __init__(self) -> None:
        super().__init__(_too_small, id="too-small")


def _too_small(width: int, styles: Styles) -> list[Run]:
    text = "tuner needs 60 columns and 16 rows"
    return [(text if cell_len(text) <= width else "too small", styles.text)]


class Choice(LineBar):
    """Names in a row, one of them chosen: ‹Live› Config Log. A click chooses."""

    DEFAULT_CSS = "Choice { height: 1; }"

    class Chosen(Message):
        """Another name was clicked."""

        def __init__(self, choice: Choice, index: int) -> None:
            super().__init__()
            self.choice = choice
            self.index = index

        @property
        def control(self) -> Choice:
            """The row of names."""
            return self.choice

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
        self.chosen = 0

    def choose(self, index: int) -> None:
        """Show another name as the chosen one."""
        self.chosen = index
        self.redraw()

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """The names, and the hint at the right edge where there is room."""
        styles = styles_of(self)
        runs = choice_runs(self.names, self.chosen, styles)
        room = width - sum(cell_len(text) for text, _ in runs) - cell_len(self.hint) - 1
        hint: list[Run] = [(" " * room + self.hint, styles.muted)] if room > 1 else []
        return [[*runs, *hint]]

    def on_click(self, event: events.Click) -> None:
        """Choose what was clicked."""
        left = 0
        for index, name in enumerate(self.names):
            left += cell_len(name) + 3
            if event.x < left:
                self.post_message(self.Chosen(self, index))
                return


def choice_runs(names: Sequence[str], chosen: int, styles: Styles) -> list[Run]:
    """‹Live›  Config   Log."""
    runs: list[Run] = []
    for index, name in enumerate(names):
        marked = f" ‹{name}›" if index == chosen else f"  {name} "
        runs.append((marked, styles.accent if index == chosen else styles.muted))
    return runs
