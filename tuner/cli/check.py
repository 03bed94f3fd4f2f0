"""`tuner check`: everything that can be known before GPU time is spent."""

from __future__ import annotations

import argparse
from collections.abc import Iterable

from rich.table import Table
from rich.text import Text

from tuner.cli.output import (
    print_json_result,
    print_result,
    progress_spinner,
    stdout_console,
    stream_can_encode,
)
from tuner.cli.session_lookup import named_session
from tuner.recipe.findings import CheckReport, Finding
from tuner.results.format import count_in_words, sanitize_text

MARKS = {"ok": ("✓", "ok", "green"), "warning": ("!", "!", "yellow"), "error": ("✗", "x", "red")}


def run_checks(options: argparse.Namespace) -> int:
    """Print the findings; return 2 if one of them is an error."""
    from tuner.worker.trainer_queries import query_session_check

    session = named_session(options)
    with progress_spinner(f"checking {session.name}") as show_stage:
        report = query_session_check(session, report_stage=show_stage)
    if options.json:
        print_json_result(report)
    else:
        print_result(findings_table(report.findings), findings_summary(report))
    return 2 if any(finding.level == "error" for finding in report.findings) else 0


def findings_table(findings: Iterable[Finding]) -> Table:
    table = Table.grid(padding=(0, 2))
    unicode = stream_can_encode(stdout_console().file)  # type: ignore[arg-type]
    for finding in findings:
        glyph, ascii_mark, style = MARKS[finding.level]
        mark = Text(glyph if unicode else ascii_mark, style=style)
        table.add_row(mark, Text(finding.topic, style="dim"), Text(sanitize_text(finding.text)))
    return table


def findings_summary(report: CheckReport) -> Text:
    errors = sum(finding.level == "error" for finding in report.findings)
    warnings = sum(finding.level == "warning" for finding in report.findings)
    text = f"{count_in_words(errors, 'error')}, {count_in_words(warnings, 'warning')}"
    if not report.rehearsed:
        text += "; the weights and a first training step were not tested"
    return Text(text, style="bold red" if errors else "bold")
