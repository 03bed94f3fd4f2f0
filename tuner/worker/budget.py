"""How many trials side by side, and how many cores each trainer gets."""

from __future__ import annotations

from tuner.pool.cores import usable_cores
from tuner.recipe.types import SearchSection
from tuner.session.view import SessionView


def slot_count(search: SearchSection, view: SessionView) -> int:
    """Trials side by side: as asked for, or as a probe found with as many cores, else 1."""
    if isinstance(search.slots, int):
        return max(1, search.slots)
    return view.chosen.slots if view.chosen is not None and view.chosen.cores == cores() else 1


def threads_for_each(slots: int) -> int:
    """Cores that this process may use, divided between the slots."""
    return max(1, cores() // slots)


def cores() -> int:
    """Those that this process may use."""
    return usable_cores()
