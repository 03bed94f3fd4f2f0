"""What the machine says of a session that runs on it: its GPU, its checkpoints; read off screen."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tuner.render.machine_reading import GpuReading, MachineReading
from tuner.render.session_facts import SessionFacts
from tuner.session.folder import Session
from tuner.session.view import ALIVE_STATES
from tuner.tui.state.gpu import GpuReader, is_this_host

READ_EVERY = 2.0
"""Seconds between two readings."""


def start_daemon_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, daemon=True, name="machine").start()


class MachineMonitor:
    """Holds the latest reading; starts a new one in a thread when it is due."""

    def __init__(
        self,
        gpus: GpuReader | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        start: Callable[[Callable[[], None]], None] = start_daemon_thread,
        is_local_host: Callable[[str | None], bool] = is_this_host,
    ) -> None:
        self._gpus = gpus or GpuReader()
        self._clock = clock
        self._start = start
        self._is_local_host = is_local_host
        self._next_reading_at = -READ_EVERY
        self._reading_lock = threading.Lock()
        self.latest = MachineReading()

    def latest_reading(self, facts: SessionFacts) -> MachineReading:
        """Return the latest reading at once; an empty one for a session on another machine."""
        view = facts.view
        if facts.state not in ALIVE_STATES or not self._is_local_host(view.worker_host):
            return MachineReading()
        if self._clock() >= self._next_reading_at and self._reading_lock.acquire(blocking=False):
            self._next_reading_at = self._clock() + READ_EVERY
            devices = [view.trials[number].device for number in sorted(facts.trial_counts.running)]
            device = next((name for name in (*devices, *view.devices) if name), "")
            running = sorted(facts.trial_counts.running)
            self._start(lambda: self._read_machine(facts.session, device, running))
        return self.latest

    def latest_gpu_reading(self) -> GpuReading | None:
        """Return the first GPU of this machine, whoever uses it."""
        if self._clock() >= self._next_reading_at and self._reading_lock.acquire(blocking=False):
            self._next_reading_at = self._clock() + READ_EVERY
            self._start(lambda: self._read_machine(None, "cuda:0", []))
        return self.latest.gpu

    def _read_machine(self, session: Session | None, device: str, running: list[int]) -> None:
        try:
            size = sum(checkpoint_bytes(session, number) for number in running) if session else 0
            self.latest = MachineReading(self._gpus.read_device(device), size)
        finally:
            self._reading_lock.release()


def checkpoint_bytes(session: Session, number: int) -> int:
    size = 0
    try:
        for path in (session.trial_folder(number) / "checkpoint").iterdir():
            size += path.stat().st_size
    except OSError:
        # Written and removed all the time: the next look finds the new one.
        return size
    return size
