"""From the command line to one command and its exit code."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence

from tuner.cli.catalog import COMMANDS, CommandSpec
from tuner.cli.command_parsers import command_parser, top_level_parser
from tuner.cli.interruptions import Terminated, exit_on_sigterm
from tuner.cli.spelling import command_spelling_hint
from tuner.errors import TunerError
from tuner.pool.disk import describe_disk_problem
from tuner.recipe.user_paths import describe_os_error, require_utf8

DONE, NOT_FINISHED, INTERRUPTED = 0, 3, 130
FOLLOWING = ("run", "demo")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code; print a user's error as one line."""
    if "_ARGCOMPLETE" in os.environ:
        complete_for_shell()
    arguments = list(sys.argv[1:] if argv is None else argv)
    prepare_streams()
    try:
        with exit_on_sigterm():
            code = run_command_line(arguments)
            sys.stdout.flush()
    except TunerError as error:
        return print_error_line(str(error), error.exit_code)
    except BrokenPipeError:
        return exit_after_broken_pipe(arguments)
    except OSError as error:
        trouble = describe_disk_problem(error)
        if error.filename is None and trouble is None:
            raise
        message = (
            f"{os.fsdecode(error.filename)}: {describe_os_error(error)}"
            if error.filename
            else trouble
        )
        return print_error_line(str(TunerError(str(message))), TunerError.exit_code)
    except Terminated as terminated:
        return terminated.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else DONE
    return code


def complete_for_shell() -> None:
    """Propose words for the command line that is being typed, and exit."""
    from tuner.cli.completion import complete_command_line

    complete_command_line()


def prepare_streams() -> None:
    """Replace characters that the terminal's encoding lacks instead of raising."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def run_command_line(arguments: list[str]) -> int:
    """Parse the arguments and run the command; raises TunerError for what the user got wrong."""
    for argument in arguments:
        require_utf8(argument, "the argument")
    position = command_position(arguments)
    before = top_level_parser().parse_arguments(arguments[:position])
    if position == len(arguments):
        return open_ui_without_command(before)
    name = arguments[position]
    if name not in COMMANDS:
        raise TunerError(
            f"no such command: {name}{command_spelling_hint(name, COMMANDS)} (see tuner --help)"
        )
    options = command_parser(COMMANDS[name]).parse_arguments(arguments[position + 1 :])
    if options.sessions is None:
        options.sessions = before.sessions
    return command_function(COMMANDS[name])(options)


def command_position(arguments: Sequence[str]) -> int:
    """Return the index of the first word that is neither an option nor the folder of --sessions."""
    position = 0
    while position < len(arguments) and arguments[position].startswith("-"):
        position += 2 if arguments[position] == "--sessions" else 1
    return min(position, len(arguments))


def command_function(spec: CommandSpec) -> Callable[[argparse.Namespace], int]:
    """Import the command's module, only now, and return its function."""
    module, _, name = spec.target.partition(".")
    function: Callable[[argparse.Namespace], int]
    function = getattr(importlib.import_module(f"tuner.cli.{module}"), name)
    return function


def open_ui_without_command(options: argparse.Namespace) -> int:
    from tuner.cli.open import open_session_picker

    return open_session_picker(options)


def print_error_line(message: str, code: int) -> int:
    """Write one line to stderr, whatever the message holds."""
    from tuner.results.format import sanitize_text

    sys.stderr.write(f"tuner: {sanitize_text(' '.join(message.split()))}\n")
    return code


def exit_after_broken_pipe(arguments: Sequence[str]) -> int:
    """Exit quietly after the reader of our output has gone; keep the flush at exit quiet, too."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    position = command_position(arguments)
    following = position < len(arguments) and arguments[position] in FOLLOWING
    return NOT_FINISHED if following else DONE
