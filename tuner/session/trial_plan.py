"""How many trials a search will have had in all: the one count for commands and screens."""

from __future__ import annotations

from tuner.recipe.types import Recipe
from tuner.session.budget import count_begun_trials, count_trials_left
from tuner.session.view import SessionView


def total_planned_trials(planned: int, started: int, started_of_plan: int) -> int:
    """Return how many trials the search will have had, never fewer than have started.

    Re-runs, and what was asked for when the plan was at its end, come on top of `planned`;
    `started_of_plan` counts the started trials that are no re-runs.
    """
    return max(planned, started_of_plan) + started - started_of_plan if planned else 0


def planned_trials_of_view(view: SessionView) -> int:
    """Return `total_planned_trials` of a view."""
    return total_planned_trials(view.planned, len(view.trials), count_begun_trials(view))


def trials_to_continue(view: SessionView, recipe: Recipe) -> int:
    """Return a search.trials that lets the search continue: half as many again if none is left."""
    planned = recipe.search.trials
    return (
        planned
        if count_trials_left(view, recipe)
        else count_begun_trials(view) + max(planned // 2, 1)
    )
