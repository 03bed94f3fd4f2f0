"""What the checks found, as lines with a level each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.style import Style
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Static

from tuner.recipe.findings import Finding
from tuner.results.format import sanitize_text

CheckLevel = Literal["ok", "warning", "error", "waiting", "hint"]
LEVEL_GLYPHS: dict[CheckLevel, str] = {
    "ok": "✓",
    "warning": "!",
    "error": "✗",
    "waiting": "…",
    "hint": "ⓘ",
}
LEVEL_ORDER: tuple[CheckLevel, ...] = ("error", "warning", "waiting", "ok", "hint")


@dataclass(frozen=True, slots=True)
class CheckLine:
    """One finding, or one check that is still running."""

    level: CheckLevel
    text: str


def finding_lines(findings: Sequence[Finding]) -> list[CheckLine]:
    """Return the findings as lines, the worst first."""
    ordered = sorted(findings, key=lambda finding: LEVEL_ORDER.index(finding.level))
    return [CheckLine(finding.level, finding.text) for finding in ordered]


class ChecksView(VerticalScroll, can_focus=True):
    """Lines with a glyph each; long ones wrap beside their glyph."""

    DEFAULT_CSS = """
    ChecksView {
        height: 1fr;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        & > Static { height: auto; }
        & > .check--ok { color: $text-success; }
        & > .check--warning { color: $text-warning; }
        & > .check--error { color: $text-error; }
        & > .check--waiting { color: $text-muted; }
        & > .check--hint { color: $text-primary; }
    }
    """
    COMPONENT_CLASSES = {f"check--{level}" for level in LEVEL_ORDER}

    def compose(self) -> ComposeResult:
        """All lines are one table."""
        yield Static()

    def show(self, lines: Sequence[CheckLine]) -> None:
        """Shows these lines."""
        table = Table.grid(padding=(0, 1, 0, 0), expand=True)
        table.add_column(width=1)
        table.add_column(ratio=1, overflow="fold")
        for line in lines:
            style = self.get_component_rich_style(f"check--{line.level}", partial=True)
            loud = style if line.level in ("error", "warning", "waiting") else Style.null()
            table.add_row(
                Text(LEVEL_GLYPHS[line.level], style), Text(sanitize_text(line.text), loud)
            )
        self.query_one(Static).update(table)
