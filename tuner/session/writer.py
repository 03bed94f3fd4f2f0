"""Appending to a session's event log: one writer, the one that holds the lock."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from tuner.session.codec import decode_event_line, encode_event_line
from tuner.session.events import Event
from tuner.session.existing_file import existing_file

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
        self._end_torn_line()
        self.next_seq, self._last_time = _last_number_and_time(self._file)

    def append_event(self, event: AppendedEvent) -> AppendedEvent:
        """Write the event with its number and time, and return it as written.

        Raises OSError where the disk refuses; the next append then ends the torn line first.
        """
        now = max(time.time(), self._last_time)
        numbered = msgspec.structs.replace(event, seq=self.next_seq, time=now)
        self._write_line(encode_event_line(numbered))
        self.next_seq, self._last_time = self.next_seq + 1, now
        return numbered

    def is_writing_to(self, path: Path) -> bool:
        """Check whether the path still leads to the file that is written to."""
        try:
            return os.path.samestat(path.stat(), os.fstat(self._file))
        except OSError:
            return False

    def sync_to_disk(self) -> None:
        os.fsync(self._file)

    def close_file(self) -> None:
        os.close(self._file)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close_file()

    def _write_line(self, line: bytes) -> None:
        self._end_torn_line()
        unwritten = memoryview(line)
        while unwritten:
            unwritten = unwritten[self._write_bytes(unwritten) :]

    def _write_bytes(self, content: bytes | memoryview) -> int:
        try:
            return os.write(self._file, content)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self._path)) from error

    def _end_torn_line(self) -> None:
        size = os.fstat(self._file).st_size
        if size and os.pread(self._file, 1, size - 1) != b"\n":
            self._write_bytes(b"\n")


def last_event_number(path: Path) -> int:
    """Return the number of a log's last readable event; -1 where there is none."""
    with existing_file(path) as file:
        return -1 if file is None else _last_number_and_time(file.fileno())[0] - 1


def size_of_complete_lines(path: Path) -> int:
    """Return a file's size up to and including its last newline; 0 where there is no file."""
    with existing_file(path) as file:
        return 0 if file is None else _end_of_last_line(file.fileno())


def _end_of_last_line(file: int) -> int:
    end = os.fstat(file).st_size
    while end > 0:
        start = max(0, end - _CHUNK)
        newline = os.pread(file, end - start, start).rfind(b"\n")
        if newline >= 0:
            return start + newline + 1
        end = start
    return 0


def _last_number_and_time(file: int) -> tuple[int, float]:
    for line in _iterate_lines_backwards(file):
        event = decode_event_line(line)
        if event.seq >= 0:
            return event.seq + 1, event.time
    return 0, 0.0


def _iterate_lines_backwards(file: int) -> Iterator[bytes]:
    """Yield complete lines, last one first; bytes after the last newline are left out."""
    end = os.fstat(file).st_size
    unfinished: bytes | None = None
    while end > 0:
        start = max(0, end - _CHUNK)
        pieces = (os.pread(file, end - start, start) + (unfinished or b"")).split(b"\n")
        if unfinished is None:
            pieces.pop()
        first, *complete_pieces = pieces or [b""]
        yield from reversed(complete_pieces)
        unfinished, end = first, start
    if unfinished:
        yield unfinished
