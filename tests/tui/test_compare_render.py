"""What a comparison draws: never wider than it may be, with the right signs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.tui import corpus
from tuner.render.charts.line_chart import ChartLine, draw_lines
from tuner.render.comparison_table import (
    baseline_change_text,
    comparison_table_lines,
    fact_value_text,
)
from tuner.render.confusion_difference import difference_lines
from tuner.render.renderable_lines import Lines
from tuner.render.row_predictions import RowPrediction, row_prediction_lines
from tuner.render.significance_text import agreement_count_lines
from tuner.render.styles import TERMINAL_STYLES, lines_to_strings
from tuner.render.text_fitting import pack_into_lines
from tuner.results.format import format_p_value, format_ratio
from tuner.results.paired import find_flips
from tuner.session.comparison import (
    Candidate,
    ComparisonRow,
    candidates_of_session,
    comparison_rows,
)
from tuner.session.fold import load_session_view

widths = st.integers(60, 220)


def widest(lines: Lines) -> int:
    """Cells of the widest line."""
    return max((cell_len(line) for line in lines_to_strings(lines)), default=0)


@pytest.fixture(scope="module")
def candidates(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Candidate]:
    root: Path = tmp_path_factory.mktemp("sessions")
    session = corpus.record_running_session(root)
    return candidates_of_session(session, load_session_view(session), [3, 4, 0, 9, 12])


@settings(max_examples=60, deadline=None)
@given(width=widths, column=st.integers(-1, 4), count=st.integers(2, 5))
def test_the_table_fits_and_shows_the_column_under_the_cursor(
    candidates: Sequence[Candidate], width: int, column: int, count: int
) -> None:
    column = min(column, count - 1)
    compared_candidates = candidates[:count]
    lines = comparison_table_lines(
        compared_candidates,
        comparison_rows(compared_candidates),
        width,
        TERMINAL_STYLES,
        column=column,
    )
    assert widest(lines) <= width
    head = lines_to_strings(lines)[0]
    assert head.count("▸") == (column >= 0)
    assert "A #4 ★" in head


@given(
    cells=st.integers(1, 9).flatmap(
        lambda size: st.lists(
            st.tuples(*[st.lists(st.integers(0, 999), min_size=size, max_size=size)] * 2),
            min_size=size,
            max_size=size,
        )
    ),
    width=st.integers(30, 120),
    shares=st.booleans(),
)
def test_a_difference_fits(
    cells: list[tuple[list[int], list[int]]], width: int, shares: bool
) -> None:
    first, second = [row[0] for row in cells], [row[1] for row in cells]
    labels = [f"[b]label {number}[/]" for number in range(len(cells))]
    lines = difference_lines(first, second, labels, width, TERMINAL_STYLES, shares=shares)
    assert widest(lines) <= width


def test_a_difference_has_signs() -> None:
    lines = lines_to_strings(
        difference_lines([[8, 2], [1, 9]], [[5, 5], [1, 9]], ["a", "b"], 60, TERMINAL_STYLES)
    )
    assert lines[2].split() == ["a", "+3", "−3"]
    assert lines[3].split() == ["b", "·", "·"]
    shares = difference_lines(
        [[8, 2], [1, 9]], [[5, 5], [1, 9]], ["a", "b"], 60, TERMINAL_STYLES, shares=True
    )
    assert lines_to_strings(shares)[2].split() == ["a", "+30", "−30"]


@given(value=st.floats(1e-9, 1e3), base=st.floats(1e-9, 1e3))
def test_a_factor_names_the_larger_share(value: float, base: float) -> None:
    text = format_ratio(value, base)
    assert text[0] in "×÷"
    assert len(text) <= 8
    if text != "×1":
        assert (text[0] == "×") == (value > base)
        assert format_ratio(base, value)[1:] == text[1:]


def test_values_and_changes_by_kind() -> None:
    rate, metric = (
        ComparisonRow("lr.head", "rate", (1e-4, 5e-5)),
        ComparisonRow("accuracy", "metric", (0.8, None)),
    )
    assert fact_value_text(rate, 1e-4) == "1.0e-4"
    assert baseline_change_text(rate, 5e-5, 1e-4) == "÷2.00"
    assert baseline_change_text(rate, "frozen", 1e-4) == ""
    assert baseline_change_text(metric, 0.75, 0.8) == "−0.0500"
    assert baseline_change_text(metric, None, 0.8) == ""
    assert fact_value_text(metric, float("nan")) == fact_value_text(metric, None) == "—"
    assert fact_value_text(ComparisonRow("x", "word", ("a",)), "\x1b[31m") == "␛[31m"


@given(value=st.floats(0, 1))
def test_p_values_are_short(value: float) -> None:
    text = format_p_value(value)
    assert text.startswith(("= ", "< "))
    if text.startswith("= "):
        assert float(text[2:]) == pytest.approx(value, abs=6e-3)


@given(
    pieces=st.lists(st.text("ab ", min_size=1, max_size=20), min_size=1), width=st.integers(40, 90)
)
def test_pieces_are_not_broken(pieces: list[str], width: int) -> None:
    lines = pack_into_lines(pieces, " · ", width, head="head: ", indent="  ")
    assert all(cell_len(line) <= width for line in lines)
    joined = " ".join(" ".join(lines).replace("·", " ").split())
    assert joined == " ".join(f"head: {' '.join(pieces)}".split())


@given(width=st.integers(20, 100), height=st.integers(6, 40), ends=st.lists(st.floats(0, 1)))
def test_an_overlay_fills_its_place(width: int, height: int, ends: list[float]) -> None:
    curves = [
        ChartLine(((0.1, 0.5), (1.0, end)), TERMINAL_STYLES.text, "", letter, "edge")
        for letter, end in zip("ABCDE", ends, strict=False)
    ]
    lines = draw_lines(curves, width, height, TERMINAL_STYLES)
    assert len(lines) == height
    assert widest(lines) <= width
    chart_text = "".join(lines_to_strings(lines))
    assert all(letter in chart_text for letter in "ABCDE"[: len(ends)])


@given(width=st.integers(30, 90), name=st.text(max_size=60))
def test_counts_fit_whatever_the_names(width: int, name: str) -> None:
    flips = find_flips([0, 1, 1, 0], [0, 1, 0, 0], [0, 0, 1, 1])
    lines = agreement_count_lines((name, name), flips, width, TERMINAL_STYLES)
    assert widest(lines) <= width
    text = " ".join(lines_to_strings(lines))
    assert "both correct 1" in text
    assert ": 2" in text


def test_without_texts_the_reason_is_given() -> None:
    answers = [RowPrediction("#1", 0, 0.9), RowPrediction("a [b]name[/b]", 1)]
    lines = lines_to_strings(
        row_prediction_lines(7, 0, answers, ["no", "yes"], "nobody kept any", 60, TERMINAL_STYLES)
    )
    assert lines[0].split() == ["gold", "no"]
    assert lines[1].split() == ["#1", "✓", "no", "90", "%"]
    assert lines[2].split() == ["a", "[b]name[/b]", "✗", "yes"]
    assert lines[-1] == "nobody kept any"
