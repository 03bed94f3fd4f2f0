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
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

QUIET = 0.15
"""Seconds without a frame after which a key counts as done with: panes that follow later are in."""
_CHUNK = 1 << 16
_ASKS_FOR_FRAMES, _HAS_FRAMES = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
"""Whether the terminal holds a frame back until it is whole, as most do; and that it does."""
_FRAME_ENDS = b"\x1b[?2026l"


@dataclass(frozen=True)
class Repaint:
    """What a key costs, in seconds.

    To the end of the first frame, to the end of the last one, and of processor time on all
    of the program's threads.
    """

    first: float
    last: float
    processor: float


class Terminal:
    """A child process on a pseudo-terminal. Times are seconds since the process was started."""

    def __init__(
        self, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int]
    ) -> None:
        self._master, slave = pty.openpty()
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.painted = bytearray()
        self._answered = False
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

    def wait_for_text(self, text: str, seconds: float = 60.0) -> float:
        """When this text had been painted. RuntimeError where it does not come."""
        marker, deadline = text.encode(), time.monotonic() + seconds
        while marker not in self.painted:
            if time.monotonic() > deadline:
                tail = bytes(self.painted[-400:])
                raise RuntimeError(f"{text!r} was not painted in {seconds:g} s: {tail!r}")
            self._read_output(0.05)
        return time.monotonic() - self.started

    def wait_until_quiet(self, quiet: float = QUIET, seconds: float = 60.0) -> float | None:
        """Read until nothing comes for `quiet` seconds; the time of the last output, or None."""
        last, deadline = None, time.monotonic() + seconds
        while self._read_output(quiet) and time.monotonic() < deadline:
            last = time.monotonic()
        return None if last is None else last - self.started

    def press_key(self, key: str) -> Repaint:
        """Press a key and wait for all that is painted after it. RuntimeError where nothing is."""
        self.wait_until_quiet()
        self.clear_painted()
        used, pressed = self.processor_seconds(), time.monotonic()
        os.write(self._master, key.encode())
        while _FRAME_ENDS not in self.painted:
            if time.monotonic() - pressed > 10:
                raise RuntimeError(f"nothing was painted after {key!r}")
            self._read_output(0.5)
        first = time.monotonic() - pressed
        last = self.wait_until_quiet()
        return Repaint(
            first,
            first if last is None else last + self.started - pressed,
            self.processor_seconds() - used,
        )

    def type_keys(self, keys: str) -> None:
        """Press keys and look at nothing."""
        os.write(self._master, keys.encode())

    def longest_silence(self, until: str, seconds: float = 60.0) -> float:
        """Return the longest time without output until a text is painted."""
        marker, longest, last = until.encode(), 0.0, time.monotonic()
        deadline = last + seconds
        while marker not in self.painted and time.monotonic() < deadline:
            if self._read_output(0.02):
                now = time.monotonic()
                longest, last = max(longest, now - last), now
        return longest

    def clear_painted(self) -> None:
        """Ignore what was painted so far."""
        self.painted.clear()

    def processor_seconds(self) -> float:
        """Return the processor time of the process so far, to the microsecond (Linux)."""
        return time.clock_gettime((~self._child.pid << 3) | 2)  # As clock_getcpuclockid(3) has it.

    def resident_memory(self) -> int:
        """Bytes that the process holds now (Linux)."""
        lines = Path(f"/proc/{self._child.pid}/status").read_text().splitlines()
        (kibibytes,) = [line.split()[1] for line in lines if line.startswith("VmRSS:")]
        return int(kibibytes) * 1024

    def _read_output(self, wait: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], wait)
        if not ready:
            return False
        try:
            chunk = os.read(self._master, _CHUNK)
        except OSError as error:
            raise RuntimeError(f"the program ended: {bytes(self.painted[-400:])!r}") from error
        self.painted += chunk
        if not self._answered and _ASKS_FOR_FRAMES in self.painted:
            self._answered = True
            os.write(self._master, _HAS_FRAMES)
        return bool(chunk)
