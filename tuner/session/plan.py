"""How many trials a search will have had in all: the one count for commands and screens."""

from __future__ import annotations

from tuner.recipe.types import Recipe
from tuner.session.budget import trials_begun, trials_left
from tuner.session.view import SessionView


def planned_in_all(planned: int, started: int, of_plan: int) -> int:
    """How many trials the search will have had: `started` ones are never more than that.

    Re-runs, and what was asked for when the plan was at its end, come on top of `planned`;
    `of_plan` counts the started trials that are no re-runs.
    """
    return max(planned, of_plan) + started - of_plan if planned else 0


def trials_planned(view: SessionView) -> int:
    """`planned_in_all` of a view."""
    return planned_in_all(view.planned, len(view.trials), trials_begun(view))


def enough_trials(view: SessionView, recipe: Recipe) -> int:
    """How many trials to plan so that a search goes on: half as many again where none is left."""
    planned = recipe.search.trials
    return planned if trials_left(view, recipe) else trials_begun(view) + max(planned // 2, 1)
