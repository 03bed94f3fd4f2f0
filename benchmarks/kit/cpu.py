"""Processor seconds of a session's worker and trainers, looked at while they run (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

from tuner.session import events as e
from tuner.session.folder import Session
from tuner.session.tail import EventTail

_PROC = Path("/proc")
_PARENT, _USER, _SYSTEM = 1, 11, 12


class CpuWatch:
    """Sums by part; a process counts with what was seen last, so a moment at its end is missed."""

    def __init__(self, session: Session) -> None:
        self._tail = EventTail(session.events_path)
        self._worker: int | None = None
        self._seen: dict[int, float] = {}

    @staticmethod
    def is_possible() -> bool:
        """Whether this system tells."""
        return (_PROC / "self" / "stat").exists()

    def sample_processes(self) -> None:
        """Note what every process has used so far."""
        for event in self._tail.read_events():
            if isinstance(event, e.WorkerStarted):
                self._worker = event.pid
        if self._worker is None or not self.is_possible():
            return
        for folder in _PROC.iterdir():
            if folder.name.isdigit():
                self._note_process(int(folder.name))

    def _note_process(self, pid: int) -> None:
        try:
            stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        fields = stat.rpartition(")")[2].split()
        if self._worker in (pid, int(fields[_PARENT])):
            ticks = int(fields[_USER]) + int(fields[_SYSTEM])
            self._seen[pid] = ticks / os.sysconf("SC_CLK_TCK")

    @property
    def worker_seconds(self) -> float:
        """Seconds of the worker itself."""
        return self._seen.get(self._worker or 0, 0.0)

    @property
    def trainer_seconds(self) -> float:
        """Seconds of all its trainers."""
        return sum(self._seen.values()) - self.worker_seconds
