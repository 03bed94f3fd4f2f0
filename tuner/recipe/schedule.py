"""The course of the learning rates over a trial."""

from __future__ import annotations

import math


def learning_rate_factor(schedule: str, update: int, updates: int, warmup: float) -> float:
    """Return what every group's rate is multiplied by at `update` (from 0) of `updates`.

    As in transformers: it climbs from 0 over the first ceil(warmup × updates) updates, then stays
    ("constant") or falls to 0 after the last update ("linear", "cosine").
    """
    climbing = math.ceil(warmup * updates)
    if update < climbing:
        return update / climbing
    if schedule == "constant":
        return 1.0
    # With a warmup of 1 no updates are left for the fall.
    passed = (update - climbing) / max(1, updates - climbing)
    if schedule == "linear":
        return max(0.0, 1.0 - passed)
    if schedule == "cosine":
        return max(0.0, 0.5 * (1.0 + math.cos(math.pi * passed)))
    raise ValueError(f"no such schedule: {schedule!r}")
