"""One line above the keys: the last message, or help."""

from __future__ import annotations

from typing import Literal

from tuner.render.renderable_lines import Lines
from tuner.render.text_fitting import fit_text
from tuner.results.format import sanitize_text
from tuner.tui.widgets.line_widgets import LineBar, theme_styles

Tone = Literal["quiet", "good", "wrong"]
TONE_SYMBOLS: dict[Tone, str] = {"quiet": " ", "good": "✓", "wrong": "✗"}


class StatusLine(LineBar):
    """A message with a symbol beside its colour."""

    DEFAULT_CSS = "StatusLine { height: 1; }"

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
        self.redraw_content()

    def show_error(self, reason: str) -> None:
        """Show what is wrong, or nothing where the reason is empty."""
        self.show_message(reason, "wrong" if reason else "quiet")

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        if not self.message:
            return [[]]
        styles = theme_styles(self)
        style = {"quiet": styles.muted, "good": styles.complete, "wrong": styles.failed}[self._tone]
        return [[(fit_text(f" {TONE_SYMBOLS[self._tone]} {self.message}", width - 1), style)]]
