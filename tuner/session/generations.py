"""What a changed recipe would make of a session's trials, told from its log alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from tuner.recipe.changes import METRIC, TEST, changed_settings, incomparable_key
from tuner.recipe.points import is_point_of_space, scalar_settings
from tuner.recipe.space import keep_present_groups, search_space, settings_by_name
from tuner.recipe.types import Recipe, Scalar, Setting
from tuner.results.format import count_in_words
from tuner.session.events import DataRead, SessionStarted
from tuner.session.reruns import recipe_of_generation
from tuner.session.test_seal import reason_test_change_refused, reason_test_is_final
from tuner.session.view import SessionView, TrialState, TrialView

_UNFINISHED_STATES = frozenset({TrialState.RUNNING, TrialState.PAUSED})
_LEARNED_FROM_STATES = (
    frozenset({TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED}) | _UNFINISHED_STATES
)


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
    """Describe the generation that a start with this recipe opens; None where it opens none."""
    if not view.has_recipe or not view.trials:
        return None
    before = view.require_recipe()
    changes = changed_settings(before, recipe)
    if not changes:
        return None
    trials = view.trials.values()
    lies_in_space = make_point_test(view, without_empty_groups(view, recipe))
    return NextGeneration(
        view.generation + 1,
        changes,
        sum(trial.state in _LEARNED_FROM_STATES and lies_in_space(trial) for trial in trials),
        len(trials),
        sum(trial.state in _UNFINISHED_STATES for trial in trials),
    )


def reason_key_is_locked(view: SessionView, key: str) -> str:
    """Say why a key of the recipe may not change: its trials have it; "" where it may."""
    if key == TEST:
        return reason_test_is_final(view)
    if not view.trials or not (key.startswith(("model.", "data.")) or key == METRIC):
        return ""
    many = count_in_words(len(view.trials), "trial")
    use = "uses" if len(view.trials) == 1 else "use"
    return f"{key} is locked: {many} {use} it; clone the session to change it"


def reason_recipe_refused(view: SessionView, recipe: Recipe) -> str:
    """Say why a recipe may not follow that of the last start; "" where it may, or is the first."""
    if not view.trials or not view.has_recipe:
        return ""
    before = view.require_recipe()
    key = incomparable_key(before, recipe)
    return (
        reason_key_is_locked(view, key) if key else reason_test_change_refused(view, before, recipe)
    )


def describe_next_generation(next_one: NextGeneration | None) -> str:
    """Say in one line what a start will do about a changed recipe; "" where nothing changed."""
    if next_one is None:
        return ""
    carried = f"{next_one.carried} of {next_one.trials} trials lie inside and are carried over"
    lost = f"; {next_one.given_up} unfinished will not be finished" if next_one.given_up else ""
    return f"opens generation {next_one.number}: {carried}{lost}"


def recipe_with_present_groups(view: SessionView) -> Recipe | None:
    """Return the present generation's recipe with the groups that hold something in the model.

    None while there is none, or none that this version can read.
    """
    recipe = recipe_of_generation(view, view.generation)
    return None if recipe is None else without_empty_groups(view, recipe)


def without_empty_groups(view: SessionView, recipe: Recipe) -> Recipe:
    """Return a recipe without the groups that hold nothing in the session's model."""
    before = recipe_of_generation(view, view.generation) or recipe
    return _drop_empty_groups(view.group_sizes, before, recipe)


def make_point_test(view: SessionView, recipe: Recipe | None) -> Callable[[TrialView], bool]:
    """Return a test whether a search with this recipe could have made a trial of any generation.

    The sampler learns from these alone, and importance rests on them. `recipe` has the groups that
    hold something in the model; None has no points.
    """
    if recipe is None:
        return lambda _: False
    space, fixed = search_space(recipe), scalar_settings(settings_by_name(recipe))
    fixed_by_generation = _fixed_settings_by_generation(view)

    def lies_in_space(trial: TrialView) -> bool:
        general = fixed_by_generation.get(trial.generation, fixed)
        return is_point_of_space(
            trial.origin, {**general, **trial.params, **trial.fixed}, space, fixed
        )

    return lies_in_space


def _drop_empty_groups(sizes: Collection[str], before: Recipe, recipe: Recipe) -> Recipe:
    """Drop the groups that were empty in the model.

    `sizes` names the groups of `before` that held something, {} where that is not known.
    """
    if not sizes:
        return recipe
    empty = {group.name for group in before.groups} - set(sizes)
    present: Collection[str] = [g.name for g in recipe.groups if g.name not in empty]
    return keep_present_groups(recipe, present)


def _fixed_settings_by_generation(view: SessionView) -> dict[int, Mapping[str, Scalar]]:
    """Map each generation to what its recipe fixed for all of its trials."""
    fixed_by_generation: dict[int, Mapping[str, Scalar]] = {}
    sizes: Collection[str] = ()
    for event in view.history:
        if isinstance(event, DataRead):
            sizes = event.groups
        elif isinstance(event, SessionStarted) and event.generation not in fixed_by_generation:
            recipe = recipe_of_generation(view, event.generation)
            if recipe is not None:
                present = _drop_empty_groups(sizes, recipe, recipe)
                fixed_by_generation[event.generation] = scalar_settings(settings_by_name(present))
    return fixed_by_generation
