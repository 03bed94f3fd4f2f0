"""How many trials side by side, and how many cores each trainer gets."""

from __future__ import annotations

from tuner.pool.cores import count_usable_cores
from tuner.recipe.types import SearchSection
from tuner.session.view import SessionView


def initial_slot_count(search: SearchSection, view: SessionView) -> int:
    """Return search.slots, or what a probe found with as many cores, else 1."""
    if isinstance(search.slots, int):
        return max(1, search.slots)
    return (
        view.slots_choice.slots
        if view.slots_choice is not None and view.slots_choice.cores == usable_core_count()
        else 1
    )


def threads_per_trainer(slots: int) -> int:
    """Divide the usable cores between the slots."""
    return max(1, usable_core_count() // slots)


def usable_core_count() -> int:
    return count_usable_cores()
