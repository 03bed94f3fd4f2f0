"""One layer group's range as a bar of cells on the shared axis."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.recipe.types import Choices, Range, Setting
from tuner.tui.widgets.group_axis import Axis, rates_of

TICK = "·"
LOG_BAR = ("├", "─", "┤")
LINEAR_BAR = ("╞", "═", "╡")
POINT = "◆"


@dataclass(frozen=True, slots=True)
class Bar:
    """`text` fills the bar's width; its part from `start` up to `end` stands for the setting."""

    text: str
    start: int
    end: int


def ruler(axis: Axis, width: int) -> str:
    """The axis' labels, each beginning at (the last one ending at) its decade's cell."""
    cells = [" "] * width
    free = 0
    for decade in axis.decades():
        label = f"1e{decade}"
        column = min(axis.column(float(label), width), width - len(label))
        if column >= free and (decade == axis.last or column + len(label) < width - len(label)):
            cells[column : column + len(label)] = label
            free = column + len(label) + 1
    return "".join(cells)


def draw_bar(lr: Setting, axis: Axis, width: int) -> Bar:
    """A range as ├───┤ (logarithmic) or ╞═══╡ (uniform), rates as ◆, a frozen group as nothing."""
    cells = [" "] * width
    for decade in axis.decades():
        cells[axis.column(float(f"1e{decade}"), width)] = TICK
    columns = sorted(axis.column(rate, width) for rate in rates_of(lr))
    match lr:
        case Range(scale=scale):
            _draw_range(cells, columns[0], columns[1], LOG_BAR if scale == "log" else LINEAR_BAR)
        case Choices() | int() | float():
            for column in columns:
                cells[column] = POINT
        case _:
            return Bar("".join(cells), 0, 0)
    return Bar("".join(cells), columns[0], columns[-1] + 1)


def _draw_range(cells: list[str], first: int, last: int, ends: tuple[str, str, str]) -> None:
    left, middle, right = ends
    cells[first : last + 1] = [middle] * (last + 1 - first)
    cells[last] = right
    cells[first] = left
