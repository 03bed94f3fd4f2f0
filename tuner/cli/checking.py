"""`tuner check`: everything that can be known before GPU time is spent."""

from __future__ import annotations

import argparse

from rich.table import Table
from rich.text import Text

from tuner.cli.output import can_encode, results, show, show_json, working
from tuner.cli.places import named_session
from tuner.recipe.findings import CheckReport
from tuner.results.format import plain

MARKS = {"ok": ("✓", "ok", "green"), "warning": ("!", "!", "yellow"), "error": ("✗", "x", "red")}


def check(options: argparse.Namespace) -> int:
    """Print the findings; 2 where one of them is an error."""
    from tuner.worker.inspect import check_session

    session = named_session(options)
    with working(f"checking {session.name}") as tell:
        report = check_session(session, tell=tell)
    if options.json:
        show_json(report)
    else:
        show(findings_table(report), summary_line(report))
    return 2 if any(finding.level == "error" for finding in report.findings) else 0


def findings_table(report: CheckReport) -> Table:
    """One line a finding: mark, topic, text."""
    table = Table.grid(padding=(0, 2))
    unicode = can_encode(results().file)  # type: ignore[arg-type]
    for finding in report.findings:
        glyph, ascii_mark, style = MARKS[finding.level]
        mark = Text(glyph if unicode else ascii_mark, style=style)
        table.add_row(mark, Text(finding.topic, style="dim"), Text(plain(finding.text)))
    return table


def summary_line(report: CheckReport) -> Text:
    """How many errors and warnings there are."""
    errors = sum(finding.level == "error" for finding in report.findings)
    warnings = sum(finding.level == "warning" for finding in report.findings)
    text = f"{_counted(errors, 'error')}, {_counted(warnings, 'warning')}"
    if not report.rehearsed:
        text += "; the weights and a first step were not tried yet"
    return Text(text, style="bold red" if errors else "bold")


def _counted(count: int, what: str) -> str:
    return f"{count or 'no'} {what}{'' if count == 1 else 's'}"
