"""When a search is over: what it may spend, what it has spent, and what raises that."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from tuner.recipe.origins import is_planned_origin, repeated_trial_number
from tuner.recipe.space import search_space
from tuner.recipe.types import Recipe, SearchSection
from tuner.results.format import count_in_words, format_duration
from tuner.session.view import SessionView, TrialState

PAUSE, FINISH = "pause", "finish"


class SpentBudget(NamedTuple):
    """A budget that is used up: why no trial is started any more, and the key that raises it.

    The key is "" where nothing is searched, so that no number of trials brings another one.
    """

    reason: str
    key: str

    def describe_with_advice(self, where: str = "") -> str:
        """Say in one line what is used up and what raises it; `where` says where the key is."""
        if not self.key:
            return f"{self.reason}: nothing is searched; a range adds trials"
        return f"{self.reason}: raise {self.key}{where} to go on"


def planned_trial_count(recipe: Recipe) -> int:
    """Return search.trials, or one where nothing is searched."""
    return recipe.search.trials if search_space(recipe) else 1


def count_begun_trials(view: SessionView) -> int:
    """Count started trials of the plan; re-runs repeat one that was planned already."""
    return sum(repeated_trial_number(trial.origin) is None for trial in view.trials.values())


def count_trials_left(view: SessionView, recipe: Recipe) -> int:
    return max(planned_trial_count(recipe) - count_begun_trials(view), 0)


def training_seconds_spent(view: SessionView, now: float | None = None) -> float:
    """Return the seconds in which at least one trial was training, up to `now` (UTC).

    Loading, pauses and what passed after a worker was lost are not in it: it follows from the log.
    """
    if now is None or not any(
        _is_trial_running(view, number) for number in view.numbers_in_training
    ):
        return view.search_seconds
    return view.search_seconds + max(now - (view.last_time or now), 0.0)


def _is_trial_running(view: SessionView, number: int) -> bool:
    return view.trials[number].state is TrialState.RUNNING


def spent_time_budget(
    search: SearchSection, view: SessionView, now: float | None = None
) -> SpentBudget | None:
    """Return the time budget if it is used up."""
    if search.time is None or training_seconds_spent(view, now) < search.time:
        return None
    return SpentBudget(
        f"the time budget of {format_duration(search.time)} is used up", "search.time"
    )


def spent_time_or_patience(
    search: SearchSection, view: SessionView, now: float | None = None
) -> SpentBudget | None:
    """Return the time budget or the patience, whichever is used up."""
    out_of_time = spent_time_budget(search, view, now)
    if out_of_time is not None:
        return out_of_time
    if search.patience is not None and view.since_improvement >= search.patience:
        return SpentBudget(
            f"no improvement in {count_in_words(search.patience, 'trial')}", "search.patience"
        )
    return None


def spent_trial_budget(begun: int, planned: int) -> SpentBudget | None:
    """Return the number of trials as a spent budget once all have begun."""
    if begun < planned:
        return None
    if begun > planned:
        reason = f"{begun} trials have ended, {planned} were asked for"
    else:
        reason = f"all {planned} trials have ended" if planned > 1 else "the only trial has ended"
    return SpentBudget(reason, "search.trials")


def reason_for_immediate_end(view: SessionView, recipe: Recipe) -> SpentBudget | None:
    """Return what would end a search with this recipe at once; None where a start would train.

    What waits in commands.jsonl is not looked at.
    """
    if not view.trials or _has_unfinished_to_resume(view, recipe.search):
        return None
    budget = spent_time_or_patience(recipe.search, view) or spent_trial_budget(
        count_begun_trials(view), planned_trial_count(recipe)
    )
    searched = bool(search_space(recipe))
    return budget if searched or budget is None else budget._replace(key="")


def has_recipe_changed(view: SessionView, recipe: Recipe) -> bool:
    """Compare the recipe with the one of the last start."""
    if not view.has_recipe:
        return planned_trial_count(recipe) > view.planned
    return view.require_recipe() != recipe


def waits_for_more_time(origin: str, search: SearchSection, *, out_of_time: bool) -> bool:
    """Check whether an unfinished trial of the plan stays paused because the time is used up."""
    return out_of_time and search.on_timeout == PAUSE and is_planned_origin(origin)


def _has_unfinished_to_resume(view: SessionView, search: SearchSection) -> bool:
    unfinished: Collection[TrialState] = (TrialState.PAUSED, TrialState.RUNNING)
    out_of_time = spent_time_budget(search, view) is not None
    return any(
        trial.state in unfinished
        and not waits_for_more_time(trial.origin, search, out_of_time=out_of_time)
        for trial in view.trials.values()
    )


def time_budget_seconds(view: SessionView) -> float | None:
    return None if view.recipe is None else view.recipe.search.time
