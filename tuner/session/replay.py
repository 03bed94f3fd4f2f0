"""A recorded log played again: events come when they came, at any speed."""

from __future__ import annotations

import bisect
import math
import time
from collections.abc import Callable, Sequence

from tuner.session.events import AnyEvent, Unknown
from tuner.session.fold import TERMINAL_KINDS

SLOWEST, FASTEST = 0.25, 65536.0
_KINDS_WITHOUT_WORKER = {*TERMINAL_KINDS, "session_created"}
"""What is said last before a worker begins."""


class Playhead:
    """A moment in a recording, moved on by a clock at `speed` seconds a second."""

    def __init__(
        self,
        start: float,
        end: float,
        speed: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.start, self.end = start, max(start, end)
        self.speed = speed
        self.halted = False
        self._clock = clock
        self._at = start
        self._since = clock()

    def current_moment(self) -> float:
        """Return the recording's time, UTC in seconds, never beyond its end."""
        passed = 0.0 if self.halted else (self._clock() - self._since) * self.speed
        return min(self._at + passed, self.end)

    @property
    def played_share(self) -> float:
        length = self.end - self.start
        return (self.current_moment() - self.start) / length if length > 0 else 1.0

    def change_speed(self, speed: float) -> None:
        """Change the speed from here on, between SLOWEST and FASTEST."""
        self.jump_to_moment(self.current_moment())
        self.speed = min(max(speed, SLOWEST), FASTEST)

    def set_halted(self, halted: bool) -> None:
        """Pause or resume playing."""
        self.jump_to_moment(self.current_moment())
        self.halted = halted

    def jump_to_moment(self, moment: float) -> None:
        self._at = min(max(moment, self.start), self.end)
        self._since = self._clock()


class Recording:
    """In the place of an `EventTail`: gives the events up to the playhead, each once.

    Where nobody was at work, before the first worker and between two of them, time is skipped.
    """

    def __init__(self, events: Sequence[AnyEvent | Unknown], playhead: Playhead) -> None:
        self.playhead = playhead
        self.at_end = True
        self._events = events
        # A clock that was set back must not hold back what came later.
        self._times = _running_maximum([event.time for event in events])
        self._next = 0

    @classmethod
    def from_events(cls, events: Sequence[AnyEvent | Unknown], speed: float) -> Recording:
        """Make a recording with a playhead at its start."""
        times = [event.time for event in events if event.time > 0]
        start, end = (min(times), max(times)) if times else (0.0, 0.0)
        return cls(events, Playhead(start, end, speed))

    def read_events(self, budget: float = math.inf) -> list[AnyEvent | Unknown]:
        """Return the events up to the playhead since the last call, for about `budget` seconds."""
        deadline = time.monotonic() + budget
        until = bisect.bisect_right(self._times, self.playhead.current_moment())
        played_events: list[AnyEvent | Unknown] = []
        while self._next < until and (len(played_events) % 64 or time.monotonic() < deadline):
            played_events.append(self._events[self._next])
            self._next += 1
        self.at_end = self._next >= until
        if self.at_end:
            self._skip_idle_time()
        return played_events

    def rewind_to_start(self) -> None:
        """Start again with the first event; the caller starts with a fresh view, too."""
        self._next = 0

    @property
    def has_played_all(self) -> bool:
        return self._next >= len(self._events)

    def seconds_until_next(self) -> float:
        """Return the recorded seconds until the next event; 0 where there is none."""
        return (
            0.0
            if self.has_played_all
            else max(self._times[self._next] - self.playhead.current_moment(), 0.0)
        )

    def _skip_idle_time(self) -> None:
        previous_event = self._events[self._next - 1] if self._next else None
        kind = getattr(type(previous_event), "__struct_config__", None)
        if kind is not None and kind.tag in _KINDS_WITHOUT_WORKER and not self.has_played_all:
            self.playhead.jump_to_moment(self._times[self._next])


def _running_maximum(times: Sequence[float]) -> list[float]:
    highest, moments = -math.inf, []
    for moment in times:
        highest = max(highest, moment)
        moments.append(highest)
    return moments
