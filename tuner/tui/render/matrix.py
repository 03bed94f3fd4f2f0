"""A confusion matrix as cells: what each one says, and how dark it is, in every mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from rich.style import Style

from tuner.results.format import MINUS, percent, plain, score
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Styles

Mode = Literal["counts", "row", "column"]
Matrix = Sequence[Sequence[int]]

MODES: tuple[Mode, ...] = ("counts", "row", "column")
_SHADES = " ░▒▓█"
_CELL = "confusion cell"


@dataclass(frozen=True)
class ClassScores:
    """One class: how many rows have it, and how well it was found; None where nothing to divide."""

    label: str
    n: int
    precision: float | None
    recall: float | None
    f1: float | None


def class_scores(confusion: Matrix, labels: Sequence[str]) -> list[ClassScores]:
    """The scores of every class; confusion[i][j] counts label i answered as j."""
    answered = column_sums(confusion)
    return [
        _scores(label_of(labels, index), row[index], sum(row), answered[index])
        for index, row in enumerate(confusion)
    ]


def column_sums(confusion: Matrix) -> list[int]:
    """How often each label was the answer."""
    return [sum(column) for column in zip(*confusion, strict=True)]


def right_answers(confusion: Matrix) -> int:
    """The rows on the diagonal."""
    return sum(row[index] for index, row in enumerate(confusion))


def label_of(labels: Sequence[str], index: int) -> str:
    """A label's name, its number where the names are not known; inert, and never nothing."""
    return plain(labels[index]) or '""' if index < len(labels) else str(index)


def _scores(label: str, right: int, gold: int, answered: int) -> ClassScores:
    precision = right / answered if answered else None
    recall = right / gold if gold else None
    f1 = 2 * right / (gold + answered) if gold + answered else None
    return ClassScores(label, gold, precision, recall, f1)


def pointed(row: int, column: int) -> Style:
    """A part of a look that only the mouse sees: the cell of the matrix that a text stands for."""
    return Style.from_meta({_CELL: (row, column)})


def cell_under(style: Style) -> tuple[int, int] | None:
    """The row and the column of the cell that looks so; None beside the cells."""
    return style.meta.get(_CELL)


class Cells:
    """The cells of a matrix in one mode; with `less`, by how much they differ from another's."""

    def __init__(self, matrix: Matrix, mode: Mode = "counts", less: Matrix | None = None) -> None:
        self.matrix = matrix
        self.mode = mode
        self.size = len(matrix)
        self._rows, self._columns = [sum(row) for row in matrix], column_sums(matrix)
        self._less = None if less is None else Cells(less, mode)
        self._most = self._largest_difference()

    @cached_property
    def widest(self) -> int:
        """Cells that the longest text takes."""
        if self.mode != "counts":
            return 4
        longest = max(len(str(count)) for row in self.matrix for count in row)
        return longest if self._less is None else max(longest, self._less.widest) + 1

    def text(self, row: int, column: int) -> str:
        """A count or a percentage; differences have a sign, in percent points where in percent."""
        value = self._value(row, column)
        if self._less is None:
            counts = self.mode == "counts"
            return str(self.matrix[row][column]) if counts else percent(self._share(row, column))
        change = round(value - self._less._value(row, column))
        return "0" if not change else f"{change:+d}".replace("-", MINUS)

    def share(self, row: int, column: int) -> float:
        """How dark the cell is, 0…1: its share of the row (of the column in that mode)."""
        if self._less is None:
            return self._share(row, column)
        change = self._value(row, column) - self._less._value(row, column)
        return abs(change) / self._most if self._most else 0.0

    def is_good(self, row: int, column: int) -> bool:
        """Whether more of it is better: on the diagonal, or fewer errors than the other has."""
        if self._less is None:
            return row == column
        more = self._value(row, column) >= self._less._value(row, column)
        return more == (row == column)

    def tone(self, row: int, column: int, styles: Styles) -> Style:
        """The cell's look, which tells the mouse where it is."""
        level = shade(self.share(row, column))
        look = (styles.good if self.is_good(row, column) else styles.bad)[level]
        return look + pointed(row, column)

    def shade_sign(self, row: int, column: int) -> str:
        """The cell's darkness as a character, for screens without colours."""
        return _SHADES[shade(self.share(row, column))]

    def _share(self, row: int, column: int) -> float:
        total = self._columns[column] if self.mode == "column" else self._rows[row]
        return self.matrix[row][column] / total if total else 0.0

    def _value(self, row: int, column: int) -> float:
        if self.mode == "counts":
            return float(self.matrix[row][column])
        return 100 * self._share(row, column)

    def _largest_difference(self) -> float:
        less = self._less
        if less is None:
            return 0.0
        places = [(row, column) for row in range(self.size) for column in range(self.size)]
        return max((abs(self._value(*at) - less._value(*at)) for at in places), default=0.0)


def shade(share: float) -> int:
    """How dark a cell is, from 0 for nothing to 4; anything at all is at least 1."""
    return 0 if share <= 0 else 1 + min(int(share * 4), 3)


def share_text(value: float | None) -> str:
    """A score of a class: 0.83."""
    return score(value, 4)


def right_aligned(text: str, width: int) -> str:
    """Text at the right end of `width` cells, cut where it is longer."""
    fitted = fit(text, width)
    return " " * (len(fitted) - len(fitted.rstrip())) + fitted.rstrip()
