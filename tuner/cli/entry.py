"""From the command line to one command and its exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from tuner import __version__
from tuner.cli.catalog import COMMANDS, CommandSpec, overview
from tuner.cli.interruptions import Terminated, ending_on_sigterm
from tuner.cli.parsing import Parser
from tuner.cli.spelling import command_hint
from tuner.errors import TunerError
from tuner.pool.disk import disk_trouble
from tuner.recipe.user_paths import reason_of, refuse_other_bytes

DONE, NOT_FINISHED, INTERRUPTED = 0, 3, 130
FOLLOWING = ("run", "demo")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; prints the user's errors as one line."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    try:
        with ending_on_sigterm():
            code = dispatch(arguments)
            sys.stdout.flush()
    except TunerError as error:
        return complain(str(error), error.exit_code)
    except BrokenPipeError:
        return reader_left(arguments)
    except OSError as error:
        trouble = disk_trouble(error)
        if error.filename is None and trouble is None:
            raise
        told = f"{os.fsdecode(error.filename)}: {reason_of(error)}" if error.filename else trouble
        return complain(str(TunerError(str(told))), TunerError.exit_code)
    except Terminated as terminated:
        return terminated.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else DONE
    return code


def prepare_streams() -> None:
    """A character that the terminal's encoding lacks is replaced, never an exception."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def dispatch(arguments: list[str]) -> int:
    """Parse and run; raises TunerError for what the user got wrong."""
    for argument in arguments:
        refuse_other_bytes(argument, "the argument")
    position = command_position(arguments)
    before = top_parser().parse_all(arguments[:position])
    if position == len(arguments):
        return open_ui(before)
    name = arguments[position]
    if name not in COMMANDS:
        raise TunerError(
            f"no such command: {name}{command_hint(name, COMMANDS)} (see tuner --help)"
        )
    options = parser_of(COMMANDS[name]).parse_all(arguments[position + 1 :])
    if options.sessions is None:
        options.sessions = before.sessions
    return runner(COMMANDS[name])(options)


def command_position(arguments: Sequence[str]) -> int:
    """The index of the first word that is neither an option nor the folder of --sessions."""
    position = 0
    while position < len(arguments) and arguments[position].startswith("-"):
        position += 2 if arguments[position] == "--sessions" else 1
    return min(position, len(arguments))


def top_parser() -> Parser:
    """What stands before the command."""
    parser = Parser("tuner")
    add_sessions_option(parser)
    parser.add_argument("--version", action="version", version=f"tuner {__version__}")
    parser.format_help = overview  # type: ignore[method-assign]
    return parser


def parser_of(spec: CommandSpec) -> Parser:
    """The parser of one command."""
    parser = Parser(f"tuner {spec.name}", spec.description, spec.epilog)
    spec.add_arguments(parser)
    add_sessions_option(parser)
    return parser


def add_sessions_option(parser: Parser) -> None:
    """Every command takes --sessions, before or after its name."""
    parser.add_argument(
        "--sessions",
        metavar="DIR",
        help="the folder with the sessions (default: TUNER_SESSIONS, else ./sessions)",
    )


def runner(spec: CommandSpec) -> Callable[[argparse.Namespace], int]:
    """The function behind a command, imported only now."""
    module = importlib.import_module(f"tuner.cli.{spec.module}")
    function: Callable[[argparse.Namespace], int] = getattr(module, spec.function)
    return function


def open_ui(options: argparse.Namespace) -> int:
    """`tuner` without a command."""
    from tuner.cli.screens import open_picker

    return open_picker(options)


def complain(message: str, code: int) -> int:
    """One line on stderr, whatever the message holds."""
    from tuner.results.format import plain

    sys.stderr.write(f"tuner: {plain(' '.join(message.split()))}\n")
    return code


def reader_left(arguments: Sequence[str]) -> int:
    """Whoever read our output has gone: be quiet, and keep the flush at exit quiet too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    position = command_position(arguments)
    following = position < len(arguments) and arguments[position] in FOLLOWING
    return NOT_FINISHED if following else DONE
