"""Lines that know their width only when they are printed, as a Rich renderable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions
from rich.text import Text

from tuner.render.styles import TERMINAL_STYLES, TextRun, runs_to_text

Lines = list[list[TextRun]]


class RenderableLines:
    """A Rich renderable that asks `draw` for its lines in the width there is."""

    def __init__(
        self, draw: Callable[[int], Sequence[Sequence[TextRun]]], width: int | None = None
    ):
        self._draw = draw
        self._width = width

    def lines_in_width(self, width: int) -> Sequence[Sequence[TextRun]]:
        return self._draw(width if self._width is None else min(width, self._width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        """Print every line cropped to the width, none wrapped."""
        for runs in self.lines_in_width(options.max_width):
            line = runs_to_text(runs)
            line.end = "\n"
            yield line


def join_side_by_side(
    left_lines: Sequence[list[TextRun]], right_lines: Sequence[list[TextRun]], width: int
) -> Lines:
    """Put two blocks next to each other, the left one padded to `width` cells."""
    lines: Lines = []
    for row in range(max(len(left_lines), len(right_lines))):
        runs = list(left_lines[row]) if row < len(left_lines) else []
        used = sum(cell_len(text) for text, _ in runs)
        gap = (" " * (width - used + 3), TERMINAL_STYLES.text)
        lines.append([*runs, gap, *(right_lines[row] if row < len(right_lines) else [])])
    return lines
