"""One layer group's range as a bar of cells on the shared axis, and what trials made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from tuner.recipe.types import Choices, Range, Setting
from tuner.tui.widgets.group_axis import Axis, rates_of

Role = Literal["tick", "old", "bar", "good"]
Ends = tuple[str, str, str]
TICK = "·"
LOG_BAR: Ends = ("├", "─", "┤")
LINEAR_BAR: Ends = ("╞", "═", "╡")
TIED_BAR: Ends = ("├", "~", "┤")
OLD_BAR: Ends = ("╎", "┈", "╎")
REACH = "┄"
POINT = "◆"
GOOD = "●"
HEIGHTS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class Bar:
    """`text` fills the bar's width; each of its cells has a role."""

    text: str
    roles: tuple[Role, ...]

    def runs(self) -> Iterator[tuple[str, Role]]:
        """Pieces of the text that have one role."""
        at = 0
        for role, cells in groupby(self.roles):
            length = len(list(cells))
            yield self.text[at : at + length], role
            at += length


@dataclass(frozen=True, slots=True)
class Around:
    """What is drawn with a range: `tied` ones look different; `old` is the range of the last start;
    `reach` is the lowest rate of the layers below the top one; `good` are rates of good trials.
    """

    tied: bool = False
    old: Setting | None = None
    reach: float | None = None
    good: Sequence[float] = ()


ALONE = Around()


class _Cells:
    """Cells being drawn one over the other."""

    def __init__(self, width: int) -> None:
        self.text = [" "] * width
        self.roles: list[Role] = ["tick"] * width

    def put(self, column: int, text: str, role: Role) -> None:
        self.text[column], self.roles[column] = text, role

    def span(self, first: int, last: int, signs: Ends, role: Role) -> None:
        left, middle, right = signs
        for column in range(first, last + 1):
            self.put(column, middle, role)
        self.put(last, right, role)
        self.put(first, left, role)


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


def draw_bar(lr: Setting, axis: Axis, width: int, around: Around = ALONE) -> Bar:
    """A range as ├───┤ (log), ╞═══╡ (uniform) or ├~~~┤ (tied), rates as ◆, frozen as nothing.

    ╎┈┈╎ is the old range, ┄┄ what the lower layers reach down to, ● where good trials were.
    """
    cells = _Cells(width)
    for decade in axis.decades():
        cells.put(axis.column(float(f"1e{decade}"), width), TICK, "tick")
    columns = _columns(lr, axis, width)
    if around.old is not None and around.old != lr:
        old = _columns(around.old, axis, width)
        if old:
            cells.span(old[0], old[-1], OLD_BAR, "old")
    if around.reach is not None and columns:
        for column in range(axis.column(around.reach, width), columns[0]):
            cells.put(column, REACH, "bar")
    _draw_setting(cells, lr, columns, around.tied)
    for rate in around.good:
        cells.put(axis.column(rate, width), GOOD, "good")
    return Bar("".join(cells.text), tuple(cells.roles))


def _draw_setting(cells: _Cells, lr: Setting, columns: list[int], tied: bool) -> None:
    if isinstance(lr, Range):
        signs = TIED_BAR if tied else LOG_BAR if lr.scale == "log" else LINEAR_BAR
        cells.span(columns[0], columns[-1], signs, "bar")
    elif isinstance(lr, Choices | int | float):
        for column in columns:
            cells.put(column, POINT, "bar")


def _columns(lr: Setting, axis: Axis, width: int) -> list[int]:
    return sorted(axis.column(rate, width) for rate in rates_of(lr))


def draw_density(rates: Sequence[float], good: Sequence[float], axis: Axis, width: int) -> Bar:
    """How many trials had a rate in each cell, as ▁…█; cells with good ones have that role."""
    counts = Counter(axis.column(rate, width) for rate in rates)
    where_good = {axis.column(rate, width) for rate in good}
    most = max(counts.values(), default=1)
    cells = _Cells(width)
    for column, count in counts.items():
        height = HEIGHTS[-(-count * len(HEIGHTS) // most) - 1]
        cells.put(column, height, "good" if column in where_good else "old")
    return Bar("".join(cells.text), tuple(cells.roles))
