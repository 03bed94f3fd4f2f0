"""Keeps the books of the time between trials: what is evaluation, what is saving, what is left."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class Ledger:
    """`gaps`: seconds from a trial's last step to the next one's first, less the named parts."""

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.parts: defaultdict[str, list[float]] = defaultdict(list)
        self._waiting = False
        self._last_step: float | None = None
        self._apart: dict[str, float] = {}

    def begin_trial(self) -> None:
        """Mark the next step as the first of a trial."""
        self._waiting = True

    def step_begins(self) -> None:
        """Close the gap where this is a trial's first step."""
        if self._waiting and self._last_step is not None:
            whole = time.perf_counter() - self._last_step
            self.gaps.append(whole - sum(self._apart.values()))
            for name, seconds in self._apart.items():
                self.parts[name].append(seconds)
        self._waiting = False

    def step_ended(self) -> None:
        """From here on a gap may have begun."""
        self._last_step, self._apart = time.perf_counter(), {}

    def run_step(self, call: Callable[[], Result]) -> Result:
        """Run a training step, which ends one gap and starts the next."""
        self.step_begins()
        try:
            return call()
        finally:
            self.step_ended()

    def time_part(self, name: str) -> Callable[[Callable[[], Result]], Result]:
        """Accounts separately for what it calls."""

        def around(call: Callable[[], Result]) -> Result:
            started = time.perf_counter()
            try:
                return call()
            finally:
                passed = time.perf_counter() - started
                self._apart[name] = self._apart.get(name, 0.0) + passed

        return around
