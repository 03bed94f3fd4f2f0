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
    out: str
    err: str


def call(root: Path, *words: str) -> Answer:
    """`tuner --sessions ROOT WORDS…`; an exception that gets out is a failure of the test."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["--sessions", str(root), *words])
    return Answer(code, out.getvalue(), err.getvalue())


def is_one_line(said: str) -> None:
    """Check that the user's own error is one printable line of moderate length."""
    assert said.startswith("tuner: "), said[:500]
    assert said.endswith("\n")
    assert said.count("\n") == 1, said[:500]
    assert said[:-1].isprintable(), repr(said[:500])
    assert len(said) < LONGEST, len(said)
    assert "Traceback" not in said


def is_plain(error: TunerError, path: Path | None = None) -> None:
    """Check for one printable line that begins with the file's name where there is one."""
    assert str(error).isprintable(), repr(str(error))
    assert str(error).startswith(f"{path}: " if path else "")


def is_inert(text: str) -> None:
    """Nothing in it that a terminal would obey, or that would turn a line round."""
    obeyed = [c for c in text if c != "\n" and (ord(c) < 32 or 0x7F <= ord(c) < 0xA0)]
    assert not obeyed, obeyed[:5]
    assert not set(text) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068")
