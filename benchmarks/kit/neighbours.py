"""How busy others kept the machine meanwhile: with neighbours, figures are worth less (Linux)."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

_STAT = Path("/proc/stat")
_IDLE = (3, 4)
_COUNTED = 8


class Neighbours:
    """Processor time that neither this process nor its ended children used."""

    def __init__(self) -> None:
        self._before = _others_seconds()
        self._ours = 0.0

    def add_own_seconds(self, seconds: float) -> None:
        """Count seconds of a process that we caused but did not start, such as a worker's."""
        self._ours += seconds

    def others_share(self) -> float | None:
        """Others' share of all cores since the last call; None where the system does not tell."""
        before, self._before = self._before, _others_seconds()
        ours, self._ours = self._ours, 0.0
        if before is None or self._before is None:
            return None
        busy, wall = (now - then for now, then in zip(self._before, before, strict=True))
        return max(0.0, (busy - ours) / max(wall, 1e-9) / (os.cpu_count() or 1))


def share_text(share: float | None) -> str:
    """Say the share in words."""
    return "" if share is None else f" Others used {share:.0%} of the cores meanwhile."


def _others_seconds() -> tuple[float, float] | None:
    """Others' processor seconds since the system's start, and the clock."""
    try:
        first = _STAT.read_text(encoding="ascii").splitlines()[0].split()[1:]
    except OSError:
        return None
    ticks = sum(int(n) for place, n in enumerate(first[:_COUNTED]) if place not in _IDLE)
    own_seconds = 0.0
    for whom in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
        used = resource.getrusage(whom)
        own_seconds += used.ru_utime + used.ru_stime
    return ticks / os.sysconf("SC_CLK_TCK") - own_seconds, time.monotonic()
