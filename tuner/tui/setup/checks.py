"""The findings pane: whether the groups divide the model, and what the checks found."""

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
from tuner.results.format import plain

Level = Literal["ok", "warning", "error", "waiting", "hint"]
GLYPHS: dict[Level, str] = {"ok": "✓", "warning": "!", "error": "✗", "waiting": "…", "hint": "ⓘ"}
ORDER: tuple[Level, ...] = ("error", "warning", "waiting", "ok", "hint")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is known, or awaited."""

    level: Level
    text: str


def finding_lines(findings: Sequence[Finding]) -> list[Line]:
    """The findings, the worst first."""
    ordered = sorted(findings, key=lambda finding: ORDER.index(finding.level))
    return [Line(finding.level, finding.text) for finding in ordered]


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
    COMPONENT_CLASSES = {f"check--{level}" for level in ORDER}

    def compose(self) -> ComposeResult:
        """All lines are one table."""
        yield Static()

    def show(self, lines: Sequence[Line]) -> None:
        """Shows these lines."""
        table = Table.grid(padding=(0, 1, 0, 0), expand=True)
        table.add_column(width=1)
        table.add_column(ratio=1, overflow="fold")
        for line in lines:
            style = self.get_component_rich_style(f"check--{line.level}", partial=True)
            loud = style if line.level in ("error", "warning", "waiting") else Style.null()
            table.add_row(Text(GLYPHS[line.level], style), Text(plain(line.text), loud))
        self.query_one(Static).update(table)
