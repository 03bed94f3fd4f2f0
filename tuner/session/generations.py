"""What a changed recipe would make of a session's trials, told from its log alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from tuner.recipe.changes import changed_settings
from tuner.recipe.load import parse
from tuner.recipe.points import is_point, plain_settings
from tuner.recipe.space import search_space, settings, with_groups
from tuner.recipe.types import Recipe, Scalar, Setting
from tuner.session.events import DataRead, SessionStarted
from tuner.session.lineage import recipe_of
from tuner.session.view import SessionView, TrialState, TrialView

_GIVEN_UP = frozenset({TrialState.RUNNING, TrialState.PAUSED})
_SEEN = frozenset({TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED}) | _GIVEN_UP


@dataclass(frozen=True, slots=True)
class NextGeneration:
    """The generation that the next start opens: `carried` of `trials` lie inside of its ranges.

    `given_up` trials were not finished, and will not be.
    """

    number: int
    changes: Mapping[str, tuple[Setting | None, Setting | None]]
    carried: int
    trials: int
    given_up: int


def next_generation(view: SessionView, recipe: Recipe) -> NextGeneration | None:
    """What a start with this recipe opens, None where it goes on with the generation it is in."""
    if not view.recipe or not view.trials:
        return None
    before = parse(view.recipe, "events.jsonl")
    changes = changed_settings(before, recipe)
    if not changes:
        return None
    trials = view.trials.values()
    lies_inside = point_test(view, groups_in_model(view, recipe))
    return NextGeneration(
        view.generation + 1,
        changes,
        sum(trial.state in _SEEN and lies_inside(trial) for trial in trials),
        len(trials),
        sum(trial.state in _GIVEN_UP for trial in trials),
    )


def what_follows(opens: NextGeneration | None) -> str:
    """What a start will do about a changed recipe, in one line; "" where nothing changed."""
    if opens is None:
        return ""
    carried = f"{opens.carried} of {opens.trials} trials lie inside and are carried over"
    lost = f"; {opens.given_up} unfinished will not be finished" if opens.given_up else ""
    return f"opens generation {opens.number}: {carried}{lost}"


def present_recipe(view: SessionView) -> Recipe | None:
    """The recipe of the present generation with the groups that hold something in the model.

    None while there is none, or none that this version can read.
    """
    recipe = recipe_of(view, view.generation)
    return None if recipe is None else groups_in_model(view, recipe)


def groups_in_model(view: SessionView, recipe: Recipe) -> Recipe:
    """A recipe without the groups that were seen to hold nothing in the session's model."""
    before = recipe_of(view, view.generation) or recipe
    return _with_groups_that_hold_something(view.group_sizes, before, recipe)


def point_test(view: SessionView, recipe: Recipe | None) -> Callable[[TrialView], bool]:
    """Tells of a trial, of whatever generation, whether a search with this recipe could have made
    it itself: the sampler learns from these alone, and importance rests on them.

    `recipe` has the groups that hold something in the model; None has no points.
    """
    if recipe is None:
        return lambda _: False
    space, fixed = search_space(recipe), plain_settings(settings(recipe))
    asked = _asked(view)

    def lies_inside(trial: TrialView) -> bool:
        general = asked.get(trial.generation, fixed)
        return is_point(trial.origin, {**general, **trial.params, **trial.fixed}, space, fixed)

    return lies_inside


def _with_groups_that_hold_something(
    sizes: Collection[str], before: Recipe, recipe: Recipe
) -> Recipe:
    """Groups that were empty in the model are searched no more than before.

    `sizes` names the groups of `before` that held something, {} where that is not known.
    """
    if not sizes:
        return recipe
    empty = {group.name for group in before.groups} - set(sizes)
    present: Collection[str] = [g.name for g in recipe.groups if g.name not in empty]
    return with_groups(recipe, present)


def _asked(view: SessionView) -> dict[int, Mapping[str, Scalar]]:
    """What the recipe of each generation fixed for all of its trials."""
    asked: dict[int, Mapping[str, Scalar]] = {}
    sizes: Collection[str] = ()
    for event in view.history:
        if isinstance(event, DataRead):
            sizes = event.groups
        elif isinstance(event, SessionStarted) and event.generation not in asked:
            recipe = recipe_of(view, event.generation)
            if recipe is not None:
                present = _with_groups_that_hold_something(sizes, recipe, recipe)
                asked[event.generation] = plain_settings(settings(present))
    return asked
