"""Numbers, times, ranges and choices, typed in every way that people have."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.cli.enqueue import parse_scalar_value
from tuner.cli.parser import parse_share, whole_number_parser
from tuner.cli.set import parse_range_ends
from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import parse_recipe
from tuner.recipe.numbers import (
    format_typed_duration,
    format_typed_number,
    format_typed_setting,
    parse_number_text,
    parse_seconds_text,
    round_to_digits,
)
from tuner.recipe.presets import preset_document
from tuner.recipe.types import Choices, Range, Rate, Scale, TiedRate


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("10%", 0.1), ("7%", 0.07), ("12.5 %", 0.125), (".1", 0.1), ("1.", 1), ("1e-5", 1e-5),
        ("1_000", 1000), ("2k", 2000), ("1.5k", 1500), ("-.5", -0.5), ("+3", 3), ("08", 8),
        ("1e3", 1000), ("1,000", None), ("", None), ("%", None), ("1__0", None), ("nan", None),
        ("inf", None), ("0x10", None), ("1e", None), ("10%%", None), ("ten", None),
    ],
)  # fmt: skip
def test_a_number_is_read_as_written(written: str, number: float | None) -> None:
    assert parse_number_text(written) == number
    assert isinstance(parse_number_text("1e3"), int)


@given(st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False))
def test_every_number_of_python_reads_back(number: float) -> None:
    assert parse_number_text(repr(number)) == number


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("8h", 28800), ("1.5h", 5400), ("90m", 5400), ("90 min", 5400), ("1h30m", 5400),
        ("1h 30 min", 5400), ("2 days", 172800), (".5d", 43200), ("45", 45), ("45s", 45),
        ("1.5", 1.5), ("1_000", 1000), ("10%", None), ("30m1h", None), ("1h1h", None), ("h", None),
        ("1:30", None), ("1 fortnight", None), ("", None), ("2k", None), ("1h30", None),
    ],
)  # fmt: skip
def test_a_time_is_read_as_written(written: str, seconds: float | None) -> None:
    assert parse_seconds_text(written) == seconds


@pytest.mark.parametrize(
    ("expression", "get", "value"),
    [
        ("training.warmup=10%", lambda r: r.training.warmup, 0.1),
        ("training.warmup=.1", lambda r: r.training.warmup, 0.1),
        ("training.warmup=0..20%", lambda r: r.training.warmup, Range(0, 0.2)),
        ("training.epochs=2..10", lambda r: r.training.epochs, Range(2, 10, "linear", True)),
        ("training.epochs=2 to 10 log", lambda r: r.training.epochs, Range(2, 10, "log", True)),
        ("training.batch_size={16,32}", lambda r: r.training.batch_size, Choices((16, 32))),
        (
            "training.schedule={linear,cosine}",
            lambda r: r.training.schedule,
            Choices(("linear", "cosine")),
        ),
        ("training.seed=1_000", lambda r: r.training.seed, 1000),
        ("groups.all.lr=1e-5..1e-4", lambda r: r.groups[0].lr, Range(1e-5, 1e-4, "log")),
        ("groups.all.lr=.1%", lambda r: r.groups[0].lr, 0.001),
        ("search.time=1.5h", lambda r: r.search.time, 5400),
        ("search.time=90", lambda r: r.search.time, 90),
        ("search.trials=1_000", lambda r: r.search.trials, 1000),
        ("search.trials=2k", lambda r: r.search.trials, 2000),
        ("search.first_rung=50%", lambda r: r.search.first_rung, 0.5),
        ("data.validation=10%", lambda r: r.data.validation, 0.1),
        ("data.validation=.2", lambda r: r.data.validation, 0.2),
        ("data.holdout=50%", lambda r: r.data.holdout, 0.5),
    ],
)
def test_every_key_takes_them_on_the_command_line_and_in_the_file(
    expression: str, get: Any, value: Any
) -> None:
    document = _document()
    document.set_expression(expression)
    assert get(document.parse_recipe()) == value
    key, _, written = expression.partition("=")
    section, name = key.rsplit(".", 1)
    raw = _document().plain_values()
    place = raw["groups"][0] if section == "groups.all" else raw[section]
    place[name] = written
    assert get(parse_recipe(raw, "recipe.toml")) == value


def _document() -> RecipeDocument:
    document = preset_document("basic")
    for key, value in (("model.name", "m"), ("data.train", "t.csv"), ("data.validation", 0.1)):
        document.set_value(key, value)
    document.set_value("data.text", "text")
    document.set_value("data.label", "label")
    return document


def test_what_was_typed_is_written_as_toml_has_it() -> None:
    document = _document()
    document.set_expression("training.warmup=10%")
    document.set_expression("groups.all.lr=1e-5..1e-4")
    document.set_expression("groups.all.lr.high=.1%")
    assert document.get_value("training.warmup") == 0.1
    assert document.get_value("groups.all.lr.low") == 1e-5
    assert document.get_value("groups.all.lr.high") == 1e-3


def test_commands_take_them_too() -> None:
    assert dict(parse_range_ends(["lr.head=.001%..1e-4", "epochs=3"])) == {
        "lr.head": (1e-5, 1e-4),
        "epochs": (3.0, 3.0),
    }
    assert (parse_scalar_value("warmup", ".1"), parse_scalar_value("schedule", "linear")) == (
        0.1,
        "linear",
    )
    assert (parse_share("10%"), whole_number_parser(1)("1_000")) == (0.1, 1000)
    with pytest.raises(TunerError, match="is not a range"):
        dict(parse_range_ends(["lr.head=1e-5..x"]))


@pytest.mark.parametrize(
    "expression", ["training.warmup=ten", "training.epochs=2.5", "search.trials=50%"]
)
def test_what_is_none_is_refused_without_talk_of_quotes(expression: str) -> None:
    with pytest.raises(TunerError) as caught:
        _document().set_expression(expression)
    assert "number" in str(caught.value)
    assert "quotes out" not in str(caught.value)


@given(st.floats(1e-300, 1e300))
def test_a_number_is_written_exactly(number: float) -> None:
    written = format_typed_number(number)
    assert float(written) == number
    assert parse_number_text(written) == number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1e-5, "1e-5"), (2.5e-5, "2.5e-5"), (0.06, "0.06"), (16, "16"), (0.0, "0"), (1e-3, "1e-3"),
        (-2e9, "-2e9"), (0.25, "0.25"),
    ],
)  # fmt: skip
def test_numbers_are_written_short(number: float, text: str) -> None:
    assert format_typed_number(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(28800.0, "8h"), (5400.0, "1h30m"), (45.0, "45s"), (90000.0, "1d1h")]
)
def test_times_are_written_as_they_are_read(seconds: float, text: str) -> None:
    assert format_typed_duration(seconds) == text
    assert parse_seconds_text(text) == seconds


@pytest.mark.parametrize(
    ("setting", "usual_scale", "text"),
    [
        (Range(1e-5, 1e-4, "log"), "log", "1e-5..1e-4"),
        (Range(2, 10, "log", integer=True), "linear", "2..10 log"),
        (Range(0.0, 0.1), "log", "0..0.1 lin"),
        (Choices((16, 32)), "linear", "{16,32}"),
        (TiedRate("body", 2.0), "log", "like body x 2"),
        (False, "linear", "false"),
        ("frozen", "log", "frozen"),
    ],
)
def test_settings_are_written_as_they_are_typed(
    setting: Rate, usual_scale: Scale, text: str
) -> None:
    assert format_typed_setting(setting, usual_scale) == text


@pytest.mark.parametrize(
    ("value", "digits", "rounded"), [(1.2345e-5, 3, 1.23e-5), (987.6, 2, 990.0), (0.0, 3, 0.0)]
)
def test_rounding_to_digits(value: float, digits: int, rounded: float) -> None:
    assert round_to_digits(value, digits) == rounded
