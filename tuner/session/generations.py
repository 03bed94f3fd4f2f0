"""What a changed recipe would make of a session's trials, told from its log alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from tuner.recipe.changes import changed_settings
from tuner.recipe.load import parse
from tuner.recipe.origins import repeated
from tuner.recipe.ranges import Space, inside
from tuner.recipe.space import search_space, settings, with_groups
from tuner.recipe.types import Recipe, Setting
from tuner.session.budget import trials_left
from tuner.session.events import SessionStarted
from tuner.session.view import SessionView, TrialState, TrialView

SCALARS = (bool, int, float, str)
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
    recipe = _with_groups_that_hold_something(view, before, recipe)
    space, fixed = search_space(recipe), settings(recipe)
    trials, asked = view.trials.values(), _asked(view)
    return NextGeneration(
        view.generation + 1,
        changes,
        sum(_is_carried(t, asked.get(t.generation, {}), space, fixed) for t in trials),
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


def enough_trials(view: SessionView, recipe: Recipe) -> int:
    """How many trials to plan so that a search goes on: half as many again where none is left."""
    if trials_left(view, recipe):
        return recipe.search.trials
    return recipe.search.trials + max(recipe.search.trials // 2, 1)


def _with_groups_that_hold_something(view: SessionView, before: Recipe, recipe: Recipe) -> Recipe:
    """Groups that were empty in the model are searched no more than before."""
    if not view.group_sizes:
        return recipe
    empty = {group.name for group in before.groups} - view.group_sizes.keys()
    present: Collection[str] = [g.name for g in recipe.groups if g.name not in empty]
    return with_groups(recipe, present)


def _asked(view: SessionView) -> dict[int, Mapping[str, Setting]]:
    """What the recipe of each generation fixed for all of its trials."""
    asked: dict[int, Mapping[str, Setting]] = {}
    for event in view.history:
        if isinstance(event, SessionStarted) and event.recipe:
            every = settings(parse(event.recipe, "events.jsonl"))
            plain = {name: value for name, value in every.items() if isinstance(value, SCALARS)}
            asked[event.generation] = plain
    return asked


def _is_carried(
    trial: TrialView, asked: Mapping[str, Setting], space: Space, fixed: Mapping[str, Setting]
) -> bool:
    """The study takes over what ended with values that it could have suggested itself."""
    if trial.state not in _SEEN or repeated(trial.origin) is not None:
        return False
    if space.keys() & trial.fixed.keys():
        return False
    if any(
        name not in trial.params or inside(setting, trial.params[name]) is None
        for name, setting in space.items()
    ):
        return False
    others = {**asked, **trial.params, **trial.fixed}
    return all(fixed.get(name) == value for name, value in others.items() if name not in space)
