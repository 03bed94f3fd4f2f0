"""How numbers, times, states and foreign text are written."""

from __future__ import annotations

import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.recipe.types import Choices, Range, Rate, Scale, TiedRate
from tuner.results import format as fmt
from tuner.results import state_glyphs
from tuner.results.spark import draw_sparkline


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.1e-6, "3.1e-6"), (8e-6, "8.0e-6"), (1.234e-3, "1.2e-3"), (0.0, "0"), (0.5, "5.0e-1"),
        (9.99e-6, "1.0e-5"), (None, "frozen"), ("frozen", "frozen"), (1e-10, "1.0e-10"),
    ],
)  # fmt: skip
def test_rates(value: float | str | None, text: str) -> None:
    assert fmt.format_rate(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-7, "1e-7"), (4e-4, "4e-4"), (5.5e-5, "5.5e-5"), (0.0, "0"), (0.1, "0.1"), (40, "40"),
     (1e-3, "0.001"), (1e6, "1e6")],
)  # fmt: skip
def test_bounds(value: float, text: str) -> None:
    assert fmt.format_range_end(value) == text
    assert float(text) == value


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("lr.head", 3.1e-6, "3.1e-6"), ("lr.head", "frozen", "frozen"), ("lr.head", 0.0, "0"),
        ("epochs", 7, "7"), ("warmup", 0.0625, "0.0625"), ("weight_decay", 1e-4, "1e-4"),
        ("schedule", "linear", "linear"), ("dropout", None, "—"), ("x", True, "true"),
        ("x", 123456.0, "123456"), ("x", "a\x1b[31m", "a␛[31m"), ("x", 0.123456, "0.1235"),
    ],
)  # fmt: skip
def test_settings(name: str, value: object, text: str) -> None:
    assert fmt.format_setting(name, value) == text


def test_scores() -> None:
    assert fmt.format_score(0.81234) == "0.8123"
    assert fmt.format_score(1) == "1.0000"
    assert fmt.format_score(None) == "—"
    assert fmt.format_score(-0.25) == "−0.2500"
    assert fmt.format_score_change(-0.0145) == "−0.0145"
    assert fmt.format_score_change(0.0145) == "+0.0145"
    assert fmt.format_score_change(None) == "—"
    assert fmt.format_percent(0.781) == "78 %"
    assert fmt.format_percent(0.781, 1) == "78.1 %"
    assert fmt.format_percent(None) == "—"


@pytest.mark.parametrize(
    ("seconds", "short", "words", "clock"),
    [
        (0, "0s", "0 s", "00:00"),
        (11.4, "11s", "11 s", "00:11"),
        (59.6, "1m00s", "1 m 00 s", "01:00"),
        (191, "3m11s", "3 m 11 s", "03:11"),
        (4 * 3600 + 120, "4h02m", "4 h 02 m", "4:02:00"),
        (53 * 3600, "2d05h", "2 d 05 h", "53:00:00"),
        (-3, "0s", "0 s", "00:00"),
        (None, "—", "—", "—"),
        (math.inf, "—", "—", "—"),
    ],
)
def test_spans(seconds: float | None, short: str, words: str, clock: str) -> None:
    assert fmt.format_duration(seconds) == short
    assert fmt.format_duration_in_words(seconds) == words
    assert fmt.format_clock(seconds) == clock


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(3, "3 s ago"), (0, "0 s ago"), (-5, "0 s ago"), (119, "1 m ago"), (7300, "2 h ago"),
     (86399, "23 h ago"),
     (86400, "yesterday"), (3 * 86400, "3 d ago"), (None, "—")],
)  # fmt: skip
def test_ago(seconds: float | None, text: str) -> None:
    assert fmt.format_time_ago(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (950, "950"), (999, "999"), (1000, "1.0k"), (12_345, "12.3k"), (999_960, "1.0M"),
     (124_600_000, "124.6M"), (1_200_000_000, "1.2B")],
)  # fmt: skip
def test_counts(value: int, text: str) -> None:
    assert fmt.format_count(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 B"), (512, "512 B"), (1024, "1.0 KiB"), (5.25 * 2**30, "5.2 GiB"),
     (2**20 - 1, "1.0 MiB"), (3 * 2**40, "3.0 TiB")],
)  # fmt: skip
def test_bytes(value: float, text: str) -> None:
    assert fmt.format_bytes(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1 / 3, "0.333"), (2.5, "2.5"), (12.5, "12.5"), (250, "250"), (2560, "2560"),
     (12_345, "12345"), (1_234_567, "1.2M"), (3.3e-5, "3.3e-5"), (1e39, "1e39"), (math.nan, "—")],
)  # fmt: skip
def test_amounts(value: float, text: str) -> None:
    assert fmt.format_amount(value) == text


@pytest.mark.parametrize(
    ("value", "width", "text"),
    [(250, 4, "250"), (12_345, 4, "12k"), (0.3333, 4, "0.33"), (0.00123, 4, "1e-3"),
     (-0.25, 4, "-0.2"), (99_999.7, 4, "100k"), (math.inf, 4, "—")],
)  # fmt: skip
def test_amounts_in_few_cells(value: float, width: int, text: str) -> None:
    assert fmt.format_amount(value, width) == text


def test_what_is_nearly_all_does_not_look_like_all() -> None:
    assert [fmt.format_percent(share) for share in (0, 1e-4, 0.004, 0.5, 0.996, 0.99999, 1)] == [
        "0 %", "<1 %", "<1 %", "50 %", ">99 %", ">99 %", "100 %"
    ]  # fmt: skip
    assert fmt.format_percent(0.9996, 1) == ">99.9 %"
    assert [fmt.format_score(value) for value in (0.99996, 1, 4e-5, -0.99996)] == [
        "0.9999", "1.0000", "4.0e-5", "−0.9999"
    ]  # fmt: skip
    assert fmt.format_score_change(-0.0) == "+0.0000"


@pytest.mark.parametrize(
    ("value", "text"), [(0, "no trials"), (1, "1 trial"), (2, "2 trials"), (1000, "1000 trials")]
)
def test_counted_things(value: int, text: str) -> None:
    assert fmt.count_in_words(value, "trial") == text


def test_times_in_few_cells() -> None:
    assert fmt.format_clock(36_000, 7) == "10h00m"
    assert fmt.format_clock(500 * 3600, 7) == "20d20h"
    assert fmt.format_duration(400 * 86400) == "400d"
    assert fmt.format_out_of(3, 40, 7) == "3/40"
    assert fmt.format_out_of(1000, 1200, 7) == "83 %"


FLOATS = st.floats() | st.integers(-(10**9), 10**12).map(float) | st.floats(0, 1)
ANY_WIDTH = st.integers(0, 12)


@given(FLOATS, ANY_WIDTH)
def test_no_number_is_wider_than_its_cells_or_shown_in_part(value: float, width: int) -> None:
    formatted_texts = [
        fmt.format_amount(value, width),
        fmt.format_score(value, width),
        fmt.format_setting("lr", value, width),
        fmt.format_setting("warmup", value, width),
    ]
    for text in formatted_texts:
        assert len(text) <= max(width, 1)
        assert text in ("", "…", "—") or _is_near(text, value), (text, value)


@given(FLOATS)
def test_every_number_reads_back_as_about_itself(value: float) -> None:
    texts = [
        fmt.format_amount(value),
        fmt.format_score(value),
        fmt.format_rate(value),
        fmt.format_number(value),
        fmt.format_score_change(value),
        fmt.format_speed(value),
    ]
    for text in texts:
        assert text == "—" or _is_near(text, value), (text, value)
        assert len(text) <= 12


def _is_near(text: str, value: float) -> bool:
    """Within a third, or half of the last place that can be seen."""
    size = {"k": 1e3, "M": 1e6, "B": 1e9, "T": 1e12}.get(text[-1], 1.0)
    digits = text.replace("−", "-").rstrip("kMBT")
    place = size * 10.0 ** -len(digits.partition("e")[0].partition(".")[2])
    read = float(digits) * size
    return math.isclose(read, value, rel_tol=0.34) or (
        "e" not in text and abs(read - value) <= place
    )


@given(st.floats(0, 1) | st.integers(0, 10**6).map(lambda n: n / 10**6), st.integers(0, 2))
def test_a_percentage_says_all_or_nothing_only_where_it_is(share: float, digits: int) -> None:
    text = fmt.format_percent(share, digits)
    number = float(text.strip("<> %"))
    assert (number == 100) == (share == 1)
    assert (number == 0) == (share == 0)


@given(st.floats(0, 1e12) | st.just(math.inf))
def test_sizes_and_times_stay_short(value: float) -> None:
    assert len(fmt.format_bytes(value)) <= 9
    assert len(fmt.format_duration(value)) <= 9
    assert len(fmt.format_count(int(min(value, 1e12)))) <= 7
    assert fmt.format_time_ago(value)


def test_glyphs() -> None:
    assert set(state_glyphs.GLYPHS) == set(state_glyphs.ASCII_GLYPHS)
    assert all(len(sign) == 1 for sign in state_glyphs.GLYPHS.values())
    assert all(len(sign) == 1 and sign.isascii() for sign in state_glyphs.ASCII_GLYPHS.values())
    trial_states = ("waiting", "running", "paused", "complete", "pruned", "collapsed", "failed")
    for signs in (state_glyphs.GLYPHS, state_glyphs.ASCII_GLYPHS):
        assert len({signs[state] for state in trial_states}) == len(trial_states)


@pytest.mark.parametrize(
    ("text", "inert"),
    [
        ("a\x1b[31mred\x1b[0m", "a␛[31mred␛[0m"),
        ("two\nlines\tand\rmore", "two lines and more"),
        ("\x00\x07\x7f", "␀␇␡"),
        ("\x9b31m", "�31m"),
        ("abc\u202edef\u2066", "abc�def�"),
        ("[bold]markup[/]", "[bold]markup[/]"),
        ("naïve 日本語 👩\u200d🔬 ✌\ufe0f", "naïve 日本語 👩🔬 ✌"),
        ("क्\u200dष नमस्ते", "क्\u200dष नमस्ते"),
        ("a\u200bb\u00ad\u2060\u3164", "a�b���"),
        ("lone \ud800", "lone �"),
    ],
)
def test_foreign_text_is_inert(text: str, inert: str) -> None:
    assert fmt.sanitize_text(text) == inert


@given(st.text())
def test_no_control_survives(text: str) -> None:
    inert = fmt.sanitize_text(text)
    assert len(inert) <= len(text)
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in inert)
    assert not any(unicodedata.bidirectional(c) in BIDI for c in inert)
    assert fmt.sanitize_text(inert) == inert
    inert.encode()


BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_sparklines() -> None:
    assert draw_sparkline([0, 1, 2, 3, 4, 5, 6, 7]) == "▁▂▃▄▅▆▇█"
    assert draw_sparkline([0.5, 0.5]) == "▄▄"
    assert draw_sparkline([]) == ""
    assert draw_sparkline([None, math.nan]) == "  "
    assert draw_sparkline([0, None, 1]) == "▁ █"
    assert draw_sparkline([0.5], low=0, high=1) == "▅"
    assert draw_sparkline([-1, 2], low=0, high=1) == "▁█"
    assert draw_sparkline(range(100), width=4) == "▁▃▆█"
    assert draw_sparkline([0, 1], ascii_only=True) == "_@"


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, width=32)), st.integers(1, 20))
def test_sparklines_are_as_long_as_asked(values: list[float], width: int) -> None:
    assert len(draw_sparkline(values, width)) == min(len(values), width)


@pytest.mark.parametrize(
    ("setting", "usual_scale", "text"),
    [
        (Range(1e-6, 5e-5, "log"), None, "1e-6…5e-5"),
        (Range(1e-6, 5e-5, "log"), "log", "1e-6…5e-5"),
        (Range(1e-6, 5e-5, "linear"), "log", "1e-6…5e-5 linear"),
        (Range(0.0, 0.5), "linear", "0…0.5"),
        (Choices((16, 32)), None, "{16, 32}"),
        (Choices(("linear", "cos\x1bine")), None, "{linear, cos␛ine}"),
        (TiedRate("body"), None, "like body"),
        (TiedRate("body", Range(1, 100, "log")), "log", "like body ×1…100"),
        ("frozen", "log", "frozen"),
        (2e-5, "log", "2e-5"),
        (True, None, "true"),
    ],
)
def test_settings_of_a_recipe(setting: Rate, usual_scale: Scale | None, text: str) -> None:
    assert fmt.format_recipe_setting(setting, usual_scale) == text


def test_intervals() -> None:
    assert fmt.format_interval(0.78851, 0.88766) == "0.7885…0.8877"
    assert fmt.format_change_interval(-0.0102, 0.0415) == "−0.0102…+0.0415"


@pytest.mark.parametrize(
    ("count", "signed", "full"),
    [(0, "±0", "0"), (4, "+4", "4"), (-3, "−3", "-3"), (12345, "+12345", "12,345")],
)
def test_counts_in_full(count: int, signed: str, full: str) -> None:
    assert fmt.format_signed_count(count) == signed
    assert fmt.format_full_count(count) == full


def test_numbers_with_a_fixed_number_of_decimals() -> None:
    assert fmt.format_points(0.056) == "+5.6 points"
    assert fmt.format_points(-0.004) == "−0.4 points"
    assert fmt.format_importance(0.4249) == "0.42"
    assert fmt.format_decimals(-2, 1) == "−2.0"
    assert fmt.format_decimals(-0.0, 2) == "0.00"
    assert fmt.format_bytes_of(3.1 * 2**30, 24 * 2**30) == "3.1/24.0 GiB"
