"""One layer group's range as a bar of cells on the shared axis, and what trials made of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from tuner.recipe.types import Choices, Range, Setting
from tuner.tui.setup.group_axis import RateAxis, rates_of_setting

CellRole = Literal["tick", "old", "bar", "good"]
BarGlyphs = tuple[str, str, str]
TICK_GLYPH = "·"
LOG_BAR: BarGlyphs = ("├", "─", "┤")
LINEAR_BAR: BarGlyphs = ("╞", "═", "╡")
TIED_BAR: BarGlyphs = ("├", "~", "┤")
OLD_BAR: BarGlyphs = ("╎", "┈", "╎")
REACH_GLYPH = "┄"
POINT_GLYPH = "◆"
GOOD_GLYPH = "●"
HEIGHTS = "▁▂▃▄▅▆▇█"


@dataclass(frozen=True, slots=True)
class CellBar:
    """A text as wide as the bar, with a role for each of its cells."""

    text: str
    roles: tuple[CellRole, ...]

    def runs_by_role(self) -> Iterator[tuple[str, CellRole]]:
        start = 0
        for role, cells in groupby(self.roles):
            length = len(list(cells))
            yield self.text[start : start + length], role
            start += length


@dataclass(frozen=True, slots=True)
class BarContext:
    """What is drawn with a range, beside the range itself.

    is_tied            the rate is tied to another group's
    previous_setting   the range of the last start
    lowest_layer_rate  the lowest rate of the layers below the top one
    good_rates         rates of good trials
    """

    is_tied: bool = False
    previous_setting: Setting | None = None
    lowest_layer_rate: float | None = None
    good_rates: Sequence[float] = ()


NO_CONTEXT = BarContext()


class _CellCanvas:
    """A row of cells to draw on, the later over the earlier."""

    def __init__(self, width: int) -> None:
        self.text = [" "] * width
        self.roles: list[CellRole] = ["tick"] * width

    def put_cell(self, column: int, text: str, role: CellRole) -> None:
        self.text[column], self.roles[column] = text, role

    def draw_span(self, first: int, last: int, glyphs: BarGlyphs, role: CellRole) -> None:
        start_glyph, middle_glyph, end_glyph = glyphs
        for column in range(first, last + 1):
            self.put_cell(column, middle_glyph, role)
        self.put_cell(last, end_glyph, role)
        self.put_cell(first, start_glyph, role)


def draw_axis_labels(axis: RateAxis, width: int) -> str:
    """Draw the axis' labels, each beginning at its decade's cell; the last one ends there."""
    cells = [" "] * width
    next_free_column = 0
    for decade in axis.tick_decades():
        label = f"1e{decade}"
        column = min(axis.column_of_rate(float(label), width), width - len(label))
        if column >= next_free_column and (
            decade == axis.last or column + len(label) < width - len(label)
        ):
            cells[column : column + len(label)] = label
            next_free_column = column + len(label) + 1
    return "".join(cells)


def draw_range_bar(
    lr: Setting, axis: RateAxis, width: int, context: BarContext = NO_CONTEXT
) -> CellBar:
    """Draw a range as ├───┤ (log), ╞═══╡ (uniform) or ├~~~┤ (tied), rates as ◆, frozen as nothing.

    ╎┈┈╎ is the old range, ┄┄ what the lower layers reach down to, ● where good trials were.
    """
    cells = _CellCanvas(width)
    for decade in axis.tick_decades():
        cells.put_cell(axis.column_of_rate(float(f"1e{decade}"), width), TICK_GLYPH, "tick")
    columns = _columns_of_setting(lr, axis, width)
    if context.previous_setting is not None and context.previous_setting != lr:
        old_columns = _columns_of_setting(context.previous_setting, axis, width)
        if old_columns:
            cells.draw_span(old_columns[0], old_columns[-1], OLD_BAR, "old")
    if context.lowest_layer_rate is not None and columns:
        for column in range(axis.column_of_rate(context.lowest_layer_rate, width), columns[0]):
            cells.put_cell(column, REACH_GLYPH, "bar")
    _draw_setting_cells(cells, lr, columns, context.is_tied)
    for rate in context.good_rates:
        cells.put_cell(axis.column_of_rate(rate, width), GOOD_GLYPH, "good")
    return CellBar("".join(cells.text), tuple(cells.roles))


def _draw_setting_cells(cells: _CellCanvas, lr: Setting, columns: list[int], tied: bool) -> None:
    if isinstance(lr, Range):
        signs = TIED_BAR if tied else LOG_BAR if lr.scale == "log" else LINEAR_BAR
        cells.draw_span(columns[0], columns[-1], signs, "bar")
    elif isinstance(lr, Choices | int | float):
        for column in columns:
            cells.put_cell(column, POINT_GLYPH, "bar")


def _columns_of_setting(lr: Setting, axis: RateAxis, width: int) -> list[int]:
    return sorted(axis.column_of_rate(rate, width) for rate in rates_of_setting(lr))


def draw_density_bar(
    rates: Sequence[float], good_rates: Sequence[float], axis: RateAxis, width: int
) -> CellBar:
    """Draw how many trials had a rate in each cell, as ▁…█; cells with good ones have that role."""
    counts = Counter(axis.column_of_rate(rate, width) for rate in rates)
    good_columns = {axis.column_of_rate(rate, width) for rate in good_rates}
    highest_count = max(counts.values(), default=1)
    cells = _CellCanvas(width)
    for column, count in counts.items():
        height = HEIGHTS[-(-count * len(HEIGHTS) // highest_count) - 1]
        cells.put_cell(column, height, "good" if column in good_columns else "old")
    return CellBar("".join(cells.text), tuple(cells.roles))
