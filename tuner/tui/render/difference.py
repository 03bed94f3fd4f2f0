"""Two confusion matrices as one: the first less the second."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from rich.style import Style

from tuner.results.format import MINUS
from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import Matrix, label_of
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles

MOST_PAIRS = 12


def difference_lines(
    first: Matrix, second: Matrix, labels: Sequence[str], width: int, styles: Styles,
    *, shares: bool = False,
) -> Lines:  # fmt: skip
    """First less second: rows in counts, or in points of a label's rows with `shares`.

    Where a grid does not fit, the cells that differ most.
    """
    cells = [
        [_cell(first, second, row, column, shares) for column in range(len(first))]
        for row in range(len(first))
    ]
    size = max(5, *(cell_len(_signed(value)) + 2 for row in cells for value in row))
    name = min(max(cell_len(label_of(labels, i)) for i in range(len(cells))), 16) + 2
    if name + size * len(cells) <= width:
        roomy = (width - name) // len(cells)
        longest = max(cell_len(label_of(labels, i)) for i in range(len(cells))) + 2
        return _grid(cells, labels, name, min(max(size, longest), roomy, 14), styles)
    return _greatest(cells, labels, width, styles)


def _cell(first: Matrix, second: Matrix, row: int, column: int, shares: bool) -> int:
    one, other = first[row][column], second[row][column]
    if not shares:
        return one - other
    rows = (sum(first[row]), sum(second[row]))
    return round(100 * (one / (rows[0] or 1) - other / (rows[1] or 1)))


def _signed(value: int) -> str:
    return f"{value:+d}".replace("-", MINUS) if value else "·"


def _tone(value: int, right: bool, styles: Styles) -> Style:
    """Green where the first does better: more on the diagonal, fewer beside it."""
    if not value:
        return styles.faint
    return styles.complete if (value > 0) == right else styles.failed


def _grid(
    cells: Sequence[Sequence[int]], labels: Sequence[str], name: int, size: int, styles: Styles
) -> Lines:
    heads = "".join(_right(label_of(labels, at), size) for at in range(len(cells)))
    lines: Lines = [
        [
            (
                " " * name + fit("predicted".center(size * len(cells)), size * len(cells)),
                styles.muted,
            )
        ],
        [(fit(" gold", name), styles.muted), (heads, styles.heading)],
    ]
    for row, values in enumerate(cells):
        runs: list[Run] = [(" " + fit(label_of(labels, row), name - 1), styles.heading)]
        for column, value in enumerate(values):
            runs.append((_right(_signed(value), size), _tone(value, row == column, styles)))
        lines.append(runs)
    return lines


def _right(text: str, width: int) -> str:
    fitted = fit(text, width - 1).rstrip()
    return " " * (width - cell_len(fitted)) + fitted


def _greatest(
    cells: Sequence[Sequence[int]], labels: Sequence[str], width: int, styles: Styles
) -> Lines:
    found = [
        (value, row, column)
        for row, values in enumerate(cells)
        for column, value in enumerate(values)
        if value
    ]
    found.sort(key=lambda item: (-abs(item[0]), item[1:]))
    lines: Lines = [
        [(fit(" cells that differ most: gold → predicted", width).rstrip(), styles.muted)]
    ]
    half = max((width - 12) // 2, 6)
    for value, row, column in found[:MOST_PAIRS]:
        pair = (
            f"{fit(label_of(labels, row), half)} → {fit(label_of(labels, column), half).rstrip()}"
        )
        tone = _tone(value, row == column, styles)
        lines.append([(f"{_signed(value):>6} ", tone), (pair, styles.text)])
    if not found:
        lines.append([(fit(" none: both matrices are the same", width).rstrip(), styles.muted)])
    return lines
