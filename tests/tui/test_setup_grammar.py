"""The grammar of typed values: tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.errors import TunerError
from tuner.recipe.numbers import format_typed_setting
from tuner.recipe.types import FROZEN, Choices, Range, Setting
from tuner.tui.setup.grammar import Grammar, parse_learning_rate, parse_setting

NOW = Range(1e-6, 1e-4, "log")


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1e-5", 1e-5),
        (" 2E-5 ", 2e-5),
        ("0", 0.0),
        (".001", 1e-3),
        ("1e-5..4e-5", Range(1e-5, 4e-5, "log")),
        ("1e-5 … 4e-5", Range(1e-5, 4e-5, "log")),
        ("1e-5 to 4e-5", Range(1e-5, 4e-5, "log")),
        ("1e-5...4e-5", Range(1e-5, 4e-5, "log")),
        ("1e-5..4e-5 lin", Range(1e-5, 4e-5, "linear")),
        ("1e-5..4e-5 uniform", Range(1e-5, 4e-5, "linear")),
        ("0..1e-3", Range(0.0, 1e-3, "linear")),
        ("log", NOW),
        ("lin", Range(1e-6, 1e-4, "linear")),
        ("fix", 1e-5),
        ("freeze", FROZEN),
        ("Frozen", FROZEN),
        ("{1e-5, 2e-5}", Choices((1e-5, 2e-5))),
        ("{1e-5}", 1e-5),
        ("{1e-5,1e-5,2e-5}", Choices((1e-5, 2e-5))),
    ],
)
def test_a_typed_rate_means(text: str, rate: Setting) -> None:
    assert parse_learning_rate(text, NOW) == rate


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing typed"),
        ("x", "not a number"),
        ("frezee", "did you mean freeze"),
        ("1e-5-4e-5", "not a number"),
        ("1e-5..", "not a range"),
        ("..", "not a range"),
        ("1..2..3", "not a range"),
        ("4e-5..1e-5", "low (4e-5) is above high (1e-5)"),
        ("1e-5..1e-5", "both 1e-5"),
        ("0..1e-3 log", "start above 0"),
        ("-1e-5", "cannot be negative"),
        ("5", "far above"),
        ("nan", "not a number"),
        ("inf", "not a number"),
        ("1__0", "not a number"),
        ("1,5e-5", "not a number"),
        ("{1e-5", "both braces"),
        ("{}", "no values"),
        ("{1e-5,}x", "both braces"),
        ("[b]1e-5[/b]", "not a number"),
    ],
)
def test_a_rate_that_means_nothing_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(TunerError) as error:
        parse_learning_rate(text, NOW)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["log", "lin"])
def test_a_scale_needs_a_range(text: str) -> None:
    with pytest.raises(TunerError, match="no range"):
        parse_learning_rate(text, 1e-5)


def test_a_scale_is_kept_where_none_is_said() -> None:
    uniform = Range(1e-6, 1e-4, "linear")
    assert parse_learning_rate("1e-5..4e-5", uniform) == Range(1e-5, 4e-5, "linear")
    assert parse_learning_rate("1e-5..4e-5", 1e-3) == Range(1e-5, 4e-5, "log")


WHOLE = Grammar(integer=True)
WORDS = Grammar(words=("linear", "cosine"))


@pytest.mark.parametrize(
    ("text", "grammar", "setting"),
    [
        ("3", WHOLE, 3),
        ("2..10", WHOLE, Range(2, 10, "linear", True)),
        ("2..10 log", WHOLE, Range(2, 10, "log", True)),
        ("{16,32}", WHOLE, Choices((16, 32))),
        ("0.06", Grammar(), 0.06),
        ("cosine", WORDS, "cosine"),
        ("{linear,cosine}", WORDS, Choices(("linear", "cosine"))),
    ],
)
def test_other_settings(text: str, grammar: Grammar, setting: Setting) -> None:
    assert parse_setting(text, grammar) == setting


@pytest.mark.parametrize(
    ("text", "grammar", "reason"),
    [
        ("2.5", WHOLE, "not a whole number"),
        ("cosin", WORDS, "did you mean cosine"),
        ("{linear,cosin}", WORDS, "did you mean cosine"),
        ("ten", WHOLE, "not a number"),
    ],
)
def test_other_settings_that_mean_nothing(text: str, grammar: Grammar, reason: str) -> None:
    with pytest.raises(TunerError, match=reason):
        parse_setting(text, grammar)


rates = st.floats(1e-9, 1.0)


@given(st.tuples(rates, rates), st.sampled_from(["log", "linear"]))
def test_a_range_is_read_as_it_was_written(ends: tuple[float, float], scale: str) -> None:
    low, high = sorted(ends)
    if low == high:
        return
    setting = Range(low, high, "log" if scale == "log" else "linear")
    assert parse_learning_rate(format_typed_setting(setting, "log"), NOW) == setting


@given(st.text(max_size=20))
def test_no_text_breaks_the_grammar(text: str) -> None:
    reason = ""
    try:
        parse_learning_rate(text, NOW)
    except TunerError as error:
        reason = str(error)
    assert "\n" not in reason
