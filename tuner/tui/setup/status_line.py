"""One line above the keys: the last message, or help."""

from __future__ import annotations

from typing import Literal

from rich.text import Text
from textual.widgets import Static

from tuner.results.format import sanitize_text

Tone = Literal["quiet", "good", "wrong"]
TONE_GLYPHS: dict[Tone, str] = {"quiet": " ", "good": "✓", "wrong": "✗"}


class StatusLine(Static):
    """Text without markup, with a glyph beside its colour."""

    DEFAULT_CSS = """
    StatusLine {
        height: 1;
        padding: 0 1;
        color: $text-muted;
        &.-good { color: $text-success; }
        &.-wrong { color: $text-error; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.message = ""
        self._tone: Tone = "quiet"

    def show_help(self, text: str, *, moved: bool) -> None:
        """Show help; it replaces a message only once the user has moved on."""
        if moved or self._tone == "quiet":
            self.show_message(text)

    def show_message(self, text: str, tone: Tone = "quiet") -> None:
        self.message, self._tone = sanitize_text(text), tone
        for name in TONE_GLYPHS:
            self.set_class(name == tone, f"-{name}")
        line = f"{TONE_GLYPHS[tone]} {self.message}" if text else ""
        self.update(Text(line, no_wrap=True, overflow="ellipsis"), layout=False)
