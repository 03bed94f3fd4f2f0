"""Following a session's event log while somebody else writes it."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

from tuner.recipe.plain_file import open_plain
from tuner.session.codec import decode_lines
from tuner.session.events import AnyEvent, Unknown
from tuner.session.writer import complete_size

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

    def skip(self) -> None:
        """Go to the end: only what is written from now on will be read."""
        self._offset, self._partial = complete_size(self._path), []

    def read(self, budget: float = 0.05) -> list[AnyEvent | Unknown]:
        """The next events, for about `budget` seconds at most; [] when there is nothing new.

        `at_end` then tells whether everything that was in the file has been returned.
        """
        events: list[AnyEvent | Unknown] = []
        deadline = time.monotonic() + budget
        with suppress(OSError), open_plain(self._path) as file:
            file.seek(self._offset)
            while chunk := file.read(_BETWEEN_LOOKS_AT_THE_CLOCK):
                self._offset += len(chunk)
                events += decode_lines(self._complete_lines(chunk))
                if time.monotonic() >= deadline:
                    self.at_end = False
                    return events
        self.at_end = True
        return events

    def read_all(self) -> list[AnyEvent | Unknown]:
        """Everything that is in the file by now."""
        return self.read(float("inf"))

    def _complete_lines(self, chunk: bytes) -> list[bytes]:
        """The lines that these bytes complete; what begins with them is kept."""
        first, *others = chunk.split(b"\n")
        self._partial.append(first)
        if not others:
            return []
        *complete, rest = b"".join(self._partial), *others
        self._partial = [rest]
        return [line for line in complete if line]
