"""Two confusion matrices as one: the first less the second."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style

from tuner.render.confusion_cells import ConfusionMatrix, label_name_at
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, right_align_text
from tuner.results.format import format_signed_count

MAX_PAIRS = 12


def difference_lines(
    first: ConfusionMatrix,
    second: ConfusionMatrix,
    labels: Sequence[str],
    width: int,
    styles: Styles,
    *,
    shares: bool = False,
) -> Lines:
    """Draw first minus second: in counts, or in points of a label's rows with `shares`.

    Where a grid does not fit, the cells that differ most.
    """
    cells = [
        [_cell_difference(first, second, row, column, shares) for column in range(len(first))]
        for row in range(len(first))
    ]
    size = max(5, *(cell_len(_signed_text(value)) + 2 for row in cells for value in row))
    name = min(max(cell_len(label_name_at(labels, i)) for i in range(len(cells))), 16) + 2
    if name + size * len(cells) <= width:
        roomy = (width - name) // len(cells)
        longest = max(cell_len(label_name_at(labels, i)) for i in range(len(cells))) + 2
        return _difference_grid(cells, labels, name, min(max(size, longest), roomy, 14), styles)
    return _largest_differences(cells, labels, width, styles)


def _cell_difference(
    first: ConfusionMatrix, second: ConfusionMatrix, row: int, column: int, shares: bool
) -> int:
    first_count, second_count = first[row][column], second[row][column]
    if not shares:
        return first_count - second_count
    rows = (sum(first[row]), sum(second[row]))
    return round(100 * (first_count / (rows[0] or 1) - second_count / (rows[1] or 1)))


def _signed_text(value: int) -> str:
    return format_signed_count(value) if value else "·"


def _difference_style(value: int, is_correct: bool, styles: Styles) -> Style:
    """Green where the first does better: more on the diagonal, fewer beside it."""
    if not value:
        return styles.faint
    return styles.complete if (value > 0) == is_correct else styles.failed


def _difference_grid(
    cells: Sequence[Sequence[int]], labels: Sequence[str], name: int, size: int, styles: Styles
) -> Lines:
    names = [label_name_at(labels, index) for index in range(len(cells))]
    heads = "".join(f" {right_align_text(label, size - 1)}" for label in names)
    predicted = fit_text("predicted".center(size * len(cells)), size * len(cells))
    lines: Lines = [
        [(" " * name + predicted, styles.muted)],
        [(fit_text(" gold", name), styles.muted), (heads, styles.heading)],
    ]
    for row, values in enumerate(cells):
        runs: list[TextRun] = [(" " + fit_text(names[row], name - 1), styles.heading)]
        for column, value in enumerate(values):
            text = f" {right_align_text(_signed_text(value), size - 1)}"
            runs.append((text, _difference_style(value, row == column, styles)))
        lines.append(runs)
    return lines


def _largest_differences(
    cells: Sequence[Sequence[int]], labels: Sequence[str], width: int, styles: Styles
) -> Lines:
    differences = [
        (value, row, column)
        for row, values in enumerate(cells)
        for column, value in enumerate(values)
        if value
    ]
    differences.sort(key=lambda item: (-abs(item[0]), item[1:]))
    lines: Lines = [
        [(fit_text(" cells that differ most: gold → predicted", width).rstrip(), styles.muted)]
    ]
    half = max((width - 12) // 2, 6)
    for value, row, column in differences[:MAX_PAIRS]:
        gold, predicted = (fit_text(label_name_at(labels, at), half) for at in (row, column))
        tone = _difference_style(value, row == column, styles)
        lines.append(
            [(f"{_signed_text(value):>6} ", tone), (f"{gold} → {predicted.rstrip()}", styles.text)]
        )
    if not differences:
        lines.append(
            [(fit_text(" none: both matrices are the same", width).rstrip(), styles.muted)]
        )
    return lines
