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
Span = tuple[float, float]
"""Two places on an axis, the lower first."""
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
    """The map in width × height cells; each has a shade for its mean and a digit for its trials.

    Cells of trials that are not in `bright` have no shade.
    """
    columns, wide, rows, high = _grids(sample, across, down, width, height)
    cells = heat_cells(sample, across, down, bright, columns, rows)
    dim = heat_cells(sample, across, down, [not lit for lit in bright], columns, rows)
    levels = _levels(cells, [cell.mean for cell in (*cells.values(), *dim.values())])
    lines: Lines = []
    for row in range(rows * high):
        inner = _row(cells, dim, levels, rows - 1 - row // high, columns, wide, styles)
        counted = row % high == (high - 1) // 2
        label = _ends(down, row, rows, high)
        shown = inner if counted else [(_shade_only(text), style) for text, style in inner]
        lines.append([(f"{label:>6}", styles.muted), ("│", styles.faint), *shown])
    left, right = across.ends
    gap = max(columns * wide - len(left) - len(right), 1)
    lines.append([(" " * 6 + "└" + "─" * (columns * wide), styles.faint)])
    lines.append([(" " * 7 + left + " " * gap + right, styles.muted)])
    return lines


def heat_spans(
    sample: Sample, across: Axis, down: Axis, at: tuple[int, int], width: int, height: int
) -> tuple[Span, Span] | None:
    """The stretch of either axis that the map's cell at `at` (from the left and the top) shows."""
    columns, wide, rows, high = _grids(sample, across, down, width, height)
    column, row = (at[0] - GUTTER) // wide, rows - 1 - at[1] // high
    if not (0 <= column < columns and 0 <= row < rows):
        return None
    return (column / columns, (column + 1) / columns), (row / rows, (row + 1) / rows)


def _grids(
    sample: Sample, across: Axis, down: Axis, width: int, height: int
) -> tuple[int, int, int, int]:
    """How many cells there are from left to right and how wide, from bottom to top and how high."""
    trials = len(sample.trials)
    return (
        *_grid(across, trials, width - GUTTER, _NARROWEST),
        *_grid(down, trials, height - FLOOR, 1),
    )


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


def _levels(
    cells: Mapping[tuple[int, int], Cell], means: Sequence[float]
) -> dict[tuple[int, int], int]:
    """The shade of each cell, 0…4 evenly from the worst of all means to the best."""
    low, span = min(means, default=0.0), (max(means, default=1.0) - min(means, default=0.0)) or 1.0
    return {
        place: min(int((cell.mean - low) / span * len(SHADES)), len(SHADES) - 1)
        for place, cell in cells.items()
    }


def _row(
    cells: Mapping[tuple[int, int], Cell],
    dim: Mapping[tuple[int, int], Cell],
    levels: Mapping[tuple[int, int], int],
    row: int,
    columns: int,
    wide: int,
    styles: Styles,
) -> list[Run]:
    runs: list[Run] = []
    for column in range(columns):
        place = (column, row)
        cell = cells.get(place) or dim.get(place)
        count = "" if cell is None else str(cell.count)
        text = count if len(count) < wide else "+"
        level = levels.get(place)
        if level is None:
            runs.append((text.center(wide), styles.faint))
        else:
            runs.append((text.center(wide, SHADES[level]), styles.fifths[level]))
    return runs


def _shade_only(text: str) -> str:
    """The same cell without its count."""
    return (text.strip("0123456789+") or " ")[0] * len(text)
