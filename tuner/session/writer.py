"""Appending to a session's event log: one writer, the one that holds the lock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from tuner.recipe.plain_file import open_plain
from tuner.session.codec import decode_line, encode_line
from tuner.session.events import Event

AppendedEvent = TypeVar("AppendedEvent", bound=Event)

_CHUNK = 1 << 16


class EventWriter:
    """Numbers and dates events and appends each as one line.

    Opening it ends an unfinished last line, so that what a crash left there is one line that
    readers show as unreadable, and never runs into the next event.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._seal()
        self.next_seq, self._last_time = _last_number_and_time(self._file)

    def append(self, event: AppendedEvent) -> AppendedEvent:
        """Write the event with its number and time, and return it as written.

        Raises OSError where the disk refuses; the next append then ends the torn line first.
        """
        now = max(time.time(), self._last_time)
        numbered = msgspec.structs.replace(event, seq=self.next_seq, time=now)
        self._write(encode_line(numbered))
        self.next_seq, self._last_time = self.next_seq + 1, now
        return numbered

    def is_at(self, path: Path) -> bool:
        """Whether this is the file that is written to."""
        try:
            return os.path.samestat(path.stat(), os.fstat(self._file))
        except OSError:
            return False

    def sync(self) -> None:
        """Wait until everything appended is on the disk."""
        os.fsync(self._file)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _write(self, line: bytes) -> None:
        self._seal()
        rest = memoryview(line)
        while rest:
            rest = rest[self._written(rest) :]

    def _written(self, content: bytes | memoryview) -> int:
        try:
            return os.write(self._file, content)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _seal(self) -> None:
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._written(b"\n")


def last_seq(path: Path) -> int:
    """The number of the last readable event of a log, -1 where there is none."""
    try:
        file = open_plain(path)
    except OSError:
        return -1
    with file:
        return _last_number_and_time(file.fileno())[0] - 1


def complete_size(path: Path) -> int:
    """The bytes of a file up to and with its last newline; 0 where there is no file."""
    try:
        content = open_plain(path)
    except OSError:
        return 0
    with content as file:
        end = os.fstat(file.fileno()).st_size
        while end > 0:
            start = max(0, end - _CHUNK)
            newline = os.pread(file.fileno(), end - start, start).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            end = start
    return 0


def _last_number_and_time(file: int) -> tuple[int, float]:
    for line in _lines_from_the_end(file):
        event = decode_line(line)
        if event.seq >= 0:
            return event.seq + 1, event.time
    return 0, 0.0


def _lines_from_the_end(file: int) -> Iterator[bytes]:
    """Complete lines, the last one first; bytes after the last newline are left out."""
    end = os.fstat(file).st_size
    tail: bytes | None = None
    while end > 0:
        start = max(0, end - _CHUNK)
        pieces = (os.pread(file, end - start, start) + (tail or b"")).split(b"\n")
        if tail is None:
            pieces.pop()
        first, *rest = pieces or [b""]
        yield from reversed(rest)
        tail, end = first, start
    if tail:
        yield tail
