"""How numbers, times and states are written: the same everywhere."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final

NONE: Final = "—"
MINUS: Final = "−"

GLYPHS: Final[Mapping[str, str]] = {
    "draft": "○",
    "starting": "◔",
    "running": "●",
    "pausing": "◑",
    "paused": "◐",
    "finished": "✓",
    "stopped": "■",
    "failed": "✗",
    "crashed": "⚠",
    "stalled": "⚠",
    "waiting": "○",
    "complete": "✓",
    "pruned": "✂",
    "collapsed": "⊘",
    "best": "★",
    "marked": "◆",
}
ASCII_GLYPHS: Final[Mapping[str, str]] = {
    "draft": "o",
    "starting": ".",
    "running": ">",
    "pausing": ":",
    "paused": "=",
    "finished": "+",
    "stopped": "#",
    "failed": "x",
    "crashed": "!",
    "stalled": "!",
    "waiting": "o",
    "complete": "+",
    "pruned": "%",
    "collapsed": "0",
    "best": "*",
    "marked": "@",
}


def glyph(state: str, ascii_only: bool = False) -> str:
    """The sign of a trial's or session's state; "?" for a state of a newer version."""
    return (ASCII_GLYPHS if ascii_only else GLYPHS).get(str(state), "?")


def rate(value: float | str | None, digits: int = 2) -> str:
    """A learning rate with `digits` significant digits: 3.1e-6, 8.0e-6; frozen is "frozen"."""
    if value is None or isinstance(value, str):
        return "frozen" if value is None else plain(value)
    return "0" if value == 0 else _short_exponent(f"{value:.{digits - 1}e}")


def bound(value: float) -> str:
    """The end of a range as short as it can be said exactly: 1e-7, 4e-4, 0.1, 40."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.12g}"
    return _scientific(value, 11)


def number(value: float) -> str:
    """Any other setting: four significant digits, an exponent where it would have many zeros."""
    if value == 0 or 1e-3 <= abs(value) < 1e6:
        return f"{value:.4g}" if abs(value) < 1e4 else f"{value:.0f}"
    return _scientific(value, 3)


def setting(name: str, value: Any) -> str:
    """The value of a flat setting: rates as rates, whole numbers whole, words inert."""
    if value is None or value == "frozen":
        return "frozen" if value else NONE
    if isinstance(value, bool) or not isinstance(value, int | float):
        return plain(str(value).lower() if isinstance(value, bool) else str(value))
    if isinstance(value, int):
        return str(value)
    return rate(value) if name.startswith("lr") else number(value)


def score(value: float | None) -> str:
    """A metric's value to four decimals: 0.8123."""
    if value is None:
        return NONE
    return f"{value:.4f}".replace("-", MINUS)


def change(value: float | None) -> str:
    """A difference of scores with its sign: +0.0145, −0.0145."""
    return NONE if value is None else f"{value:+.4f}".replace("-", MINUS)


def p_text(value: float) -> str:
    """A p-value behind its letter: = 0.65, = 0.003, < 0.0001."""
    if value < 1e-4:
        return "< 0.0001"
    return f"= {value:.{2 if value >= 0.095 else 3 if value >= 0.00095 else 4}f}"


def factor(value: float, base: float) -> str:
    """How many times a positive number is another one: ×1.57, ÷1.59; ×1 where they are equal."""
    times = max(value / base, base / value)
    if times < 1.0005:
        return "×1"
    digits = 2 if times < 9.995 else 1 if times < 99.95 else 0
    return f"{'×' if value > base else '÷'}{min(times, 99999):.{digits}f}"


def percent(share: float | None, digits: int = 0) -> str:
    """A share as a percentage: 78 %."""
    return NONE if share is None else f"{100 * share:.{digits}f} %"


def duration(seconds: float | None) -> str:
    """A span of time in few cells: 11s, 3m11s, 4h02m, 2d05h."""
    return _duration(seconds, "")


def duration_words(seconds: float | None) -> str:
    """A span of time for running text: 11 s, 3 m 11 s, 4 h 02 m, 2 d 05 h."""
    return _duration(seconds, " ")


def _duration(seconds: float | None, gap: str) -> str:
    if seconds is None or not math.isfinite(seconds):
        return NONE
    whole = max(0, round(seconds))
    for unit, smaller, size, small in (
        ("d", "h", 86400, 3600),
        ("h", "m", 3600, 60),
        ("m", "s", 60, 1),
    ):
        if whole >= size:
            return f"{whole // size}{gap}{unit}{gap}{whole % size // small:02d}{gap}{smaller}"
    return f"{whole}{gap}s"


def clock(seconds: float | None) -> str:
    """A span of time as a clock shows it: 03:11, 1:12:40."""
    if seconds is None or not math.isfinite(seconds):
        return NONE
    whole = max(0, round(seconds))
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes:02d}:{whole % 60:02d}"


def ago(seconds: float | None) -> str:
    """How long since: 3 s ago, 5 m ago, 2 h ago, yesterday, 3 d ago."""
    if seconds is None:
        return NONE
    whole = max(0, int(seconds))
    for below, size, unit in ((60, 1, "s"), (3600, 60, "m"), (86400, 3600, "h")):
        if whole < below:
            return f"{whole // size} {unit} ago"
    days = whole // 86400
    return "yesterday" if days == 1 else f"{days} d ago"


def count(value: int) -> str:
    """A number of things with three or four digits: 950, 12.3k, 124.6M, 1.2B."""
    for size, unit in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if value >= size - size // 2000:
            return f"{value / size:.1f}{unit}"
    return str(value)


def speed(value: float) -> str:
    """Examples a second: 0.6, 12.1, 412."""
    return f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def threads(count: int) -> str:
    """A number of threads: 1 thread, 2 threads."""
    return f"{count} thread{'s' if count != 1 else ''}"


def side_by_side(slots: int, count: int) -> str:
    """Trials at a time and the threads of each: 2 × 1 thread."""
    return f"{slots} × {threads(count)}"


def bytes(value: float) -> str:
    """Memory or disk space: 512 B, 4.9 GiB."""
    size = float(value)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1023.95:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"


def _scientific(value: float, decimals: int) -> str:
    digits, _, exponent = f"{value:.{decimals}e}".partition("e")
    return _short_exponent(f"{digits.rstrip('0').rstrip('.')}e{exponent}")


def _short_exponent(text: str) -> str:
    return re.sub(r"e([+-])0*(\d+)", lambda m: f"e{'-' if m[1] == '-' else ''}{m[2]}", text)


def _inert_table() -> dict[int, str]:
    """Controls as their pictures, line ends and tabs as blanks, what cannot be seen as �.

    That is: marks of direction, blanks without a width, tags, surrogates. The joiners stay, which
    several scripts are written with; the selectors of an emoji's look go, whose width no two
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


_INERT: Final = _inert_table()
_JOINED_PICTURES: Final = re.compile("(?<=[\u2190-\u2bff\U0001f000-\U0001faff])\u200d")
"""Drawn as one picture by some terminals and as several by others: side by side in all."""


def plain(text: object) -> str:
    """Text from data made inert, on one line: no escape sequence, control or bidi mark has effect.

    Markup of the screen library is not its business: pass the result as text, not as markup.
    """
    found = str(text)
    if found.isascii() and found.isprintable():
        return found
    return _JOINED_PICTURES.sub("", found.translate(_INERT))
