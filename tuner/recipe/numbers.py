"""Numbers, times, ranges and choices as people type them, in recipes, options and forms.

Everything that can be typed is parsed here, and written here where it is to be edited or typed
again; `results.format` writes what is only to be looked at, which may be rounded.

10%, .1, 1e-5, 1_000 and 2k are numbers; 8h, 1.5h, 90m and 1h30m are times; LOW..HIGH, perhaps with
a scale after it, is a range; {16,32} are choices.
"""

from __future__ import annotations

import re

from tuner.recipe.types import Choices, Range, Rate, Scalar, Scale, TiedRate

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
    """Return the number that a text means, whole ones as int; None if it means none."""
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
    """Return the seconds in a time such as 1h30m, 1.5h, 90 min or 45; None if it is not a time."""
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
    """Split the name of a scale off the end of a text."""
    words = written.strip().rsplit(maxsplit=1)
    if len(words) == 2 and words[1].lower() in SCALE_WORDS:
        return words[0], SCALE_WORDS[words[1].lower()]
    return written.strip(), None


def split_range_ends(written: str) -> list[str]:
    """Return the ends of LOW..HIGH, or the text alone if it has no dots."""
    return _BETWEEN.split(written.strip())


def split_choices(written: str) -> list[str] | None:
    """Return the entries of {A,B}; None if the text is not of that form."""
    text = written.strip()
    if not (text.startswith("{") and text.endswith("}")) or "=" in text:
        return None
    return [entry.strip() for entry in text[1:-1].split(",") if entry.strip()]


def round_to_digits(value: float, digits: int = 3) -> float:
    """Round to so many significant digits."""
    return float(f"{value:.{digits}g}")


def shorten_exponent(text: str) -> str:
    """Write 1e-6 for Python's 1e-06, and 1e9 for its 1e+09."""
    return re.sub(r"e([+-])0*(\d+)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", text)


def format_typed_number(value: float) -> str:
    """Write the shortest text that means exactly this number: 1e-5, 0.06, 16."""
    if value == int(value) and abs(value) < 1e6:
        return str(int(value))
    if 1e-3 < abs(value) < 1e6:
        return repr(float(value))
    texts = (f"{value:.{digits}e}" for digits in range(18))
    return shorten_exponent(next(text for text in texts if float(text) == value))


def format_typed_value(value: Scalar) -> str:
    """Write one value as it can be typed: numbers exactly, true and false as in TOML."""
    if isinstance(value, bool | str):
        return str(value).lower() if isinstance(value, bool) else value
    return format_typed_number(value)


def format_typed_setting(setting: Rate, usual_scale: Scale = "linear") -> str:
    """Write a setting as it can be typed; its scale is named where it is not the usual one."""
    match setting:
        case Range(low, high, scale):
            suffix = "" if scale == usual_scale else (" log" if scale == "log" else " lin")
            return f"{format_typed_number(low)}..{format_typed_number(high)}{suffix}"
        case TiedRate(group, times):
            factor = "" if times == 1.0 else f" x {format_typed_setting(times, 'log')}"
            return f"like {group}{factor}"
        case Choices(values):
            return "{" + ",".join(map(format_typed_value, values)) + "}"
        case _:
            return format_typed_value(setting)


def format_typed_duration(seconds: float) -> str:
    """Write seconds as a recipe has them: 8h, 1h30m, 45s."""
    parts, remaining = [], round(seconds)
    for unit, letter in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, remaining = divmod(remaining, unit)
        if count:
            parts.append(f"{count}{letter}")
    return "".join(parts) or format_typed_number(seconds)
