"""Readers of single values: what TOML or JSON gave becomes a checked value, or an error.

A reader takes (value, place) and raises TunerError with one line: file, key, what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tuner.errors import TunerError
from tuner.recipe.nearest import show, suggestion
from tuner.recipe.numbers import (
    SCALE_WORDS,
    read_number,
    read_seconds,
    split_choices,
    split_range,
    split_scale,
)
from tuner.recipe.types import Choices, Range, Scalar, Scale, Setting

Reader = Callable[[Any, "Place"], Any]
MANY = 10**9
"""More of anything than anybody can mean; keeps absurd numbers out where no other limit does."""
SCALES: tuple[Scale, ...] = ("log", "linear")
_RANGE_KEYS = ("low", "high", "scale")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands: the file (or "--set") and its dotted key."""

    source: str
    key: str = ""

    def under(self, name: str) -> Place:
        """The place of a key inside this one."""
        shown = name if name.isprintable() and len(name) <= 60 else show(name)
        return Place(self.source, f"{self.key}.{shown}" if self.key else shown)

    def refuse(self, what: str) -> TunerError:
        """The error to raise about the value at this place."""
        return TunerError(": ".join(part for part in (self.source, self.key, what) if part))


def table(value: Any, at: Place) -> Mapping[str, Any]:
    """A TOML table."""
    if not isinstance(value, Mapping):
        raise at.refuse(f"must be a table, not {show(value)}")
    return value


def text(value: Any, at: Place) -> str:
    """A string that is not empty."""
    if not isinstance(value, str):
        raise at.refuse(f"must be text in quotes, not {show(value)}")
    if not value.strip():
        raise at.refuse("must not be empty")
    return value


def flag(value: Any, at: Place) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise at.refuse(f"must be true or false, not {show(value)}")
    return value


def integer(low: int, high: int = MANY) -> Reader:
    """A reader of whole numbers from `low` to `high`, both included."""
    bounds = f"of at least {low}" if high == MANY else f"from {low} to {high}"

    def read(value: Any, at: Place) -> int:
        value = plain_number(value)
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not low <= value <= high:
            raise at.refuse(f"must be a whole number {bounds}, not {show(value)}")
        return int(value)

    return read


def number(low: float, high: float = MANY, *, above: bool = False, below: bool = False) -> Reader:
    """A reader of finite numbers low…high; `above` and `below` leave that end out."""
    bounds = _bounds(low, high, above, below)

    def read(value: Any, at: Place) -> float:
        value = plain_number(value)
        good = isinstance(value, int | float) and not isinstance(value, bool)
        good = good and low <= value <= high
        if not good or (above and value == low) or (below and value == high):
            raise at.refuse(f"must be a number {bounds}, not {show(value)}")
        return float(value)

    return read


def _bounds(low: float, high: float, above: bool, below: bool) -> str:
    start = f"above {low:g}" if above else f"of at least {low:g}"
    if high == MANY:
        return start
    return f"{start} and {'below' if below else 'at most'} {high:g}"


def plain_number(value: Any) -> Any:
    """The number where a text means one (10%, .1, 1_000), anything else as it is."""
    number = read_number(value) if isinstance(value, str) else None
    return value if number is None else number


def plain_setting(written: str) -> Any:
    """LOW..HIGH and {A,B} as the tables that recipes have for them, other texts as they are."""
    choices = split_choices(written)
    if choices is not None:
        return {"choices": choices}
    body, scale = split_scale(written)
    ends = split_range(body)
    if len(ends) != 2 or any(read_number(end) is None for end in ends):
        return written
    return {"low": ends[0], "high": ends[1]} | ({} if scale is None else {"scale": scale})


def one_of(names: Sequence[str], aliases: Mapping[str, str] | None = None) -> Reader:
    """A reader of one of these words."""

    def read(value: Any, at: Place) -> str:
        if isinstance(value, str) and value in names:
            return value
        hint = suggestion(value if isinstance(value, str) else "", names, aliases)
        raise at.refuse(f"{show(value)} is not known; {hint}")

    return read


def duration(value: Any, at: Place) -> float:
    """Seconds above 0, from a number or from text such as "8h", "1.5h", "90 min" or "1h30m"."""
    if isinstance(value, str):
        seconds = read_seconds(value)
        if seconds is not None and 0 < seconds <= MANY:
            return seconds
    elif isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MANY:
        return float(value)
    raise at.refuse(
        f'must be a time above 0 such as "8h", "1.5h", "1h30m", "45s" or seconds, not {show(value)}'
    )


@dataclass(frozen=True, slots=True)
class Rule:
    """How one key is read. `kind` tells what may be searched: numbers in ranges, words in choices.

    A `kind` of None means that the key takes plain values only.
    """

    plain: Reader
    kind: Literal["number", "integer", "word"] | None = None
    scale: Scale = "linear"

    def read(self, value: Any, at: Place) -> Any:
        """The value at `at`: plain, or `Range` or `Choices` where the key can be searched.

        These may be texts too: "1e-5..1e-4", "2..10 log", "{16,32}".
        """
        if self.kind is not None and isinstance(value, str):
            value = plain_setting(value)
        if self.kind is None or not isinstance(value, Mapping):
            return self.plain(value, at)
        if "choices" in value:
            return self._choices(value, at)
        return self._range(value, at)

    def _choices(self, value: Mapping[str, Any], at: Place) -> Choices:
        known_keys(value, ("choices",), at)
        inside = at.under("choices")
        listed = value["choices"]
        if not isinstance(listed, Sequence) or isinstance(listed, str) or len(listed) < 2:
            raise inside.refuse("must be a list of at least two values")
        values: list[Scalar] = [self.plain(entry, inside) for entry in listed]
        repeated = [entry for i, entry in enumerate(values) if entry in values[:i]]
        if repeated:
            raise inside.refuse(f"{show(repeated[0])} is there twice")
        return Choices(tuple(values))

    def _range(self, value: Mapping[str, Any], at: Place) -> Range:
        known_keys(value, (*_RANGE_KEYS, "choices"), at)
        if self.kind == "word":
            raise at.refuse("has no range; write one value, or { choices = [ … ] }")
        for key in ("low", "high"):
            if key not in value:
                raise at.under(key).refuse("is missing; a range has low and high")
        low, high = (self._end(value, key, at) for key in ("low", "high"))
        scale = one_of(SCALES, SCALE_WORDS)(value.get("scale", self.scale), at.under("scale"))
        if low > high:
            raise at.under("low").refuse(f"{low:g} is above high = {high:g}")
        if scale == "log" and low <= 0:
            raise at.under("low").refuse(
                'a log scale cannot start from 0; write a low above 0, or scale = "linear"'
            )
        return Range(low, high, scale, self.kind == "integer")

    def _end(self, value: Mapping[str, Any], key: str, at: Place) -> Any:
        end = self.plain(value[key], at.under(key))
        if isinstance(end, str):
            raise at.under(key).refuse(f"must be a number, not {show(end)}")
        return end


def known_keys(value: Mapping[str, Any], valid: Sequence[str], at: Place) -> None:
    """Refuses the first key that is not one of `valid`, with the nearest spelling."""
    for key in value:
        if key not in valid:
            raise at.under(str(key)).refuse(f"no such key; {suggestion(str(key), valid)}")


def is_searched(setting: Setting | None) -> bool:
    """Whether this setting is left to the search."""
    return isinstance(setting, Range | Choices)
