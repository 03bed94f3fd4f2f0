"""A program on a terminal of its own: keys go in, what it paints comes out, with times."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

QUIET = 0.04
"""Seconds without output after which a repaint counts as over."""
_CHUNK = 1 << 16


class Terminal:
    """A child process on a pseudo-terminal. Times are seconds since the process was started."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int]
    ) -> None:
        self._master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.painted = bytearray()
        self.started = time.monotonic()
        self._child = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, "TERM": "xterm-256color"},
            start_new_session=True,
            close_fds=True,
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._child.send_signal(signal.SIGKILL)
        self._child.wait()
        os.close(self._master)

    def until(self, text: str, seconds: float = 60.0) -> float:
        """When this text had been painted. RuntimeError where it does not come."""
        wanted, deadline = text.encode(), time.monotonic() + seconds
        while wanted not in self.painted:
            if time.monotonic() > deadline:
                tail = bytes(self.painted[-400:])
                raise RuntimeError(f"{text!r} was not painted in {seconds:g} s: {tail!r}")
            self._read(0.05)
        return time.monotonic() - self.started

    def settle(self, quiet: float = QUIET, seconds: float = 60.0) -> float | None:
        """Read until nothing comes for `quiet` seconds; the time of the last output, or None."""
        last, deadline = None, time.monotonic() + seconds
        while self._read(quiet) and time.monotonic() < deadline:
            last = time.monotonic()
        return None if last is None else last - self.started

    def press(self, key: str) -> float:
        """Seconds from a key to the end of the repaint that follows it."""
        self.settle()
        pressed = time.monotonic()
        os.write(self._master, key.encode())
        while not self._read(1.0):
            if time.monotonic() - pressed > 10:
                raise RuntimeError(f"nothing was painted after {key!r}")
        first = time.monotonic() - pressed
        last = self.settle()
        return first if last is None else last + self.started - pressed

    def longest_silence(self, until: str, seconds: float = 60.0) -> float:
        """The longest time without output until a text is painted."""
        wanted, longest, last = until.encode(), 0.0, time.monotonic()
        deadline = last + seconds
        while wanted not in self.painted and time.monotonic() < deadline:
            if self._read(0.02):
                now = time.monotonic()
                longest, last = max(longest, now - last), now
        return longest

    def forget(self) -> None:
        """What was painted so far is no longer looked at."""
        self.painted.clear()

    def processor_seconds(self) -> float:
        """What the process has used so far (Linux)."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Bytes that the process holds now (Linux)."""
        lines = Path(f"/proc/{self._child.pid}/status").read_text().splitlines()
        (found,) = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
        return int(found) * 1024

    def _read(self, wait: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], wait)
        if not ready:
            return False
        try:
            chunk = os.read(self._master, _CHUNK)
        except OSError as error:
            raise RuntimeError(f"the program ended: {bytes(self.painted[-400:])!r}") from error
        self.painted += chunk
        return bool(chunk)
