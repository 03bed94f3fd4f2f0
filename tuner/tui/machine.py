"""What the machine says of a session that runs on it: its GPU, its checkpoints; read off screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from tuner.session.folder import Session
from tuner.session.status import ALIVE
from tuner.tui.facts import Facts
from tuner.tui.gpu import GpuReading, Gpus, is_here

EVERY = 2.0
"""Seconds between two readings."""


@dataclass(frozen=True)
class MachineReading:
    """The GPU that trials run on, and the bytes of the running trials' checkpoints."""

    gpu: GpuReading | None = None
    checkpoints: int = 0


def start_thread(work: Callable[[], None]) -> None:
    """Do the work beside the screens."""
    threading.Thread(target=work, daemon=True, name="machine").start()


class Machine:
    """The latest reading; `look` asks for a new one when it is time, and returns at once."""

    def __init__(
        self,
        gpus: Gpus | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = start_thread,
        here: Callable[[str | None], bool] = is_here,
    ) -> None:
        self._gpus = gpus or Gpus()
        self._clock = clock
        self._start = start
        self._here = here
        self._due = -EVERY
        self._reading = threading.Lock()
        self.latest = MachineReading()

    def look(self, facts: Facts) -> MachineReading:
        """What is known; nothing of a session that does not run on this machine."""
        view = facts.view
        if facts.state not in ALIVE or not self._here(view.worker_host):
            return MachineReading()
        if self._clock() >= self._due and self._reading.acquire(blocking=False):
            self._due = self._clock() + EVERY
            devices = [view.trials[number].device for number in sorted(facts.tally.running)]
            device = next((name for name in (*devices, *view.devices) if name), "")
            running = sorted(facts.tally.running)
            self._start(lambda: self._read(facts.session, device, running))
        return self.latest

    def any_gpu(self) -> GpuReading | None:
        """The first GPU of this machine, whoever uses it."""
        if self._clock() >= self._due and self._reading.acquire(blocking=False):
            self._due = self._clock() + EVERY
            self._start(lambda: self._read(None, "cuda:0", []))
        return self.latest.gpu

    def _read(self, session: Session | None, device: str, running: list[int]) -> None:
        try:
            size = sum(checkpoint_bytes(session, number) for number in running) if session else 0
            self.latest = MachineReading(self._gpus.read(device), size)
        finally:
            self._reading.release()


def checkpoint_bytes(session: Session, number: int) -> int:
    """What a trial's checkpoints take on the disk."""
    size = 0
    try:
        for path in (session.trial_folder(number) / "checkpoint").iterdir():
            size += path.stat().st_size
    except OSError:
        # Written and removed all the time: the next look finds the new one.
        return size
    return size
