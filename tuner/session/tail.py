"""Following a session's event log while somebody else writes it."""

from __future__ import annotations

import time
from collections import deque
from pathlib import Path

from tuner.recipe.plain_file import open_plain
from tuner.session.codec import decode_line
from tuner.session.events import AnyEvent, Unknown
from tuner.session.writer import complete_size

_CHUNK = 1 << 18
_BETWEEN_LOOKS_AT_THE_CLOCK = 64


class EventTail:
    """Reads a log from its start, in slices of time. An incomplete last line is not yet written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        # In pieces: a line may be so long that joining it with every piece would take for ever.
        self._partial: list[bytes] = []
        self._lines: deque[bytes] = deque()
        self.at_end = False

    def skip(self) -> None:
        """Go to the end: only what is written from now on will be read."""
        self._lines.clear()
        self._offset, self._partial = complete_size(self._path), []

    def read(self, budget: float = 0.05) -> list[AnyEvent | Unknown]:
        """The next events, for about `budget` seconds at most; [] when there is nothing new.

        `at_end` then tells whether everything that was in the file has been returned.
        """
        events: list[AnyEvent | Unknown] = []
        deadline = time.monotonic() + budget
        while self._lines or self._read_chunk():
            while self._lines:
                for _ in range(min(len(self._lines), _BETWEEN_LOOKS_AT_THE_CLOCK)):
                    events.append(decode_line(self._lines.popleft()))
                if time.monotonic() >= deadline:
                    self.at_end = False
                    return events
        self.at_end = True
        return events

    def read_all(self) -> list[AnyEvent | Unknown]:
        """Everything that is in the file by now."""
        return self.read(float("inf"))

    def _read_chunk(self) -> bool:
        """Queue the complete lines of the next bytes; False at the end of the file."""
        try:
            with open_plain(self._path) as file:
                file.seek(self._offset)
                chunk = file.read(_CHUNK)
        except OSError:
            return False
        self._offset += len(chunk)
        first, *others = chunk.split(b"\n")
        self._partial.append(first)
        if others:
            *complete, rest = b"".join(self._partial), *others
            self._partial = [rest]
            self._lines.extend(line for line in complete if line)
        return bool(chunk)
