"""All commands as a table, from the catalog itself: `make commands` writes it into the README."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tuner.cli.catalog import COMMANDS as CATALOG
from tuner.cli.catalog import EXPORT_FORMATS, SECTIONS
from tuner.cli.command_parsers import command_parser

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- from the catalog: make commands -->", "<!-- end of the catalog -->"
CHOICES = {"format": "|".join(EXPORT_FORMATS)}


def command_table() -> str:
    """Return one row per command, below its section, in Markdown."""
    lines = ["| command | does |", "|---|---|", "| `tuner` | open the UI on all sessions |"]
    for section, summaries in SECTIONS.items():
        lines.append(f"| **{section}** | |")
        for name, summary in summaries.items():
            lines.append(f"| `tuner {name}{_arguments(name)}` | {summary} |")
    return "\n".join(lines) + "\n"


def _arguments(name: str) -> str:
    """Return the command's arguments as its usage has them, positional ones first."""
    actions = [
        action
        for action in command_parser(CATALOG[name])._actions
        if action.dest not in ("help", "sessions")
    ]
    positional = [action for action in actions if not action.option_strings]
    optional = [action for action in actions if action.option_strings]
    texts = [_positional(action) for action in positional]
    texts += [f"[{_optional(action)}]" for action in optional]
    return "".join(f" {text}" for text in texts).replace("|", "\\|")


def _positional(action: argparse.Action) -> str:
    text = f"{action.metavar}"
    return {None: text, "*": f"[{text}…]", "+": f"{text}…"}[action.nargs]  # type: ignore[index]


def _optional(action: argparse.Action) -> str:
    option = action.option_strings[0]
    if action.nargs == 0:
        return option
    return f"{option} {CHOICES.get(action.dest, action.metavar)}"


def renewed_readme() -> str:
    """Return the README with the table of today between its two marks."""
    head, _, after_begin = README.read_text(encoding="utf-8").partition(BEGIN)
    return f"{head}{BEGIN}\n\n{command_table()}\n{END}{after_begin.partition(END)[2]}"


def main() -> int:
    """Write the README anew."""
    README.write_text(renewed_readme(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
