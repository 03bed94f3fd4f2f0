"""When a search is over: what it may spend, what it has spent, and what raises that."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from tuner.recipe.load import parse
from tuner.recipe.origins import is_planned, repeated
from tuner.recipe.space import search_space
from tuner.recipe.types import Recipe, SearchSection
from tuner.results.format import counted, duration
from tuner.session.view import SessionView, TrialState

PAUSE, FINISH = "pause", "finish"


class Spent(NamedTuple):
    """A budget that is used up: why no trial is started any more, and the key that raises it.

    The key is "" where nothing is searched, so that no number of trials brings another one.
    """

    reason: str
    key: str

    def advise(self, where: str = "") -> str:
        """All of it in one line; `where` tells where the key is found."""
        if not self.key:
            return f"{self.reason}: nothing is searched; a range adds trials"
        return f"{self.reason}: raise {self.key}{where} to go on"


def planned_trials(recipe: Recipe) -> int:
    """How many trials the search is to have: one where nothing is searched."""
    return recipe.search.trials if search_space(recipe) else 1


def trials_begun(view: SessionView) -> int:
    """Trials of the plan that were started: re-runs say more of one that was planned already."""
    return sum(repeated(trial.origin) is None for trial in view.trials.values())


def trials_left(view: SessionView, recipe: Recipe) -> int:
    """Trials of the plan that were not started yet."""
    return max(planned_trials(recipe) - trials_begun(view), 0)


def seconds_spent(view: SessionView, now: float | None = None) -> float:
    """Seconds in which at least one trial was training, until `now` (UTC) where one still is.

    Loading, pauses and what passed after a worker was lost are not in it: it follows from the log.
    """
    if now is None or not any(_runs(view, number) for number in view.training):
        return view.search_seconds
    return view.search_seconds + max(now - (view.last_time or now), 0.0)


def _runs(view: SessionView, number: int) -> bool:
    return view.trials[number].state is TrialState.RUNNING


def time_spent(search: SearchSection, view: SessionView, now: float | None = None) -> Spent | None:
    """The time budget, where it is used up."""
    if search.time is None or seconds_spent(view, now) < search.time:
        return None
    return Spent(f"the time budget of {duration(search.time)} is used up", "search.time")


def spent(search: SearchSection, view: SessionView, now: float | None = None) -> Spent | None:
    """The time budget or the patience, where one of them is used up."""
    out_of_time = time_spent(search, view, now)
    if out_of_time is not None:
        return out_of_time
    if search.patience is not None and view.since_improvement >= search.patience:
        return Spent(f"no improvement in {counted(search.patience, 'trial')}", "search.patience")
    return None


def trials_spent(begun: int, planned: int) -> Spent | None:
    """The number of trials, where all have begun."""
    if begun < planned:
        return None
    if begun > planned:
        reason = f"{begun} trials have ended, {planned} were asked for"
    else:
        reason = f"all {planned} trials have ended" if planned > 1 else "the only trial has ended"
    return Spent(reason, "search.trials")


def nothing_left(view: SessionView, recipe: Recipe) -> Spent | None:
    """What would end a search with this recipe at once; None where a start would train something.

    What waits in commands.jsonl is not looked at.
    """
    if not view.trials or _goes_on(view, recipe.search):
        return None
    budget = spent(recipe.search, view) or trials_spent(trials_begun(view), planned_trials(recipe))
    searched = bool(search_space(recipe))
    return budget if searched or budget is None else budget._replace(key="")


def is_changed(view: SessionView, recipe: Recipe) -> bool:
    """Whether the recipe asks for something else than at the last start."""
    if not view.recipe:
        return planned_trials(recipe) > view.planned
    return parse(view.recipe, "events.jsonl") != recipe


def waits_for_time(origin: str, search: SearchSection, *, out_of_time: bool) -> bool:
    """Whether an unfinished trial stays paused: the time is used up, and it is part of the plan."""
    return out_of_time and search.on_timeout == PAUSE and is_planned(origin)


def _goes_on(view: SessionView, search: SearchSection) -> bool:
    unfinished: Collection[TrialState] = (TrialState.PAUSED, TrialState.RUNNING)
    out_of_time = time_spent(search, view) is not None
    return any(
        trial.state in unfinished
        and not waits_for_time(trial.origin, search, out_of_time=out_of_time)
        for trial in view.trials.values()
    )


def time_budget(view: SessionView) -> float | None:
    """The seconds that the recipe allows, None where it sets no limit."""
    search = view.recipe.get("search")
    limit = search.get("time") if isinstance(search, dict) else None
    return float(limit) if isinstance(limit, int | float) else None
