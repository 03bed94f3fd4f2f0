"""Screens for terminals without Unicode: every sign replaced by one of ASCII, cell by cell."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from tuner.results.state_glyphs import ASCII_GLYPHS, GLYPHS

_ASCII_FOR = {
    **{sign: ASCII_GLYPHS[name] for name, sign in GLYPHS.items()},
    **dict.fromkeys("─━═┄╌┈", "-"),
    **dict.fromkeys("│┃║▌▐▎▏▕┇╎‖", "|"),
    **dict.fromkeys("╭╮╰╯┌┐└┘├┤┬┴┼", "+"),
    **dict.fromkeys("█▇▉▊▓", "#"),
    **dict.fromkeys("▆▅▋▄▒", "="),
    **dict.fromkeys("▃▂▁▍░", "."),
    **dict.fromkeys("–—−", "-"),
    **dict.fromkeys("‹«", "<"),
    **dict.fromkeys("›»▸→▶", ">"),
    **dict.fromkeys("▾↓", "v"),
    **dict.fromkeys("▴↑⇧", "^"),
    **dict.fromkeys("·•", "."),
    "…": "~",
    "␣": "_",
    **dict.fromkeys("←⌫", "<"),
    "╞": "[",
    "╡": "]",
    **dict.fromkeys("“”", '"'),
    "°": " ",
    "ⓘ": "i",
    "ε": "e",
    "≈": "~",
    "✓": "+",
    "β": "b",
    "η": "n",
    "≠": "#",
    "≡": "=",
    "Δ": "d",
    "±": "+",
    "×": "x",
    "÷": "/",
    "◆": "D",
    "◇": "d",
    "▲": "A",
    "△": "a",
    "□": "n",
    "◈": "&",
}


def wants_ascii_only(environment: Mapping[str, str] = os.environ) -> bool:
    """Tell whether to draw without Unicode: TUNER_ASCII decides, else the terminal's encoding."""
    if setting := environment.get("TUNER_ASCII"):
        return setting != "0"
    encoding = (sys.__stdout__.encoding if sys.__stdout__ else None) or "utf-8"
    return "utf" not in encoding.lower()


@lru_cache(maxsize=4096)
def as_ascii_cells(text: str) -> str:
    """Return the text as ASCII of the same width; braille becomes dots, unknown characters "?"."""
    return text if text.isascii() else "".join(map(_ascii_character, text))


def _ascii_character(character: str) -> str:
    if character.isascii():
        return character
    if 0x2800 <= ord(character) <= 0x28FF:
        return " .:*"[min((ord(character) - 0x2800).bit_count(), 3)]
    return _ASCII_FOR.get(character, "?" * cell_len(character))


class AsciiFilter(LineFilter):
    """Applied to every line before it goes to the terminal."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:  # noqa: ARG002
        return [Segment(as_ascii_cells(text), style, control) for text, style, control in segments]
