"""The cells of a confusion matrix: their texts and their darkness, in every mode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from rich.style import Style

from tuner.render.styles import Styles
from tuner.results.format import format_percent, format_score, format_signed_count, sanitize_text

Mode = Literal["counts", "row", "column"]
ConfusionMatrix = Sequence[Sequence[int]]

MATRIX_MODES: tuple[Mode, ...] = ("counts", "row", "column")
_SHADES = " ░▒▓█"
_CELL_META_KEY = "confusion cell"


@dataclass(frozen=True)
class ClassScores:
    """The scores of one class; None where there is nothing to divide by."""

    label: str
    row_count: int
    precision: float | None
    recall: float | None
    f1: float | None


def compute_class_scores(confusion: ConfusionMatrix, labels: Sequence[str]) -> list[ClassScores]:
    """Score every class; confusion[i][j] counts rows of label i that were predicted as j."""
    predicted = sum_matrix_columns(confusion)
    return [
        _scores_of_class(label_name_at(labels, index), row[index], sum(row), predicted[index])
        for index, row in enumerate(confusion)
    ]


def sum_matrix_columns(confusion: ConfusionMatrix) -> list[int]:
    return [sum(column) for column in zip(*confusion, strict=True)]


def count_correct(confusion: ConfusionMatrix) -> int:
    return sum(row[index] for index, row in enumerate(confusion))


def label_name_at(labels: Sequence[str], index: int) -> str:
    """Return a label's name, its number where names are not known; inert, and never empty."""
    return sanitize_text(labels[index]) or '""' if index < len(labels) else str(index)


def _scores_of_class(label: str, correct: int, gold: int, predicted: int) -> ClassScores:
    precision = correct / predicted if predicted else None
    recall = correct / gold if gold else None
    f1 = 2 * correct / (gold + predicted) if gold + predicted else None
    return ClassScores(label, gold, precision, recall, f1)


def cell_meta_style(row: int, column: int) -> Style:
    """Tag a style with the matrix cell a text stands for, so that a click finds it."""
    return Style.from_meta({_CELL_META_KEY: (row, column)})


def cell_from_style(style: Style) -> tuple[int, int] | None:
    """Return the row and column a style was tagged with, None beside the cells."""
    return style.meta.get(_CELL_META_KEY)


class MatrixCells:
    """The cells of a matrix in one mode; with a `reference`, the differences from it."""

    def __init__(
        self,
        matrix: ConfusionMatrix,
        mode: Mode = "counts",
        reference: ConfusionMatrix | None = None,
    ) -> None:
        self.matrix = matrix
        self.mode = mode
        self.size = len(matrix)
        self._row_sums, self._column_sums = [sum(row) for row in matrix], sum_matrix_columns(matrix)
        self._reference = None if reference is None else MatrixCells(reference, mode)
        self._largest_change = self._largest_difference()

    @cached_property
    def widest_text(self) -> int:
        if self.mode != "counts":
            return 4
        longest = max(len(str(count)) for row in self.matrix for count in row)
        return longest if self._reference is None else max(longest, self._reference.widest_text) + 1

    def cell_text(self, row: int, column: int) -> str:
        """Return a count or a percentage; differences are signed, in points where in percent."""
        value = self._cell_value(row, column)
        if self._reference is None:
            counts = self.mode == "counts"
            return (
                str(self.matrix[row][column])
                if counts
                else format_percent(self._cell_share(row, column))
            )
        change = round(value - self._reference._cell_value(row, column))
        return format_signed_count(change) if change else "0"

    def shade_share(self, row: int, column: int) -> float:
        """How dark the cell is, 0…1: its share of the row, or of the column in that mode."""
        if self._reference is None:
            return self._cell_share(row, column)
        change = self._cell_value(row, column) - self._reference._cell_value(row, column)
        return abs(change) / self._largest_change if self._largest_change else 0.0

    def is_favourable(self, row: int, column: int) -> bool:
        """Whether more of it is better: on the diagonal, or fewer errors than the reference has."""
        if self._reference is None:
            return row == column
        more = self._cell_value(row, column) >= self._reference._cell_value(row, column)
        return more == (row == column)

    def cell_style(self, row: int, column: int, styles: Styles) -> Style:
        """Return the cell's style, tagged with its position for the mouse."""
        level = shade_level(self.shade_share(row, column))
        look = (styles.good if self.is_favourable(row, column) else styles.bad)[level]
        return look + cell_meta_style(row, column)

    def shade_character(self, row: int, column: int) -> str:
        """Return the cell's darkness as a character, for screens without colours."""
        return _SHADES[shade_level(self.shade_share(row, column))]

    def _cell_share(self, row: int, column: int) -> float:
        total = self._column_sums[column] if self.mode == "column" else self._row_sums[row]
        return self.matrix[row][column] / total if total else 0.0

    def _cell_value(self, row: int, column: int) -> float:
        if self.mode == "counts":
            return float(self.matrix[row][column])
        return 100 * self._cell_share(row, column)

    def _largest_difference(self) -> float:
        reference = self._reference
        if reference is None:
            return 0.0
        places = [(row, column) for row in range(self.size) for column in range(self.size)]
        return max(
            (abs(self._cell_value(*place) - reference._cell_value(*place)) for place in places),
            default=0.0,
        )


def shade_level(share: float) -> int:
    """Return the darkness in steps, 0 for nothing to 4; anything at all is at least 1."""
    return 0 if share <= 0 else 1 + min(int(share * 4), 3)


def short_score_text(value: float | None) -> str:
    return format_score(value, 4)
