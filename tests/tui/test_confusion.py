"""Confusion matrices: every number there, none wider than asked, from 2 classes to 200."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    SMALL,
    assert_golden,
    live_screen,
    play,
    press,
    visible_screen_text,
)
from tuner.render.confusion_cells import (
    MATRIX_MODES,
    ConfusionMatrix,
    MatrixCells,
    Mode,
    count_correct,
)
from tuner.render.confusion_matrix import ReferenceMatrix, confusion_lines
from tuner.render.confusion_window import MatrixWindow
from tuner.render.styles import TERMINAL_STYLES, lines_to_strings
from tuner.render.text_fitting import shorten_distinctly
from tuner.tui.app import TunerApp
from tuner.tui.widgets.confusion_pane import ConfusionPane

SIZES = {"80x24": SMALL, "120x40": LARGE}


def matrices(least: int = 2, most: int = 30) -> st.SearchStrategy[list[list[int]]]:
    def matrices_of_size(size: int) -> st.SearchStrategy[list[list[int]]]:
        row = st.lists(st.integers(0, 2000), min_size=size, max_size=size)
        return st.lists(row, min_size=size, max_size=size)

    return st.integers(least, most).flatmap(matrices_of_size)


def matrix_lines(
    matrix: ConfusionMatrix, labels: list[str], width: int, height: int, **more: object
) -> list[str]:
    lines = confusion_lines(matrix, labels, width, TERMINAL_STYLES, height=height, **more)  # type: ignore[arg-type]
    return lines_to_strings(lines)


@settings(deadline=None)
@given(
    matrices(),
    st.integers(34, 160),
    st.integers(5, 60),
    st.sampled_from(MATRIX_MODES),
    st.booleans(),
    st.data(),
)
def test_no_line_is_wider_than_asked(
    matrix: list[list[int]],
    width: int,
    height: int,
    mode: Mode,
    subtract: bool,
    data: st.DataObject,
) -> None:
    size = len(matrix)
    labels = data.draw(st.lists(st.text(max_size=12), max_size=size))
    reference = ReferenceMatrix("best #7", [[1] * size for _ in range(size)], subtract)
    for line in matrix_lines(matrix, labels, width, height, mode=mode, against=reference):
        assert cell_len(line) <= width
        assert not any(ord(character) < 32 for character in line)


@settings(deadline=None)
@given(matrices(2, 6), st.integers(0, 40))
def test_a_small_matrix_shows_every_count(matrix: list[list[int]], height: int) -> None:
    labels = [chr(97 + index) * 3 for index in range(len(matrix))]
    if not any(map(sum, matrix)):
        assert matrix_lines(matrix, labels, 100, height) == ["no row was evaluated"]
        return
    lines = matrix_lines(matrix, labels, 100, height)
    for label, row in zip(labels, matrix, strict=True):
        line = next(line for line in lines if line.startswith(f"  {label} "))
        assert [int(text) for text in re.findall(r"\d+", line)[: len(row)]] == row
    assert f"{count_correct(matrix)} of {sum(map(sum, matrix))} correct" in "\n".join(lines)


@settings(deadline=None)
@given(matrices(1, 12), st.data())
def test_a_difference_and_the_other_give_the_matrix(
    matrix: list[list[int]], data: st.DataObject
) -> None:
    size = len(matrix)
    reference_matrix = data.draw(matrices(size, size))
    cells = MatrixCells(matrix, "counts", reference_matrix)
    for row in range(size):
        for column in range(size):
            change = int(cells.cell_text(row, column).replace("−", "-"))
            assert reference_matrix[row][column] + change == matrix[row][column]
            better = change >= 0 if row == column else change < 0
            assert cells.is_favourable(row, column) == (better if change else row == column)
            assert 0 <= cells.shade_share(row, column) <= 1


@settings(deadline=None)
@given(matrices(2, 8))
def test_percentages_are_of_the_row_or_of_the_column(matrix: list[list[int]]) -> None:
    by_row, by_column = MatrixCells(matrix, "row"), MatrixCells(matrix, "column")
    for label_index in range(len(matrix)):
        places = range(len(matrix))
        for shares in (
            [by_row.shade_share(label_index, place) for place in places],
            [by_column.shade_share(place, label_index) for place in places],
        ):
            assert sum(shares) == pytest.approx(1.0) or not any(shares)


@settings(deadline=None)
@given(
    st.integers(24, 200),
    st.integers(30, 160),
    st.integers(3, 50),
    st.integers(-5, 250),
    st.integers(-5, 250),
)
def test_the_window_stays_inside_and_keeps_its_heads(
    classes: int, width: int, height: int, top: int, left: int
) -> None:
    matrix = [[(row * 31 + column) % 900 for column in range(classes)] for row in range(classes)]
    labels = [f"class {index}" for index in range(classes)]
    window = MatrixWindow(MatrixCells(matrix), labels, width, height, top, left)
    lines = lines_to_strings(window.draw_window(TERMINAL_STYLES))
    assert 0 <= window.visible_rows.start < window.visible_rows.stop <= classes
    assert 0 <= window.visible_columns.start < window.visible_columns.stop <= classes
    assert len(lines) <= height
    assert all(cell_len(line) <= width for line in lines)
    first = window.visible_rows.start
    shown_counts = [int(text) for text in lines[1].split()[-len(window.visible_columns) :]]
    assert shown_counts == [matrix[first][column] for column in window.visible_columns]
    assert lines[1].split()[0] == str(first + 1)


@given(st.lists(st.text(max_size=20), max_size=30), st.integers(8, 24))
def test_cut_names_fit_and_differ_where_the_names_do(names: list[str], width: int) -> None:
    cut = shorten_distinctly(names, width)
    assert all(cell_len(name) <= width for name in cut)
    short = [name for name in names if cell_len(name.rstrip()) <= width]
    if len({name.rstrip() for name in names}) == len(short) == len(names):
        assert cut == [name.rstrip() for name in names]


def test_names_with_a_common_beginning_or_end_still_differ() -> None:
    ends = shorten_distinctly(["intent_card_arrival", "intent_card_linking"], 9)
    beginnings = shorten_distinctly(["a_very_long_name_1_x", "a_very_long_name_2_x"], 9)
    assert len(set(ends)) == len(set(beginnings)) == 2
    assert shorten_distinctly(["same", "same"], 9) == ["same", "2:same"]


def test_a_list_of_many_classes_tells_where_most_has_changed() -> None:
    matrix = [[9 if row == column else 0 for column in range(40)] for row in range(40)]
    reference_matrix = [row[:] for row in matrix]
    matrix[3][5], reference_matrix[8][2] = 7, 4
    labels = [f"c{index}" for index in range(40)]
    text = "\n".join(
        matrix_lines(
            matrix, labels, 60, 20, against=ReferenceMatrix("best #1", reference_matrix, True)
        )
    )
    changed = text.split("most changed")[1].splitlines()[1:3]
    assert re.search(r"\+7 c3 +→ c5", changed[0])
    assert re.search(r"−4 c8 +→ c2", changed[1])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("classes", [2, 6, 20, 77, 150])
def test_every_count_of_classes_on_screen(root: Path, classes: int, size: str) -> None:
    session = corpus.many_classes(root, classes)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "4", "z")
        await assert_golden(app, f"classes-{classes}-{size}")

    play(root, scene, session=session.name, size=SIZES[size])


def test_the_keys_of_the_matrix(root: Path) -> None:
    session = corpus.many_classes(root, 77)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        pane = live_screen(app).query_one(ConfusionPane)
        await press(pilot, "j", "4", "z")
        assert "most confused" in visible_screen_text(app)
        await press(pilot, "m")
        assert "rows 1–17 of 77   H/L 1–" in str(pane.border_subtitle)
        await press(pilot, "j", "j", "L")
        assert "rows 3–19 of 77" in str(pane.border_subtitle)
        assert "H/L 1–" not in str(pane.border_subtitle)
        await press(pilot, "G")
        assert "rows 61–77" in str(pane.border_subtitle)
        await press(pilot, "g", "n", "n")
        assert "column %" in str(pane.border_title)
        await press(pilot, "n", "d")
        assert "− best #2" in str(pane.border_title)
        assert "−1" in visible_screen_text(app)
        await press(pilot, "m", "left")
        assert "most changed" in visible_screen_text(app)
        assert "epoch 5" in str(pane.border_title)

    play(root, scene, session=session.name)


def test_the_best_trial_is_not_compared_with_itself(root: Path) -> None:
    session = corpus.many_classes(root, 6)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "4")
        assert "Δ vs" not in visible_screen_text(app)
        await press(pilot, "left")
        assert "Δ vs best #2" in visible_screen_text(app)

    play(root, scene, session=session.name, size=LARGE)
