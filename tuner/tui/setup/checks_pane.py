"""What is known about the recipe before any training, one line per finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import chop_cells
from rich.style import Style

from tuner.recipe.findings import Finding
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.render.text_fitting import wrap_at_spaces
from tuner.results.format import sanitize_text
from tuner.tui.widgets.line_widgets import Pane, theme_styles

CheckLevel = Literal["ok", "warning", "error", "waiting", "hint"]
LEVEL_SYMBOLS: dict[CheckLevel, str] = {
    "error": "✗", "warning": "!", "waiting": "…", "ok": "✓", "hint": "ⓘ"
}  # fmt: skip
"""The levels, the worst first."""


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One finding, or one check that is still running."""

    level: CheckLevel
    text: str


def finding_lines(findings: Sequence[Finding]) -> list[CheckLine]:
    """Return the findings as lines, the worst first."""
    levels = list(LEVEL_SYMBOLS)
    ordered = sorted(findings, key=lambda finding: levels.index(finding.level))
    return [CheckLine(finding.level, finding.text) for finding in ordered]


class ChecksPane(Pane):
    """The findings; a long one wraps beside its symbol."""

    def __init__(self) -> None:
        self._check_lines: Sequence[CheckLine] = ()
        super().__init__("Checks", id="checks")

    def show_findings(self, lines: Sequence[CheckLine], note: str) -> None:
        """Show these findings; the `note` in the border says whether they are outdated."""
        self._check_lines = lines
        self.set_border_text(hint=note)
        self.redraw_content()

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        styles = theme_styles(self)
        return [runs for line in self._check_lines for runs in draw_check_line(line, width, styles)]


def draw_check_line(line: CheckLine, width: int, styles: Styles) -> Lines:
    """Draw a finding: its symbol, and its text wrapped beside it."""
    symbol_style, text_style = _styles_of_level(line.level, styles)
    room = max(width - 4, 1)
    # A parameter's name may be longer than the pane is wide: it is cut, not shortened.
    words = [part for word in sanitize_text(line.text).split() for part in chop_cells(word, room)]
    texts = wrap_at_spaces(" ".join(words), room)
    symbols = [LEVEL_SYMBOLS[line.level], *" " * (len(texts) - 1)]
    return [
        [(f" {symbol} ", symbol_style), (text, text_style)]
        for symbol, text in zip(symbols, texts, strict=True)
    ]


def _styles_of_level(level: CheckLevel, styles: Styles) -> tuple[Style, Style]:
    """Return the styles of the symbol and of the text."""
    match level:
        case "error":
            return styles.failed, styles.failed
        case "warning":
            return styles.paused, styles.paused
        case "waiting":
            return styles.muted, styles.muted
        case "ok":
            return styles.complete, styles.text
        case "hint":
            return styles.accent, styles.text
