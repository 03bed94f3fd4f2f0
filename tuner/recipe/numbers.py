"""Numbers, times, ranges and choices as people type them, in recipes, options and forms alike.

10%, .1, 1e-5, 1_000 and 2k are numbers; 8h, 1.5h, 90m and 1h30m are times; LOW..HIGH, perhaps with
a scale after it, is a range; {16,32} are choices.
"""

from __future__ import annotations

import re

from tuner.recipe.types import Scale

SCALE_WORDS: dict[str, Scale] = {
    "log": "log",
    "logarithmic": "log",
    "loguniform": "log",
    "lin": "linear",
    "linear": "linear",
    "uniform": "linear",
}
_NUMBER = re.compile(
    r"(?P<number>[+-]?(?:\d+(?:_\d+)*\.?(?:\d+(?:_\d+)*)?|\.\d+)(?:e[+-]?\d+)?)\s*(?P<unit>[%kK]?)",
    re.IGNORECASE,
)
_UNITS = {"": 1, "k": 1000}
_EXACT = 2.0**53
_BETWEEN = re.compile(r"\s*(?:\.{2,}|…|\bto\b)\s*", re.IGNORECASE)
_SECONDS = {
    1: ("s", "sec", "secs", "second", "seconds"),
    60: ("m", "min", "mins", "minute", "minutes"),
    3600: ("h", "hr", "hrs", "hour", "hours"),
    86400: ("d", "day", "days"),
}
_SECONDS_OF_UNIT = {word: seconds for seconds, words in _SECONDS.items() for word in words}
_TIME_PART = re.compile(r"\s*(\d+\.?\d*|\.\d+)\s*([a-z]+)\s*", re.IGNORECASE)


def parse_number_text(written: str) -> int | float | None:
    """The number that a text means, an int where it is a whole one; None where it means none."""
    match = _NUMBER.fullmatch(written.strip())
    if match is None:
        return None
    digits, unit = match["number"].replace("_", ""), match["unit"].lower()
    if unit == "%":
        # Not times 0.01, which makes 0.07 of 7 % only nearly.
        return float(digits) / 100
    value = float(digits) * _UNITS[unit]
    return int(value) if value.is_integer() and abs(value) < _EXACT else value


def parse_seconds_text(written: str) -> float | None:
    """The seconds that a time such as 1h30m, 1.5h, 90 min or 45 means; None where it means none."""
    number = parse_number_text(written)
    if number is not None and not written.strip().endswith(("%", "k", "K")):
        return float(number)
    position, total, last = 0, 0.0, float("inf")
    text = written.strip()
    while position < len(text):
        match = _TIME_PART.match(text, position)
        unit = _SECONDS_OF_UNIT.get(match[2].lower()) if match else None
        # Hours come before minutes: 30m1h is a slip.
        if match is None or unit is None or unit >= last:
            return None
        total, last, position = total + float(match[1]) * unit, unit, match.end()
    return total if text else None


def split_off_scale(written: str) -> tuple[str, Scale | None]:
    """The text without the name of a scale at its end, and that scale."""
    words = written.strip().rsplit(maxsplit=1)
    if len(words) == 2 and words[1].lower() in SCALE_WORDS:
        return words[0], SCALE_WORDS[words[1].lower()]
    return written.strip(), None


def split_range_ends(written: str) -> list[str]:
    """The ends of LOW..HIGH; the text alone where there is nothing between."""
    return _BETWEEN.split(written.strip())


def split_choices(written: str) -> list[str] | None:
    """The entries of {A,B}; None where that is not the form of the text."""
    text = written.strip()
    if not (text.startswith("{") and text.endswith("}")) or "=" in text:
        return None
    return [entry.strip() for entry in text[1:-1].split(",") if entry.strip()]
