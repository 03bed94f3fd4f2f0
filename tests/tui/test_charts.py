"""Rasters, axes and curves: pure functions, tried on all sorts of values."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tuner.render.charts.axes import Scale, format_tick_value, rows_with_ticks, scale_of_values
from tuner.render.charts.inline_bars import (
    draw_position_bar,
    draw_progress_bar,
    draw_range_bar,
    draw_share_bar,
)
from tuner.render.charts.line_chart import ChartLine, draw_lines, staircase
from tuner.render.charts.raster import Raster
from tuner.render.renderable_lines import Lines
from tuner.render.styles import TERMINAL_STYLES, lines_to_strings

RED, BLUE = Style(color="red"), Style(color="blue")
finite = st.floats(allow_nan=False, allow_infinity=False, width=32)


def test_dots_light_up_their_cell() -> None:
    raster = Raster(2, 1)
    raster.set_dot(0, 0, RED)
    raster.set_dot(3, 3, RED)
    assert lines_to_strings(raster.lines_of_runs()) == ["⠁⢀"]


def test_dots_outside_do_nothing() -> None:
    raster = Raster(1, 1)
    for x, y in ((-1, 0), (0, -1), (2, 0), (0, 4)):
        raster.set_dot(x, y, RED)
    assert lines_to_strings(raster.lines_of_runs()) == [" "]


def test_a_line_reaches_both_ends() -> None:
    raster = Raster(4, 2)
    raster.draw_line((0, 7), (7, 0), RED)
    assert lines_to_strings(raster.lines_of_runs()) == ["  ⡠⠊", "⡠⠊  "]


def test_what_is_drawn_later_gives_the_colour_and_marks_lie_on_top() -> None:
    raster = Raster(2, 1)
    raster.set_dot(0, 0, RED)
    raster.set_dot(1, 0, BLUE)
    raster.put_glyph(3, 0, "★", RED)
    assert raster.lines_of_runs() == [[("⠉", BLUE), ("★", RED)]]


@given(finite, finite, finite, st.booleans())
def test_a_share_is_never_outside(low: float, high: float, value: float, log: bool) -> None:
    scale = Scale(min(low, high), max(low, high), log)
    assert 0.0 <= scale.share_of_value(value) <= 1.0


def test_a_logarithmic_scale_puts_the_geometric_middle_in_the_middle() -> None:
    scale = Scale(1e-6, 1e-2, log=True)
    assert scale.share_of_value(1e-4) == pytest.approx(0.5)
    assert scale.value_at_share(0.5) == pytest.approx(1e-4)


def test_scales_hold_their_values_and_do_without_any() -> None:
    scale = scale_of_values([0.5, 0.8, math.nan, math.inf])
    assert scale.low < 0.5
    assert scale.high > 0.8
    assert scale_of_values([math.nan]) == Scale(0.0, 1.0)
    assert scale_of_values([3.0]).low < 3.0 < scale_of_values([3.0]).high
    assert scale_of_values([-1.0, 0.1, 10.0], log=True).low == pytest.approx(0.1 / 1.1)


@pytest.mark.parametrize("rows", range(1, 40))
def test_the_first_row_is_numbered_and_numbers_lie_apart(rows: int) -> None:
    numbered_rows = rows_with_ticks(rows)
    assert numbered_rows[0] == 0
    assert all(later > earlier for earlier, later in pairwise(numbered_rows))


@given(finite, st.floats(min_value=1e-6, max_value=1e6))
def test_a_tick_fits_its_gutter(value: float, spread: float) -> None:
    assert len(format_tick_value(value, spread)) <= 5


def sizes(lines: Lines) -> set[int]:
    return {sum(cell_len(text) for text, _ in runs) for runs in lines}


points = st.lists(st.tuples(st.floats(0, 1), finite), max_size=8).map(tuple)


@given(st.lists(points, max_size=5), st.integers(20, 90), st.integers(6, 30), st.booleans())
def test_curves_fill_exactly_their_cells(
    curve_points: list[tuple[tuple[float, float], ...]], width: int, height: int, log: bool
) -> None:
    curves = [ChartLine(item, RED, end_glyph="✂") for item in curve_points]
    lines = draw_lines(curves, width, height, TERMINAL_STYLES, log=log)
    assert len(lines) == height
    assert sizes(lines) == {width}


def test_pruned_trials_are_marked_where_they_ended() -> None:
    curve = ChartLine(((0.0, 0.5), (0.5, 0.6)), RED, end_glyph="✂")
    rows = lines_to_strings(draw_lines([curve], 27, 6, TERMINAL_STYLES))
    assert rows[0][7 + 10] == "✂"


def test_one_evaluation_is_a_dot() -> None:
    line = ChartLine(((0.3, 0.5),), RED)
    text = "".join(lines_to_strings(draw_lines([line], 30, 6, TERMINAL_STYLES)))
    assert sum(0x2800 < ord(character) <= 0x28FF for character in text) == 1


def test_a_staircase_is_flat_and_then_goes_straight_up() -> None:
    assert staircase([]) == []
    assert staircase([(0.1, 0.6), (0.4, 0.8)]) == [(0.1, 0.6), (0.4, 0.6), (0.4, 0.8)]


def test_what_cannot_be_drawn_is_left_out() -> None:
    line = ChartLine(((0.0, math.nan), (0.3, -1.0), (0.5, 0.2), (1.0, 0.9)), RED, floor=0.3)
    assert line.visible_points(log=False) == [(1.0, 0.9)]
    assert ChartLine(line.points, RED).visible_points(log=True) == [(0.5, 0.2), (1.0, 0.9)]


def test_the_first_line_lies_on_top_and_leads_the_legend() -> None:
    lines = [
        ChartLine(((0.0, 0.5), (1.0, 0.5)), style, name, glyph)
        for style, name, glyph in ((RED, "first", "●"), (BLUE, "second", "◆"))
    ]
    legend, *rows = draw_lines(lines, 40, 8, TERMINAL_STYLES)
    assert lines_to_strings([legend])[0].split() == ["●", "first", "◆", "second"]
    styles = {style for runs in rows for text, style in runs if any(c > "\u2800" for c in text)}
    assert RED in styles
    assert BLUE not in styles


def test_bars() -> None:
    assert draw_share_bar(0.5, 4) == "██"
    assert draw_share_bar(1e-9, 4) == "▏"
    assert draw_share_bar(0, 4) == ""
    assert draw_progress_bar(0.5, 6) == "▕██░░▏"
    scale = Scale(1e-6, 1e-2, log=True)
    assert draw_range_bar(1e-5, 1e-3, scale, 9) == "  ├───┤  "
    assert draw_range_bar(1e-4, 1e-4, scale, 9) == "    ●    "
    assert draw_position_bar(1e-4, scale, 9) == "├───●───┤"
