"""Two settings against each other: the mean value of the trials in every cell, and their number."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tuner.render.charts.axes import X_AXIS_LINES, Y_AXIS_WIDTH
from tuner.render.charts.trial_sample import METRIC_AXIS, Axis, TrialSample
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results.format import sanitize_text

SHADES = "·░▒▓█"
"""From the worst mean to the best: the cells differ without colours, too."""
AxisSpan = tuple[float, float]
"""Two places on an axis, the lower first."""
_NARROWEST = 3


@dataclass(frozen=True)
class HeatCell:
    """The trials of one cell: their number, and how good they are on average, 0…1."""

    count: int
    mean: float


def collect_heat_cells(
    sample: TrialSample, across: Axis, down: Axis, bright: Sequence[bool], columns: int, rows: int
) -> dict[tuple[int, int], HeatCell]:
    """Return what lies in each (column, row) of the grid, rows from below; no empty cells."""
    values_by_cell: defaultdict[tuple[int, int], list[float]] = defaultdict(list)
    lines = zip(
        bright,
        *(sample.positions[axis] for axis in (across.name, down.name, METRIC_AXIS)),
        strict=True,
    )
    for lit, x, y, value in lines:
        if lit and x is not None and y is not None and value is not None:
            good = value if sample.maximize else 1 - value
            values_by_cell[_cell_index(x, columns), _cell_index(y, rows)].append(good)
    return {
        place: HeatCell(len(values), sum(values) / len(values))
        for place, values in values_by_cell.items()
    }


def _cell_index(place: float, count: int) -> int:
    return min(int(place * count), count - 1)


def draw_heatmap(
    sample: TrialSample,
    across: Axis,
    down: Axis,
    bright: Sequence[bool],
    width: int,
    height: int,
    styles: Styles,
) -> Lines:
    """Draw the map in width × height cells, each with a shade for its mean and its trial count.

    Cells without a trial of `bright` have no shade.
    """
    columns, wide, rows, high = _grid_sizes(sample, across, down, width, height)
    cells = collect_heat_cells(sample, across, down, bright, columns, rows)
    dim = collect_heat_cells(sample, across, down, [not lit for lit in bright], columns, rows)
    levels = _shade_levels(cells, [cell.mean for cell in (*cells.values(), *dim.values())])
    lines: Lines = []
    for row in range(rows * high):
        inner = _heat_row_runs(cells, dim, levels, rows - 1 - row // high, columns, wide, styles)
        counted = row % high == (high - 1) // 2
        label = _row_label(down, row, rows, high)
        row_runs = inner if counted else [(_without_count(text), style) for text, style in inner]
        lines.append([(f"{label:>6}", styles.muted), ("│", styles.faint), *row_runs])
    left_label, right_label = across.end_labels
    gap = max(columns * wide - len(left_label) - len(right_label), 1)
    lines.append([(" " * 6 + "└" + "─" * (columns * wide), styles.faint)])
    lines.append([(" " * 7 + left_label + " " * gap + right_label, styles.muted)])
    return lines


def spans_of_heat_cell(
    sample: TrialSample, across: Axis, down: Axis, cell: tuple[int, int], width: int, height: int
) -> tuple[AxisSpan, AxisSpan] | None:
    """Return the stretch of either axis that the map's cell (from the left, the top) shows."""
    columns, wide, rows, high = _grid_sizes(sample, across, down, width, height)
    column, row = (cell[0] - Y_AXIS_WIDTH) // wide, rows - 1 - cell[1] // high
    if not (0 <= column < columns and 0 <= row < rows):
        return None
    return (column / columns, (column + 1) / columns), (row / rows, (row + 1) / rows)


def _grid_sizes(
    sample: TrialSample, across: Axis, down: Axis, width: int, height: int
) -> tuple[int, int, int, int]:
    """Return cells from left to right, their width, cells from bottom to top, their height."""
    trials = len(sample.trials)
    return (
        *_cells_along_axis(across, trials, width - Y_AXIS_WIDTH, _NARROWEST),
        *_cells_along_axis(down, trials, height - X_AXIS_LINES, 1),
    )


def _cells_along_axis(axis: Axis, trials: int, room: int, least: int) -> tuple[int, int]:
    """Return the number of cells along an axis and their size: fewer trials, larger cells."""
    wanted_cells = len(axis.choices) or math.ceil(math.sqrt(trials)) + 1
    count = max(min(wanted_cells, room // least), 1)
    return count, max(room // count, 1)


def _row_label(axis: Axis, row: int, rows: int, high: int) -> str:
    """Write the high end at the top, the low one at the bottom, choices beside their cells."""
    if axis.choices:
        middle = row % high == (high - 1) // 2
        return (
            fit_text(sanitize_text(axis.choices[rows - 1 - row // high]), 6).rstrip()
            if middle
            else ""
        )
    return axis.end_labels[1] if row == 0 else axis.end_labels[0] if row == rows * high - 1 else ""


def _shade_levels(
    cells: Mapping[tuple[int, int], HeatCell], means: Sequence[float]
) -> dict[tuple[int, int], int]:
    """Return the shade of each cell, 0…4 evenly from the worst of all means to the best."""
    low, span = min(means, default=0.0), (max(means, default=1.0) - min(means, default=0.0)) or 1.0
    return {
        place: min(int((cell.mean - low) / span * len(SHADES)), len(SHADES) - 1)
        for place, cell in cells.items()
    }


def _heat_row_runs(
    cells: Mapping[tuple[int, int], HeatCell],
    dim: Mapping[tuple[int, int], HeatCell],
    levels: Mapping[tuple[int, int], int],
    row: int,
    columns: int,
    wide: int,
    styles: Styles,
) -> list[TextRun]:
    runs: list[TextRun] = []
    for column in range(columns):
        place = (column, row)
        cell = cells.get(place) or dim.get(place)
        count = "" if cell is None else str(cell.count)
        text = count if len(count) < wide else "+"
        level = levels.get(place)
        if level is None:
            runs.append((text.center(wide), styles.faint))
        else:
            runs.append((text.center(wide, SHADES[level]), styles.quintile_styles[level]))
    return runs


def _without_count(text: str) -> str:
    return (text.strip("0123456789+") or " ")[0] * len(text)
