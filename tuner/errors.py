"""The one family of exceptions that a user can cause; all else is a bug and shows its trace."""

from __future__ import annotations

import re

_MAX_LENGTH = 800
_OVERLONG_WORD = re.compile(r"\S{241,}")
_WORD_ENDS = 100


class TunerError(Exception):
    """A message meant for the user: one line that says what is wrong and, where it can, what to do.

    `exit_code` is what a command that meets it exits with: 2 where the input is wrong, 1 where the
    study failed, 3 where it has not finished.
    """

    exit_code = 2

    def __init__(self, message: str) -> None:
        super().__init__(_as_one_safe_line(message))


class StudyFailed(TunerError):
    """The study stopped itself; the message names the cause."""

    exit_code = 1


class NotFinished(TunerError):
    """The session is paused or stopped, so what was asked for is not there yet."""

    exit_code = 3


def _as_one_safe_line(message: str) -> str:
    """Return the message on one line, without anything that a terminal would act on."""
    line = " ".join(part.strip() for part in message.splitlines())
    line = "".join(c if c.isprintable() else _escape_character(c) for c in line)
    line = _OVERLONG_WORD.sub(lambda word: f"{word[0][:_WORD_ENDS]}…{word[0][-_WORD_ENDS:]}", line)
    if len(line) <= _MAX_LENGTH:
        return line
    return f"{line[: _MAX_LENGTH * 2 // 3]} … {line[-_MAX_LENGTH // 3 :]}"


def _escape_character(character: str) -> str:
    """Write a byte of a file name that is not text as that byte, anything else as Python does."""
    byte = ord(character) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else ascii(character)[1:-1]
