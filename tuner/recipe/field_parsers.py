"""Parsers of single values: what TOML or JSON gave becomes a checked value, or an error.

A parser takes (value, location) and raises TunerError with one line: file, key, what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from tuner.errors import TunerError
from tuner.recipe.nearest import quote_value, spelling_hint
from tuner.recipe.numbers import (
    SCALE_WORDS,
    format_typed_number,
    parse_number_text,
    parse_seconds_text,
    split_choices,
    split_off_scale,
    split_range_ends,
)
from tuner.recipe.types import Choices, Range, Scalar, Scale, Setting

_T = TypeVar("_T")
UPPER_LIMIT = 10**9
"""More of anything than anybody can mean; keeps absurd numbers out where no other limit does."""
SCALES: tuple[Scale, ...] = ("log", "linear")
_RANGE_KEYS = ("low", "high", "scale")


@dataclass(frozen=True, slots=True)
class Location:
    """Where a value is written: the file (or "--set") and its dotted key."""

    source: str
    key: str = ""

    def join_key(self, name: str) -> Location:
        """Return the location of a key inside this one."""
        printable_name = name if name.isprintable() and len(name) <= 60 else quote_value(name)
        return Location(self.source, f"{self.key}.{printable_name}" if self.key else printable_name)

    def error(self, problem: str) -> TunerError:
        """Make the error to raise about the value at this location."""
        return TunerError(": ".join(part for part in (self.source, self.key, problem) if part))


@dataclass(frozen=True)
class ValueParser(Generic[_T]):
    """A parser of one value; `expected` says what it accepts, in errors and in docs/recipe.md."""

    expected: str
    parse: Callable[[Any, Location], _T]

    def __call__(self, value: Any, location: Location) -> _T:
        """Return the checked value; TunerError if it is not what is expected."""
        return self.parse(value, location)

    def refusal(self, value: Any, location: Location) -> TunerError:
        """Make the error to raise about a value that is not what is expected."""
        return location.error(f"must be {self.expected}, not {quote_value(value)}")


def value_parser(expected: str) -> Callable[[Callable[[Any, Location], _T]], ValueParser[_T]]:
    """Make a `ValueParser` of the decorated function."""
    return lambda parse: ValueParser(expected, parse)


def parse_table(value: Any, location: Location) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise location.error(f"must be a table, not {quote_value(value)}")
    return value


@value_parser("text in quotes")
def parse_text(value: Any, location: Location) -> str:
    """Check for a string that is not blank."""
    if not isinstance(value, str):
        raise parse_text.refusal(value, location)
    if not value.strip():
        raise location.error("must not be empty")
    return value


@value_parser("true or false")
def parse_boolean(value: Any, location: Location) -> bool:
    if not isinstance(value, bool):
        raise parse_boolean.refusal(value, location)
    return value


def integer_parser(low: int, high: int = UPPER_LIMIT) -> ValueParser[int]:
    """Make a parser of whole numbers from `low` to `high`, both included."""
    bounds = f"of at least {low}" if high == UPPER_LIMIT else f"from {low} to {high}"

    @value_parser(f"a whole number {bounds}")
    def parse_integer(value: Any, location: Location) -> int:
        value = parse_if_number(value)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not low <= value <= high:
            raise parse_integer.refusal(value, location)
        return int(value)

    return parse_integer


def number_parser(
    low: float, high: float = UPPER_LIMIT, *, above: bool = False, below: bool = False
) -> ValueParser[float]:
    """Make a parser of finite numbers low…high; `above` and `below` exclude that end."""

    @value_parser(f"a number {_describe_bounds(low, high, above, below)}")
    def parse_float(value: Any, location: Location) -> float:
        value = parse_if_number(value)
        is_valid = isinstance(value, int | float) and not isinstance(value, bool)
        is_valid = is_valid and low <= value <= high
        if not is_valid or (above and value == low) or (below and value == high):
            raise parse_float.refusal(value, location)
        return float(value)

    return parse_float


def _describe_bounds(low: float, high: float, above: bool, below: bool) -> str:
    start = f"{'above' if above else 'of at least'} {format_typed_number(low)}"
    if high == UPPER_LIMIT:
        return start
    return f"{start} and {'below' if below else 'at most'} {format_typed_number(high)}"


def parse_if_number(value: Any) -> Any:
    """Return the number if a text means one (10%, .1, 1_000), anything else unchanged."""
    number = parse_number_text(value) if isinstance(value, str) else None
    return value if number is None else number


def expand_shorthand(written: str) -> Any:
    """Turn LOW..HIGH and {A,B} into the tables that recipes have for them; keep other texts."""
    choices = split_choices(written)
    if choices is not None:
        return {"choices": choices}
    body, scale = split_off_scale(written)
    ends = split_range_ends(body)
    if len(ends) != 2 or any(parse_number_text(end) is None for end in ends):
        return written
    return {"low": ends[0], "high": ends[1]} | ({} if scale is None else {"scale": scale})


def word_parser(names: Sequence[str], aliases: Mapping[str, str] | None = None) -> ValueParser[Any]:
    """Make a parser of one of these words."""

    @value_parser(", ".join(map(quote_value, names[:-1])) + f" or {quote_value(names[-1])}")
    def parse_word(value: Any, location: Location) -> Any:
        if isinstance(value, str) and value in names:
            return value
        hint = spelling_hint(value if isinstance(value, str) else "", names, aliases)
        raise location.error(f"{quote_value(value)} is not known; {hint}")

    return parse_word


@value_parser('a time above 0 such as "8h", "1.5h", "1h30m", "45s" or seconds')
def parse_duration(value: Any, location: Location) -> float:
    """Parse seconds above 0, from a number or text such as "8h", "1.5h", "90 min" or "1h30m"."""
    if isinstance(value, str):
        seconds = parse_seconds_text(value)
        if seconds is not None and 0 < seconds <= UPPER_LIMIT:
            return seconds
    elif (
        isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= UPPER_LIMIT
    ):
        return float(value)
    raise parse_duration.refusal(value, location)


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """What one key may hold, and what it means (in Markdown, for docs/recipe.md).

    `kind` says what may be searched: numbers in ranges, words in choices, None nothing; `scale` is
    the default of its ranges.
    """

    parse_scalar: ValueParser[Any]
    meaning: str
    kind: Literal["number", "integer", "word"] | None = None
    scale: Scale = "linear"

    def parse_setting(self, value: Any, location: Location) -> Any:
        """Parse a plain value, or a `Range` or `Choices` if the key can be searched.

        These may be texts too: "1e-5..1e-4", "2..10 log", "{16,32}".
        """
        if self.kind is not None and isinstance(value, str):
            value = expand_shorthand(value)
        if self.kind is None or not isinstance(value, Mapping):
            return self.parse_scalar(value, location)
        if "choices" in value:
            return self._parse_choices(value, location)
        return self._parse_range(value, location)

    def _parse_choices(self, value: Mapping[str, Any], location: Location) -> Choices:
        check_known_keys(value, ("choices",), location)
        choices_location = location.join_key("choices")
        listed = value["choices"]
        if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) < 2:
            raise choices_location.error("must be a list of at least two values")
        values: list[Scalar] = [self.parse_scalar(entry, choices_location) for entry in listed]
        duplicates = [entry for i, entry in enumerate(values) if entry in values[:i]]
        if duplicates:
            raise choices_location.error(f"{quote_value(duplicates[0])} is listed twice")
        return Choices(tuple(values))

    def _parse_range(self, value: Mapping[str, Any], location: Location) -> Range:
        check_known_keys(value, (*_RANGE_KEYS, "choices"), location)
        if self.kind == "word":
            raise location.error("has no range; write one value, or { choices = [ … ] }")
        for key in ("low", "high"):
            if key not in value:
                raise location.join_key(key).error("is missing; a range has low and high")
        low, high = (self._parse_range_end(value, key, location) for key in ("low", "high"))
        scale = word_parser(SCALES, SCALE_WORDS)(
            value.get("scale", self.scale), location.join_key("scale")
        )
        if low > high:
            raise location.join_key("low").error(
                f"{format_typed_number(low)} is above high = {format_typed_number(high)}"
            )
        if scale == "log" and low <= 0:
            raise location.join_key("low").error(
                'a log scale cannot start from 0; write a low above 0, or scale = "linear"'
            )
        return Range(low, high, scale, self.kind == "integer")

    def _parse_range_end(self, value: Mapping[str, Any], key: str, location: Location) -> Any:
        end = self.parse_scalar(value[key], location.join_key(key))
        if isinstance(end, str):
            raise location.join_key(key).error(f"must be a number, not {quote_value(end)}")
        return end


def check_known_keys(value: Mapping[str, Any], valid: Sequence[str], location: Location) -> None:
    """Refuse the first key that is not one of `valid`, with the nearest spelling."""
    for key in value:
        if key not in valid:
            raise location.join_key(str(key)).error(
                f"no such key; {spelling_hint(str(key), valid)}"
            )


def is_searched_setting(setting: Setting | None) -> bool:
    return isinstance(setting, Range | Choices)
