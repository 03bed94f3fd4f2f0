"""Following a session's event log while somebody else writes it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from tuner.session.codec import decode_event_lines
from tuner.session.events import AnyEvent, Unknown
from tuner.session.existing_file import UnreadableFile, existing_file
from tuner.session.writer import size_of_complete_lines

_BETWEEN_LOOKS_AT_THE_CLOCK = 1 << 15
"""Bytes: about a hundred lines."""


class EventTail:
    """Reads a log from its start, in slices of time. An incomplete last line is not yet written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        # In pieces: a line may be so long that joining it with every piece would take for ever.
        self._partial: list[bytes] = []
        self.at_end = False

    def skip_to_end(self) -> None:
        """Skip to the end: only what is written from now on will be read."""
        self._offset, self._partial = size_of_complete_lines(self._path), []

    def read_events(self, budget: float = 0.05) -> list[AnyEvent | Unknown]:
        """Return the next events, for about `budget` seconds at most; [] when there is nothing new.

        `at_end` then tells whether everything that was in the file has been returned. Raises
        UnreadableFile where the log cannot be read.
        """
        events: list[AnyEvent | Unknown] = []
        deadline = time.monotonic() + budget
        self.at_end = False
        try:
            for chunk in self._chunks():
                events += decode_event_lines(self._split_complete_lines(chunk))
                if time.monotonic() >= deadline:
                    return events
        except UnreadableFile:
            if events:  # the next call says so
                return events
            raise
        self.at_end = True
        return events

    def _chunks(self) -> Iterator[bytes]:
        with existing_file(self._path) as file:
            if file is None:
                return
            file.seek(self._offset)
            while chunk := file.read(_BETWEEN_LOOKS_AT_THE_CLOCK):
                self._offset += len(chunk)
                yield chunk

    def read_all_events(self) -> list[AnyEvent | Unknown]:
        return self.read_events(float("inf"))

    def _split_complete_lines(self, chunk: bytes) -> list[bytes]:
        """Return the lines that these bytes complete; keep the start of the next one."""
        first, *others = chunk.split(b"\n")
        self._partial.append(first)
        if not others:
            return []
        *complete, unfinished = b"".join(self._partial), *others
        self._partial = [unfinished]
        return [line for line in complete if line]
