"""Two settings against each other: the mean value of the trials in every cell, and their number."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.results.format import plain
from tuner.tui.charts.axes import FLOOR, GUTTER
from tuner.tui.charts.sample import METRIC, Axis, Sample
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles

SHADES = "·░▒▓█"
"""From the worst mean to the best: the cells differ without colours, too."""
_NARROWEST = 3


@dataclass(frozen=True)
class Cell:
    """The trials of one cell: their number, and how good they are on average, 0…1."""

    count: int
    mean: float


def heat_cells(
    sample: Sample, across: Axis, down: Axis, bright: Sequence[bool], columns: int, rows: int
) -> dict[tuple[int, int], Cell]:
    """What lies in each (column, row) of the grid, rows from below; empty ones are absent."""
    found: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    lines = zip(
        bright, *(sample.places[axis] for axis in (across.name, down.name, METRIC)), strict=True
    )
    for lit, x, y, value in lines:
        if lit and x is not None and y is not None and value is not None:
            good = value if sample.maximize else 1 - value
            found[_index(x, columns), _index(y, rows)].append(good)
    return {place: Cell(len(held), sum(held) / len(held)) for place, held in found.items()}


def _index(place: float, count: int) -> int:
    return min(int(place * count), count - 1)


def draw_heatmap(
    sample: Sample,
    across: Axis,
    down: Axis,
    bright: Sequence[bool],
    width: int,
    height: int,
    styles: Styles,
) -> Lines:
    """The map in width × height cells; each has a shade for its mean and a digit for its trials."""
    columns, wide = _grid(across, len(sample.trials), width - GUTTER, _NARROWEST)
    rows, high = _grid(down, len(sample.trials), height - FLOOR, 1)
    cells = heat_cells(sample, across, down, bright, columns, rows)
    levels = _levels(cells)
    lines: Lines = []
    for row in range(rows * high):
        inner = _row(cells, levels, rows - 1 - row // high, columns, wide, styles)
        counted = row % high == (high - 1) // 2
        label = _ends(down, row, rows, high)
        shown = inner if counted else [(_shade_only(text), style) for text, style in inner]
        lines.append([(f"{label:>6}", styles.muted), ("│", styles.faint), *shown])
    left, right = across.ends
    gap = max(columns * wide - len(left) - len(right), 1)
    lines.append([(" " * 6 + "└" + "─" * (columns * wide), styles.faint)])
    lines.append([(" " * 7 + left + " " * gap + right, styles.muted)])
    return lines


def _grid(axis: Axis, trials: int, room: int, least: int) -> tuple[int, int]:
    """How many cells along an axis, and how large each is: fewer trials, larger cells."""
    wanted = len(axis.choices) or math.ceil(math.sqrt(trials)) + 1
    count = max(min(wanted, room // least), 1)
    return count, max(room // count, 1)


def _ends(axis: Axis, row: int, rows: int, high: int) -> str:
    """The high end at the top, the low one at the bottom, every choice beside its cell."""
    if axis.choices:
        middle = row % high == (high - 1) // 2
        return fit(plain(axis.choices[rows - 1 - row // high]), 6).rstrip() if middle else ""
    return axis.ends[1] if row == 0 else axis.ends[0] if row == rows * high - 1 else ""


def _levels(cells: Mapping[tuple[int, int], Cell]) -> dict[tuple[int, int], int]:
    """The shade of each cell, 0…4 evenly from the worst mean to the best."""
    means = [cell.mean for cell in cells.values()]
    low, span = min(means, default=0.0), (max(means, default=1.0) - min(means, default=0.0)) or 1.0
    return {
        place: min(int((cell.mean - low) / span * len(SHADES)), len(SHADES) - 1)
        for place, cell in cells.items()
    }


def _row(
    cells: Mapping[tuple[int, int], Cell],
    levels: Mapping[tuple[int, int], int],
    row: int,
    columns: int,
    wide: int,
    styles: Styles,
) -> list[Run]:
    runs: list[Run] = []
    for column in range(columns):
        cell = cells.get((column, row))
        if cell is None:
            runs.append((" " * wide, styles.text))
            continue
        level = levels[column, row]
        count = str(cell.count) if cell.count < 10 ** (wide - 1) else "+"
        runs.append((count.center(wide, SHADES[level]), styles.fifths[level]))
    return runs


def _shade_only(text: str) -> str:
    """The same cell without its count."""
    return text[0] * len(text) if text[0] in SHADES else (text[-1] if text else "") * len(text)
