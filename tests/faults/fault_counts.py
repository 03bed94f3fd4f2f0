"""What the long run counts, and says at its end."""

from __future__ import annotations

from collections import Counter
from typing import Any

counted: Counter[str] = Counter()
"""By what happened; pytest prints it at the end."""
measured: dict[str, str] = {}
"""By what was measured."""


def count_event(what: str, times: int = 1) -> None:
    """One more of these."""
    counted[what] += times


def as_plain_values() -> dict[str, Any]:
    """Return the figures in a form that another process can read."""
    return {"counted": dict(counted), "measured": measured}


def add_counts(figures: dict[str, Any]) -> None:
    """Those of another process, from `as_plain_values`."""
    counted.update(figures.get("counted", {}))
    measured.update(figures.get("measured", {}))


def summary_lines() -> list[str]:
    """Write the figures, one a line."""
    return [
        *(f"{number:>5}  {what}" for what, number in sorted(counted.items())),
        *(f"{what}: {value}" for what, value in measured.items()),
    ]
