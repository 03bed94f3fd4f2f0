"""How numbers, times and settings are written: the same everywhere.

Everything that shows a number asks here. What is to be typed again is exact and comes from
`recipe.numbers`; recipes are TOML (`recipe.toml_text`), exports JSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from tuner.recipe.numbers import shorten_exponent
from tuner.recipe.types import Choices, Range, Rate, Scale, TiedRate

NONE: Final = "—"
MINUS: Final = "−"
_ANY: Final = 1000
_DAYS_ALONE: Final = 100 * 86400


def format_rate(value: float | str | None, digits: int = 2) -> str:
    """Write a learning rate with `digits` significant digits: 3.1e-6, 8.0e-6; None is "frozen"."""
    if value is None or isinstance(value, str):
        return "frozen" if value is None else sanitize_text(value)
    if not math.isfinite(value):
        return NONE
    return "0" if value == 0 else shorten_exponent(f"{value:.{digits - 1}e}")


def format_range_end(value: float) -> str:
    """Write the end of a range as short as is exact: 1e-7, 4e-4, 0.1, 40."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.12g}"
    return _scientific_notation(value, 11)


def format_number(value: float, digits: int = 4) -> str:
    """Write any other setting: four digits, with an exponent if it would have many zeros."""
    if not math.isfinite(value):
        return NONE
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.{digits}g}" if abs(value) < 10**digits else f"{value:.0f}"
    return _scientific_notation(value, digits - 1)


def format_amount(value: float | None, width: int = _ANY) -> str:
    """Write how much of something, in three digits without exponent: 0.33, 12.5, 2560, 1.2M."""
    if value is None or not math.isfinite(value):
        return NONE
    return _widest_that_fits(
        width, (_amount_with_digits(value, digits) for digits in (3, 2, 1)), value
    )


def _amount_with_digits(value: float, digits: int) -> str:
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-3:
        return _scientific_notation(value, max(digits - 2, 0))
    if size >= 99_999.5:
        return _with_magnitude_suffix(value, max(digits - 2, 0))
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{value:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if decimals else text


def format_epoch(value: float) -> str:
    """Write a point in a training: epoch 0.33, epoch 12.5, epoch 250."""
    return f"epoch {format_amount(value)}"


def format_out_of(done: int, planned: int, width: int = _ANY) -> str:
    """Write how many of how many: 12/40; as a percentage if that is too wide."""
    text = f"{done}/{planned}"
    return text if len(text) <= width or not planned else format_percent(done / planned)


def format_setting(name: str, value: Any, width: int = _ANY) -> str:
    """Write the value of a flat setting: rates as rates, whole numbers whole, words sanitized.

    If `width` is too small numbers lose digits; they are never cut off.
    """
    if value is None or value == "frozen":
        return "frozen" if value else NONE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return sanitize_text(str(value).lower() if isinstance(value, bool) else str(value))
    if isinstance(value, int) and len(str(value)) <= width:
        return str(value)
    if name.startswith("lr"):
        return _widest_that_fits(width, (format_rate(value, digits) for digits in (2, 1)), value)
    return _widest_that_fits(
        width, (format_number(value, digits) for digits in (4, 3, 2, 1)), value
    )


def format_recipe_setting(setting: Rate, usual_scale: Scale | None = None) -> str:
    """Write what a recipe says of a setting: 1e-6…5e-5, {16, 32}, like body ×2, frozen, 0.1.

    The scale of a range is named if it is not `usual_scale`; None names none.
    """
    match setting:
        case Range(low, high, scale):
            named = usual_scale is not None and scale != usual_scale
            return f"{format_range_end(low)}…{format_range_end(high)}{f' {scale}' if named else ''}"
        case Choices(values):
            return "{" + ", ".join(map(format_recipe_setting, values)) + "}"
        case TiedRate(group, times):
            factor = "" if times == 1.0 else f" ×{format_recipe_setting(times, 'log')}"
            return f"like {sanitize_text(group)}{factor}"
        case bool() | str():
            return sanitize_text(str(setting).lower() if isinstance(setting, bool) else setting)
        case int():
            return str(setting)
    return format_range_end(setting)


def format_score(value: float | None, width: int = _ANY) -> str:
    """Write a metric's value to four decimals, to fewer if `width` demands it: 0.8123.

    What is not quite 1, or not quite 0, does not look like it.
    """
    if value is None or not math.isfinite(value):
        return NONE
    text = _widest_that_fits(
        width, (_score_with_decimals(value, decimals) for decimals in (4, 3, 2, 1, 0)), value
    )
    return text.replace("-", MINUS, 1) if text.startswith("-") else text


def _score_with_decimals(value: float, decimals: int) -> str:
    size = abs(value)
    if size >= 1000:
        return _amount_with_digits(value, 3)
    if 0 < size < 0.5e-4 and decimals:
        return format_rate(value, 2 if decimals > 3 else 1)
    if size < 1 and round(size, decimals) == 1:
        value = math.copysign(math.floor(size * 10**decimals) / 10**decimals, value)
    return f"{value + 0.0:.{decimals}f}"


def format_score_change(value: float | None) -> str:
    """Write a difference of scores with its sign: +0.0145, −0.0145."""
    if value is None or not math.isfinite(value):
        return NONE
    sign = MINUS if value < 0 else "+"
    return sign + format_score(abs(value))


def format_interval(low: float, high: float, width: int = _ANY) -> str:
    """Write the ends of an interval of scores, each in at most `width` cells: 0.7885…0.8877."""
    return f"{format_score(low, width)}…{format_score(high, width)}"


def format_change_interval(low: float, high: float) -> str:
    """Write the ends of an interval of differences: −0.0102…+0.0415."""
    return f"{format_score_change(low)}…{format_score_change(high)}"


def format_points(share: float) -> str:
    """Write a difference of shares in percentage points: +5.6 points, −0.5 points."""
    return f"{100 * share:+.1f} points".replace("-", MINUS)


def format_importance(share: float) -> str:
    """Write how much a setting decides, of 1 in all: 0.42."""
    return f"{share:.2f}"


def format_p_value(value: float) -> str:
    """Write a p-value as it follows its letter: = 0.65, = 0.003, < 0.0001."""
    if value < 1e-4:
        return "< 0.0001"
    return f"= {value:.{2 if value >= 0.095 else 3 if value >= 0.00095 else 4}f}"


def format_ratio(value: float, base: float) -> str:
    """Write how many times a positive number is another one: ×1.57, ÷1.59; ×1 if they are equal."""
    times = max(value / base, base / value)
    if times < 1.0005:
        return "×1"
    digits = 2 if times < 9.995 else 1 if times < 99.95 else 0
    return f"{'×' if value > base else '÷'}{min(times, 99999):.{digits}f}"


def format_percent(share: float | None, digits: int = 0) -> str:
    """Write a share as a percentage: 78 %; >99 % and <1 % for nearly all, or hardly any."""
    if share is None or not math.isfinite(share):
        return NONE
    least = 10.0**-digits
    if 0 < share < 1:
        if round(100 * share, digits) >= 100:
            return f">{100 - least:.{digits}f} %"
        if round(100 * share, digits) <= 0:
            return f"<{least:.{digits}f} %"
    return f"{100 * share + 0.0:.{digits}f} %".replace("-", MINUS)


def format_duration(seconds: float | None) -> str:
    """Write a span of time in few cells: 11s, 3m11s, 4h02m, 2d05h, 400d."""
    return _duration_with_gap(seconds, "")


def format_duration_in_words(seconds: float | None) -> str:
    """Write a span of time for running text: 11 s, 3 m 11 s, 4 h 02 m, 2 d 05 h, 400 d."""
    return _duration_with_gap(seconds, " ")


def _duration_with_gap(seconds: float | None, gap: str) -> str:
    if seconds is None or not math.isfinite(seconds):
        return NONE
    whole = max(0, round(seconds))
    if whole >= _DAYS_ALONE:
        return f"{whole // 86400}{gap}d"
    for unit, smaller, size, small in (
        ("d", "h", 86400, 3600),
        ("h", "m", 3600, 60),
        ("m", "s", 60, 1),
    ):
        if whole >= size:
            return f"{whole // size}{gap}{unit}{gap}{whole % size // small:02d}{gap}{smaller}"
    return f"{whole}{gap}s"


def format_clock(seconds: float | None, width: int = _ANY) -> str:
    """Write a span of time as a clock shows it: 03:11, 1:12:40; if too wide: 10h12m, 4d04h."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    text = f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes:02d}:{whole % 60:02d}"
    return text if len(text) <= width else format_duration(seconds)


def format_time_ago(seconds: float | None) -> str:
    """Write how long ago: 3 s ago, 5 m ago, 2 h ago, yesterday, 3 d ago."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    whole = max(0, int(seconds))
    for below, size, unit in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h")):
        if whole < below:
            return f"{whole // size} {unit} ago"
    days = whole // 86400
    return "yesterday" if days == 1 else f"{days} d ago"


def format_count(value: int) -> str:
    """Write a number of things with three or four digits: 950, 12.3k, 124.6M, 1.2B."""
    return str(value) if abs(value) < 1000 else _with_magnitude_suffix(value, 1)


def format_full_count(value: int) -> str:
    """Write a number of things with all of its digits: 950, 12,345."""
    return f"{value:,}"


def format_row_number(row: int) -> str:
    """Write which row of a data file it is: the first is 1, and a header is not a row.

    Everything else counts from 0: `row` is an index, as in the files of predictions.
    """
    return str(row + 1)


def format_signed_count(value: int) -> str:
    """Write a difference of counts with its sign: +4, −3, ±0."""
    return f"{value:+d}".replace("-", MINUS) if value else "±0"


def format_decimals(value: float, decimals: int) -> str:
    """Write a number with so many decimals, as the ticks of an axis have them: 0.50, −2.0."""
    return f"{value + 0.0:.{decimals}f}".replace("-", MINUS)


def count_in_words(value: int, thing: str, things: str = "") -> str:
    """Write a number of things in words: 1 trial, 2 trials, no trials."""
    return f"{value or 'no'} {thing if value == 1 else things or f'{thing}s'}"


def format_speed(value: float) -> str:
    """Write examples per second: 0.6, 12.1, 412, 0.04."""
    if not math.isfinite(value) or not 0.095 <= value < 99_999.5:
        return format_amount(value)
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def format_thread_count(count: int) -> str:
    return f"{count} thread{'s' if count != 1 else ''}"


def format_slots_and_threads(slots: int, count: int) -> str:
    """Write trials at a time and the threads of each: 2 × 1 thread."""
    return f"{slots} × {format_thread_count(count)}"


def format_bytes(value: float) -> str:
    """Write memory or disk space in at most nine cells: 512 B, 4.9 GiB, 1020 MiB."""
    size = float(value)
    if not math.isfinite(size):
        return NONE
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if size < 1023.5 or unit == "PiB":
            break
        size /= 1024
    return f"{size:.0f} {unit}" if unit == "B" or size >= 999.95 else f"{size:.1f} {unit}"


def format_bytes_of(used: float, total: float) -> str:
    """Write how much of a memory is used: 3.1/24.0 GiB."""
    return f"{used / 2**30:.1f}/{total / 2**30:.1f} GiB"


def _widest_that_fits(width: int, texts: Iterable[str], value: float) -> str:
    """Return the first text that fits, else the number as short as can be; … if nothing fits."""
    shortest = (
        _with_magnitude_suffix(value, 0) if abs(value) >= 1 else _scientific_notation(value, 0)
    )
    fits = (text for text in (*texts, shortest) if len(text) <= width)
    return next(fits, "…"[:width])


def _with_magnitude_suffix(value: float, decimals: int) -> str:
    """Write 12.3k, 4M, 1.2B, and 3e39 for what has no such name."""
    if abs(value) >= 1e15:
        return _scientific_notation(value, decimals)
    for size, unit in ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k")):
        if abs(value) >= size * (1 - 0.5 / 10 ** (decimals + 3)):
            return f"{value / size:.{decimals}f}{unit}"
    return f"{value:.0f}"


def _scientific_notation(value: float, decimals: int) -> str:
    digits, _, exponent = f"{value:.{decimals}e}".partition("e")
    return shorten_exponent(f"{digits.rstrip('0').rstrip('.')}e{exponent}")


def _build_sanitizing_table() -> dict[int, str]:
    """Map controls to their pictures, line ends and tabs to blanks, unseen characters to �.

    Unseen are marks of direction, blanks without a width, tags and surrogates. The joiners stay,
    which several scripts are written with; the selectors of an emoji's look go, whose width no two
    terminals agree about.
    """
    inert = {code: chr(0x2400 + code) for code in range(0x20)}
    inert |= dict.fromkeys((0x09, 0x0A, 0x0D, 0x85, 0x2028, 0x2029), " ")
    inert[0x7F] = "␡"
    marks = (0x061C, 0x200E, 0x200F, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x2070))
    blanks = (0xAD, 0x115F, 0x1160, 0x180E, 0x200B, *range(0x2060, 0x2066), 0x3164, 0xFFA0)
    others = (*range(0xFFF9, 0xFFFC), *range(0xD800, 0xE000), *range(0xE0000, 0xE0080))
    unseen = (*range(0x80, 0xA0), *marks, *blanks, *others)
    looks = dict.fromkeys((0xFE0E, 0xFE0F), "")
    return dict.fromkeys(unseen, "\N{REPLACEMENT CHARACTER}") | inert | looks


_SANITIZING_TABLE: Final = _build_sanitizing_table()
_JOINED_PICTURES: Final = re.compile("(?<=[\u2190-\u2bff\U0001f000-\U0001faff])\u200d")
"""Drawn as one picture by some terminals and as several by others: side by side in all."""


def sanitize_text(text: object) -> str:
    """Make text from data harmless, on one line: no escape sequence, control or bidi mark works.

    It does not escape markup of the screen library: pass the result as text, not as markup.
    """
    raw = str(text)
    if raw.isascii() and raw.isprintable():
        return raw
    return _JOINED_PICTURES.sub("", raw.translate(_SANITIZING_TABLE))
