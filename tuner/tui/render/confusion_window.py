"""A confusion matrix of many classes through a window: its heads stay, its cells move."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.cells import cell_len

from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import Cells, right_aligned
from tuner.tui.render.names import distinct, fit
from tuner.tui.render.styles import Run, Styles

HEAD = 1
"""Lines of heads above the cells."""


@dataclass(frozen=True)
class Window:
    """What of a matrix fits in width × height cells, from a row and a column on.

    `top` and `left` may be anything: what is shown never leaves the matrix.
    """

    cells: Cells
    labels: Sequence[str]
    width: int
    height: int
    top: int = 0
    left: int = 0

    @cached_property
    def rows(self) -> range:
        """The rows that are seen."""
        return self._seen(self.top, self.height - HEAD)

    @cached_property
    def columns(self) -> range:
        """The columns that are seen."""
        return self._seen(self.left, (self.width - self._name) // self._cell)

    def draw(self, styles: Styles) -> Lines:
        """The numbers of the columns, then a row a line with its number and name."""
        names = distinct(self.labels, max(self._name - self._digits - 2, 1))
        heads = "".join(right_aligned(str(at + 1), self._cell) for at in self.columns)
        corner = fit(fit("actual ↓ as →", self._name - 1), self._name)
        lines: Lines = [[(corner, styles.muted), (heads, styles.heading)]]
        return [*lines, *(self._row(row, names[row], styles) for row in self.rows)]

    def _row(self, row: int, name: str, styles: Styles) -> list[Run]:
        label = f"{row + 1:>{self._digits}} {name}"
        runs: list[Run] = [(fit(label, self._name), styles.heading)]
        for column in self.columns:
            text = right_aligned(self.cells.text(row, column), self._cell)
            runs.append((text, self.cells.tone(row, column, styles)))
        return runs

    def _seen(self, first: int, room: int) -> range:
        room = min(max(room, 1), self.cells.size)
        start = min(max(first, 0), self.cells.size - room)
        return range(start, start + room)

    @cached_property
    def _digits(self) -> int:
        return len(str(self.cells.size))

    @cached_property
    def _cell(self) -> int:
        return max(self.cells.widest, self._digits) + 1

    @cached_property
    def _name(self) -> int:
        longest = max(cell_len(label) for label in self.labels)
        return min(self._digits + 2 + longest, max(self.width // 3, self._digits + 4))
