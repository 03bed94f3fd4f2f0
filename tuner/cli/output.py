"""Where a command writes: results to stdout, everything else to stderr."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from rich.console import Console, RenderableType
from rich.text import Text

from tuner.results.format import sanitize_text
from tuner.results.json_text import format_as_json

PIPED_WIDTH = 200
"""Columns where there is no terminal: tables are read by other programs, so nothing is cut."""

NARROWEST = 40
"""Columns that every table has, whatever is asked for."""


class _Console(Console):
    """Rich would exit when the reader of a pipe has gone; here `tuner.cli.entry` handles that."""

    def on_broken_pipe(self) -> None:
        """Re-raise the BrokenPipeError that is being handled."""
        raise


def stdout_console() -> Console:
    return _console_on_stream(sys.stdout)


def stderr_console() -> Console:
    return _console_on_stream(sys.stderr)


def _console_on_stream(stream: TextIO) -> Console:
    width = _requested_width() or (None if stream.isatty() else PIPED_WIDTH)
    # Without the variables, Rich would take a width of 0 at its word.
    environment = {key: os.environ[key] for key in os.environ if key not in ("COLUMNS", "LINES")}
    return _Console(
        file=stream,
        highlight=False,
        markup=False,
        emoji=False,
        width=width,
        _environ=environment,
    )


def _requested_width() -> int | None:
    """Return COLUMNS, at least as wide as a table needs; None if it is unset or not a number."""
    columns = os.environ.get("COLUMNS", "")
    is_valid = columns.isascii() and columns.isdecimal() and 0 < len(columns) < 6
    return max(int(columns), NARROWEST) if is_valid and int(columns) else None


def print_result(*renderables: RenderableType) -> None:
    """Print to stdout; strings wrap at the console's width and lose control characters."""
    console = stdout_console()
    for renderable in renderables:
        console.print(_neutralize_lines(renderable) if isinstance(renderable, str) else renderable)


def _neutralize_lines(text: str) -> str:
    return "\n".join(sanitize_text(line) for line in text.split("\n"))


def print_result_line(text: str) -> None:
    """Print one line to stdout without wrapping: a path that other programs read."""
    stdout_console().print(sanitize_text(text), soft_wrap=True)


def print_note(text: str | Text) -> None:
    """Print one line to stderr without wrapping."""
    stderr_console().print(sanitize_text(text) if isinstance(text, str) else text, soft_wrap=True)


def print_json_result(value: Any) -> None:
    """Print a value as JSON to stdout: structs as objects, NaN and infinities as null."""
    sys.stdout.write(format_as_json(value, ascii_only=not stream_can_encode(sys.stdout)))


def stream_can_encode(stream: TextIO, text: str = "●✓▁") -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def unicode_on_stderr() -> bool:
    return stream_can_encode(sys.stderr)


def terminal_can_show_ui() -> bool:
    """Tell whether the UI can be drawn: Textual reads stdin and draws on stderr."""
    streams = (sys.stdin, sys.stdout, sys.stderr)
    usable = os.environ.get("TERM", "") not in ("", "dumb")
    return usable and all(stream is not None and stream.isatty() for stream in streams)


def can_redraw_stderr() -> bool:
    return sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


@contextmanager
def progress_spinner(text: str) -> Iterator[Callable[[str], None]]:
    """Show a spinner on stderr while the block runs; without a terminal one line, after a second.

    Yields a function that shows the current stage behind the text.
    """
    text = sanitize_text(text)
    if can_redraw_stderr():
        with stderr_console().status(Text(text)) as status:
            yield lambda stage: status.update(Text(f"{text}: {sanitize_text(stage)}"))
        return
    timer = threading.Timer(1.0, print_note, [text])
    timer.daemon = True
    timer.start()
    try:
        yield lambda _stage: None
    finally:
        timer.cancel()
