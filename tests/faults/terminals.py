"""Pseudo terminals with tuner in them."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from tests.faults.processes import children

PATIENCE = 60.0
_KEPT = 10_000


class Terminal:
    """A pseudo terminal with tuner in it, and all that was ever written to it."""

    def __init__(self, root: Path, *words: str, **environment: str) -> None:
        self.written = ""
        self._shell, self._master = pty.fork()
        if self._shell == 0:
            _be_a_shell(lambda: _become_tuner(root, words, environment))
        self.code: int | None = None
        self.resize(100, 30)

    @property
    def pid(self) -> int:
        """The process of tuner itself."""
        return children(self._shell)[0]

    def resize(self, width: int, height: int) -> None:
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def read(self, seconds: float = 0.1) -> None:
        """Read what has been written by now."""
        while select.select([self._master], [], [], seconds)[0]:
            try:
                piece = os.read(self._master, 1 << 16)
            except OSError:
                return
            if not piece:
                return
            self.written += piece.decode("utf-8", "replace")
            seconds = 0.0

    def forget(self) -> None:
        """Keep no more of what was written than its end."""
        self.written = self.written[-_KEPT:]

    def until(self, fact: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not fact():
            in_time = time.monotonic() < deadline and not self.has_ended()
            self.read()
            assert in_time or fact(), self.written[-3000:]

    def shows(self, word: str, after: int = 0) -> None:
        """Until a word was written, beyond a place in all that was written."""
        self.until(lambda: word in plain(self.written[after:]).casefold())

    def has_ended(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self._shell, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def is_stopped(self) -> bool:
        """Whether Ctrl-Z has had its effect."""
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"

    def hang_up(self) -> None:
        """Close the window."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if not self.has_ended():
            for pid in (*children(self._shell), self._shell):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(self._shell, 0)
        if self._master >= 0:
            os.close(self._master)


def _be_a_shell(become: Callable[[], None]) -> None:
    """As much of a shell as Ctrl-Z asks for: a parent, and a group of processes in front."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        become()
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _become_tuner(root: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
    own_variables = {
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
    } | environment
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    command = [sys.executable, "-m", "tuner", "--sessions", str(root), *words]
    os.execve(sys.executable, command, surroundings | own_variables)


def plain(written: str) -> str:
    """Without escape sequences."""
    return re.sub(
        r"\x1b(\[[0-9;?<>=$]*[a-zA-Z~]|[()][A-Z0-9]|\][^\x07]*\x07|[=>78cM])", "", written
    )
