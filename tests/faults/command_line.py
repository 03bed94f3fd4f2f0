"""The command line as a function, and what every refusal looks like."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from pathlib import Path

from tuner.cli import main
from tuner.errors import TunerError

LONGEST = 1_000


@dataclass(frozen=True)
class Answer:
    """What one command line gave."""

    code: int
    stdout: str
    stderr: str


def call(root: Path, *words: str) -> Answer:
    """`tuner --sessions ROOT WORDS…`; an exception that gets out is a failure of the test."""
    stdout, stderr = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = main(["--sessions", str(root), *words])
    return Answer(code, stdout.getvalue(), stderr.getvalue())


def is_one_line(error_text: str) -> None:
    """Check that the user's own error is one printable line of moderate length."""
    assert error_text.startswith("tuner: "), error_text[:500]
    assert error_text.endswith("\n")
    assert error_text.count("\n") == 1, error_text[:500]
    assert error_text[:-1].isprintable(), repr(error_text[:500])
    assert len(error_text) < LONGEST, len(error_text)
    assert "Traceback" not in error_text


def is_plain(error: TunerError, path: Path | None = None) -> None:
    """Check for one printable line that begins with the file's name where there is one."""
    assert str(error).isprintable(), repr(str(error))
    assert str(error).startswith(f"{path}: " if path else "")


def is_inert(text: str) -> None:
    """Nothing in it that a terminal would obey, or that would turn a line round."""
    obeyed = [c for c in text if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0)]
    assert not obeyed, obeyed[:5]
    assert not set(text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
