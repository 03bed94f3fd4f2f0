"""The parsers of the command line, made from the catalog."""

from __future__ import annotations

import argparse

from tuner import __version__
from tuner.cli.catalog import EXAMPLES, CommandSpec, commands_overview
from tuner.cli.parser import CommandParser


def top_level_parser() -> CommandParser:
    """Return the parser of what stands before the command."""
    parser = CommandParser("tuner")
    add_sessions_option(parser)
    parser.add_argument("--version", action="version", version=f"tuner {__version__}")
    parser.format_help = commands_overview  # type: ignore[method-assign]
    return parser


def command_parser(spec: CommandSpec) -> CommandParser:
    parser = CommandParser(f"tuner {spec.name}", spec.help_description, EXAMPLES.get(spec.name))
    spec.add_arguments(parser)
    add_sessions_option(parser)
    return parser


def add_sessions_option(parser: CommandParser) -> argparse.Action:
    """Add --sessions, which may stand before or after the command's name."""
    return parser.add_argument(
        "--sessions",
        metavar="DIR",
        help="the folder with the sessions (default: TUNER_SESSIONS, else ./sessions)",
    )
