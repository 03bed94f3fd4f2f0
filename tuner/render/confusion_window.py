"""A confusion matrix of many classes through a window: its heads stay, its cells move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

from tuner.render.confusion_cells import MatrixCells
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, right_align_text, shorten_distinctly

HEADING_LINES = 1
"""Lines of heads above the cells."""


@dataclass(frozen=True)
class MatrixWindow:
    """The part of a matrix that fits in width × height cells, from a row and a column on.

    `top` and `left` may be anything: what is shown never leaves the matrix.
    """

    cells: MatrixCells
    labels: Sequence[str]
    width: int
    height: int
    first_row: int = 0
    first_column: int = 0

    @cached_property
    def visible_rows(self) -> range:
        return self._clamp_range(self.first_row, self.height - HEADING_LINES)

    @cached_property
    def visible_columns(self) -> range:
        return self._clamp_range(
            self.first_column, (self.width - self._name_width) // self._cell_width
        )

    def draw_window(self, styles: Styles) -> Lines:
        """Draw the numbers of the columns, then one line a row with its number and name."""
        names = shorten_distinctly(self.labels, max(self._name_width - self._number_width - 2, 1))
        heads = "".join(
            right_align_text(str(column + 1), self._cell_width) for column in self.visible_columns
        )
        corner = fit_text(fit_text("gold ↓ as →", self._name_width - 1), self._name_width)
        lines: Lines = [[(corner, styles.muted), (heads, styles.heading)]]
        return [
            *lines,
            *(self._matrix_row_runs(row, names[row], styles) for row in self.visible_rows),
        ]

    def _matrix_row_runs(self, row: int, name: str, styles: Styles) -> list[TextRun]:
        label = f"{row + 1:>{self._number_width}} {name}"
        runs: list[TextRun] = [(fit_text(label, self._name_width), styles.heading)]
        for column in self.visible_columns:
            text = right_align_text(self.cells.cell_text(row, column), self._cell_width)
            runs.append((text, self.cells.cell_style(row, column, styles)))
        return runs

    def _clamp_range(self, first: int, room: int) -> range:
        room = min(max(room, 1), self.cells.size)
        start = min(max(first, 0), self.cells.size - room)
        return range(start, start + room)

    @cached_property
    def _number_width(self) -> int:
        return len(str(self.cells.size))

    @cached_property
    def _cell_width(self) -> int:
        return max(self.cells.widest_text, self._number_width) + 1

    @cached_property
    def _name_width(self) -> int:
        longest = max(cell_len(label) for label in self.labels)
        return min(self._number_width + 2 + longest, max(self.width // 3, self._number_width + 4))
