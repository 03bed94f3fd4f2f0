"""When a search is over, and how many cores each trainer gets."""

from __future__ import annotations

from tuner.pool.cores import usable_cores
from tuner.recipe.types import Recipe, SearchSection
from tuner.results.format import duration
from tuner.session.fold import ENDED
from tuner.session.view import SessionView


def spent(recipe: Recipe, view: SessionView, now: float) -> str | None:
    """Why no trial is to be started any more, or None; `now` is UTC in seconds."""
    search = recipe.search
    running_since = now - view.last_time if view.active and view.last_time else 0.0
    if search.time is not None and view.active_seconds + running_since >= search.time:
        return f"the time budget of {duration(search.time)} is used up"
    if search.patience is not None and since_improvement(view) >= search.patience:
        return f"no improvement in {search.patience} trials"
    return None


def since_improvement(view: SessionView) -> int:
    """Trials that ended after the best one did; 0 while none is complete."""
    best = view.best_trial()
    if best is None or best.ended is None:
        return 0
    ends = [trial.ended for trial in view.trials.values() if trial.state in ENDED]
    return sum(ended is not None and ended > best.ended for ended in ends)


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
