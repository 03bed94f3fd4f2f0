"""Calls as the kernel sees them, those inside of SQLite too: a library before the system's own."""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.faults.kill_points import Kill

_SOURCE = Path(__file__).with_name("system_calls.c")
COMPILER = shutil.which("cc")
needs_compiler = pytest.mark.skipif(not COMPILER, reason="it takes a C compiler")


@cache
def library() -> str:
    """Compile it, once a run; \"\" where there is no compiler."""
    if COMPILER is None:
        return ""
    target = Path(tempfile.mkdtemp(prefix="tuner-faults-")) / "system_calls.so"
    options = ["-shared", "-fPIC", "-O1", "-o", os.fspath(target)]
    subprocess.run([COMPILER, *options, os.fspath(_SOURCE), "-ldl"], check=True)
    return os.fspath(target)


def note_what_is_waited_for(notes: Path) -> None:
    """In this process and those forked from it: a line for every file that came to the disk."""
    ctypes.CDLL(None).note_what_is_waited_for(os.fsencode(notes))


def install(kill: Kill | None, trace: Path | None) -> None:
    """End this process before such a call; `trace` is a file for the names of all that are made."""
    file = -1
    if trace is not None:
        file = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    number, torn = (0, False) if kill is None else (kill.call_number, kill.torn)
    ctypes.CDLL(None).end_before_call(ctypes.c_long(number), int(torn), file)
