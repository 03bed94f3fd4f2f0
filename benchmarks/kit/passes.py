"""Times whole passes over some rows. Standard library only."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

_SECONDS = 3.0
_MOST_PASSES = 9


def time_passes(predict_rows: Callable[[], object], rows: int) -> float:
    """Return rows a second: the median of passes that fill some seconds, one at least."""
    rates: list[float] = []
    until = time.perf_counter() + _SECONDS
    while not rates or (time.perf_counter() < until and len(rates) < _MOST_PASSES):
        started = time.perf_counter()
        predict_rows()
        rates.append(rows / (time.perf_counter() - started))
    return statistics.median(rates)
