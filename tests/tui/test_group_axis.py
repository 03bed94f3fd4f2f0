"""The axis, its grid, and the bars on it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import TunerError
from tuner.recipe.types import FROZEN, Choices, Range, Rate, Setting, TiedRate
from tuner.tui.setup.group_axis import RateAxis, axis_for_settings, next_grid_rate
from tuner.tui.setup.group_bar import (
    BarContext,
    draw_axis_labels,
    draw_density_bar,
    draw_range_bar,
)
from tuner.tui.setup.range_steps import (
    RangeEnd,
    drag_range_end,
    step_rate,
    toggle_fixed,
    toggle_frozen,
)

LOG = Range(1e-6, 5e-5, "log")
rates = st.floats(1e-9, 0.9)


@pytest.mark.parametrize(
    ("rate", "direction", "grid_rate"),
    [
        (1e-6, 1, 2e-6),
        (2e-6, 1, 5e-6),
        (5e-6, 1, 1e-5),
        (1e-5, -1, 5e-6),
        (3e-6, 1, 5e-6),
        (3e-6, -1, 2e-6),
        (9.9e-6, 1, 1e-5),
        (1.0000000001e-5, -1, 5e-6),
    ],
)
def test_the_grid_has_one_two_and_five(rate: float, direction: int, grid_rate: float) -> None:
    assert next_grid_rate(rate, direction) == grid_rate


@given(rates)
def test_a_step_up_and_down_ends_on_the_grid(rate: float) -> None:
    up = next_grid_rate(rate, 1)
    assert next_grid_rate(rate, -1) < rate < up
    assert next_grid_rate(next_grid_rate(up, -1), 1) == up


def test_the_axis_holds_what_is_there_and_spans_four_decades() -> None:
    assert axis_for_settings([Range(1e-7, 1e-5, "log"), Range(1e-4, 5e-3, "log")]) == RateAxis(
        -7, -2
    )
    assert axis_for_settings([1e-5]) == RateAxis(-7, -3)
    assert axis_for_settings([FROZEN]) == RateAxis(-7, -1)
    assert axis_for_settings([Range(0.0, 1e-3, "linear")]).last >= -3
    assert axis_for_settings([Choices((1e-9, 1e-3))]) == RateAxis(-9, -3)


@given(st.lists(rates, min_size=1, max_size=6), st.integers(10, 90))
def test_every_rate_has_a_cell_and_cells_are_in_order(rate_values: list[float], width: int) -> None:
    axis = axis_for_settings(rate_values)
    columns = [axis.column_of_rate(rate, width) for rate in sorted(rate_values)]
    assert columns == sorted(columns)
    assert all(0 <= column < width for column in columns)


@given(st.integers(-9, -4), st.integers(1, 8), st.integers(10, 90), st.data())
def test_a_cell_gives_the_nearest_grid_rate(
    first: int, decades: int, width: int, data: st.DataObject
) -> None:
    axis = RateAxis(first, first + decades)
    column = data.draw(st.integers(0, width - 1))
    cells_a_step = (width - 1) / decades * 0.4
    assert (
        abs(axis.column_of_rate(axis.rate_at_column(column, width), width) - column)
        <= cells_a_step / 2 + 1
    )


def test_bars() -> None:
    axis = RateAxis(-7, -3)
    assert draw_axis_labels(axis, 41) == "1e-7      1e-6      1e-5      1e-4   1e-3"
    assert draw_range_bar(Range(1e-6, 1e-4, "log"), axis, 41).text == (
        "·         ├───────────────────┤         ·"
    )
    assert draw_range_bar(Range(0.0, 1e-4, "linear"), axis, 41).text == (
        "╞═════════════════════════════╡         ·"
    )
    assert draw_range_bar(1e-5, axis, 41).text == "·         ·         ◆         ·         ·"
    assert draw_range_bar(FROZEN, axis, 41).text == "·         ·         ·         ·         ·"
    assert draw_range_bar(Choices((1e-7, 1e-3)), axis, 41).text.count("◆") == 2


def test_what_is_drawn_around_a_bar() -> None:
    axis, narrow = RateAxis(-7, -3), Range(1e-5, 1e-4, "log")
    old = BarContext(previous_setting=Range(1e-6, 1e-3, "log"), good_rates=(2e-6, 5e-5))
    assert draw_range_bar(narrow, axis, 41, old).text == "·         ╎┈┈●┈┈┈┈┈┈├──────●──┤┈┈┈┈┈┈┈┈┈╎"
    assert draw_range_bar(narrow, axis, 41, BarContext(is_tied=True)).text[20:31] == "├~~~~~~~~~┤"
    assert (
        draw_range_bar(narrow, axis, 41, BarContext(lowest_layer_rate=1e-6)).text[10:21]
        == "┄┄┄┄┄┄┄┄┄┄├"
    )
    assert draw_range_bar(narrow, axis, 41, BarContext(previous_setting=narrow)) == draw_range_bar(
        narrow, axis, 41
    )
    assert (
        draw_range_bar(FROZEN, axis, 41, BarContext(previous_setting=narrow)).text.count("╎") == 2
    )


def test_density_tells_how_many_trials_were_where() -> None:
    bar = draw_density_bar([1e-7, 1e-7, 1e-7, 1e-5], [1e-5], RateAxis(-7, -3), 5)
    assert (bar.text, bar.roles[2]) == ("█ ▃  ", "good")


@given(rates, rates, st.integers(6, 100), st.sampled_from([0, 1, 2, 3]))
def test_a_bar_is_as_wide_as_it_should_be(a: float, b: float, width: int, kind: int) -> None:
    settings: list[Setting] = [a, FROZEN, Choices((a, b)), Range(min(a, b), max(a, b), "log")]
    lr = settings[kind]
    bar = draw_range_bar(lr, axis_for_settings([lr]), width)
    assert len(bar.text) == len(bar.roles) == width
    assert ("bar" in bar.roles) == (lr != FROZEN)
    assert "".join(text for text, _ in bar.runs_by_role()) == bar.text
    assert len(draw_axis_labels(axis_for_settings([lr]), width)) == width


@pytest.mark.parametrize(
    ("lr", "end", "direction", "moved"),
    [
        (LOG, "low", -1, Range(5e-7, 5e-5, "log")),
        (LOG, "low", 1, Range(2e-6, 5e-5, "log")),
        (LOG, "high", 1, Range(1e-6, 1e-4, "log")),
        (LOG, "both", 1, Range(2e-6, 1e-4, "log")),
        (3e-6, "low", 1, 5e-6),
        (3e-6, "high", -1, 2e-6),
        (Range(1e-7, 1e-5, "linear"), "low", -1, Range(0.0, 1e-5, "linear")),
        (Range(0.0, 1e-5, "linear"), "low", 1, Range(1e-7, 1e-5, "linear")),
    ],
)
def test_keys_move_along_the_grid(
    lr: Setting, end: RangeEnd, direction: int, moved: Setting
) -> None:
    assert step_rate(lr, end, direction) == moved


@pytest.mark.parametrize(
    ("lr", "end", "direction", "moved"),
    [
        (LOG, "low", 1, Range(1.01e-6, 5e-5, "log")),
        (LOG, "high", -1, Range(1e-6, 4.95e-5, "log")),
        (1e-5, "low", -1, 9.9e-6),
        (
            TiedRate("a", Range(1.0, 100.0, "log")),
            "high",
            1,
            TiedRate("a", Range(1.0, 101.0, "log")),
        ),
    ],
)
def test_fine_steps_are_one_percent(lr: Rate, end: RangeEnd, direction: int, moved: Rate) -> None:
    assert step_rate(lr, end, direction, fine=True) == moved


@given(rates, st.sampled_from([-1, 1]))
def test_a_fine_step_always_moves(rate: float, direction: int) -> None:
    near = min(max(rate, 1.1e-7), 0.09)
    moved = step_rate(near, "low", direction, fine=True)
    assert isinstance(moved, float)
    assert (moved > near) == (direction > 0)
    assert moved != near


def test_of_a_tied_rate_the_factor_moves() -> None:
    assert step_rate(TiedRate("a", 1.0), "low", 1) == TiedRate("a", 2.0)
    assert step_rate(TiedRate("a", Range(1.0, 50.0, "log")), "high", 1) == TiedRate(
        "a", Range(1, 100, "log")
    )
    with pytest.raises(TunerError, match="tied to a: l unties"):
        drag_range_end(TiedRate("a"), "low", 1e-5)


@pytest.mark.parametrize(
    ("lr", "end", "direction", "reason"),
    [
        (Range(5e-6, 1e-5, "log"), "low", 1, "low must stay below high"),
        (Range(5e-6, 1e-5, "log"), "high", -1, "low must stay below high"),
        (Range(1e-7, 1e-5, "log"), "low", -1, "the keys stop at 1e-7"),
        (0.1, "both", 1, "the keys stop at 0.1"),
        (FROZEN, "low", 1, "frozen"),
        (Choices((1e-5, 2e-5)), "low", 1, "enter types"),
    ],
)
def test_where_there_is_no_room_the_reason_is_said(
    lr: Setting, end: RangeEnd, direction: int, reason: str
) -> None:
    with pytest.raises(TunerError, match=reason):
        step_rate(lr, end, direction)


def test_the_mouse_puts_an_end_where_it_is() -> None:
    assert drag_range_end(LOG, "low", 2e-6) == Range(2e-6, 5e-5, "log")
    assert drag_range_end(LOG, "high", 1e-4) == Range(1e-6, 1e-4, "log")
    assert drag_range_end(1e-5, "both", 2e-5) == 2e-5
    with pytest.raises(TunerError, match="below high"):
        drag_range_end(LOG, "low", 1e-4)
    with pytest.raises(TunerError, match="frozen"):
        drag_range_end(FROZEN, "low", 1e-4)


def test_fix_and_freeze_go_there_and_back() -> None:
    assert toggle_fixed(LOG, None) == 7.1e-6
    assert toggle_fixed(7.1e-6, LOG) == LOG
    assert toggle_fixed(1e-5, None) == Range(5e-6, 2e-5, "log")
    assert toggle_fixed(Choices((1e-5, 2e-5)), None) == 1e-5
    assert toggle_fixed(Range(0.0, 1e-3, "linear"), None) == 5e-4
    assert toggle_frozen(LOG, None) == FROZEN
    assert toggle_frozen(FROZEN, LOG) == LOG
    assert isinstance(toggle_frozen(FROZEN, None), Range)
    with pytest.raises(TunerError, match="frozen"):
        toggle_fixed(FROZEN, LOG)
