"""A changed recipe: the study begins a new generation, and what still fits is taken over."""

from __future__ import annotations

from tuner.errors import TunerError
from tuner.recipe.changes import METRIC, changed_settings, other_task
from tuner.recipe.findings import ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import parse, plain_value
from tuner.recipe.space import search_space, settings, with_groups
from tuner.recipe.types import Parameter, Recipe
from tuner.results.metrics import direction, worst_value
from tuner.session import events as e
from tuner.session.folder import Session
from tuner.session.seal import change_of_test_refused
from tuner.session.view import SessionView
from tuner.study.study import Study
from tuner.worker.journal import Journal
from tuner.worker.reconcile import reconcile
from tuner.worker.trials import Trials


def present_groups(recipe: Recipe, model: ModelDescription) -> Recipe:
    """The recipe with the groups that hold something in its model."""
    parameters = [Parameter(name, tuple(shape)) for name, shape in model.parameters]
    resolved = resolve_groups(recipe.groups, parameters)
    return with_groups(recipe, [group.spec.name for group in resolved])


def open_generation(session: Session, recipe: Recipe, view: SessionView) -> Study:
    """The study of the view's generation; `recipe` has only the groups that are present."""
    space = search_space(recipe)
    own = {name: s for name, s in settings(recipe).items() if name not in space}
    metric = recipe.search.metric
    return Study.open(
        session.database_path,
        view.name,
        space,
        recipe.search,
        direction(metric),
        worst_value(metric),
        view.generation,
        {name: s for name, s in own.items() if isinstance(s, bool | int | float | str)},
        recipe.training.seed if isinstance(recipe.training.seed, int) else None,
        recipe.training.keep,
    )


def close_old_generation(
    session: Session, recipe: Recipe, model: ModelDescription, journal: Journal
) -> None:
    """Where settings or ranges changed since the session's last start, move on a generation.

    Trials of the old one that were not finished are given up: they were begun with other settings.
    Raises TunerError where model or data changed: that is another session.
    """
    view = journal.view
    if not view.recipe or not view.trials or _is_moved_on(view):
        return
    before = parse(view.recipe, str(session.events_path))
    _refuse_another_task(session, view, before, recipe)
    changes: dict[str, object] = {
        name: [plain_value(old), plain_value(new)]
        for name, (old, new) in changed_settings(before, recipe).items()
    }
    if not changes:
        return
    old_recipe = present_groups(before, model)
    old = open_generation(session, old_recipe, view)
    trials = Trials(session, old_recipe, old, journal)
    reconcile(session, old_recipe, old, journal, trials)
    for trial in old.running():
        trials.prune(trial.number, "the recipe was changed")
    view.generation += 1
    new = open_generation(session, present_groups(recipe, model), view)
    journal.record(
        e.GenerationOpened(generation=new.generation, changes=changes, carried=new.carried)
    )


def _is_moved_on(view: SessionView) -> bool:
    """Whether a worker was lost after it had opened the generation, before it said what for."""
    latest = next(
        (x for x in reversed(view.history) if isinstance(x, e.GenerationOpened | e.SessionStarted)),
        None,
    )
    return isinstance(latest, e.GenerationOpened)


def _refuse_another_task(session: Session, view: SessionView, before: Recipe, now: Recipe) -> None:
    refused = change_of_test_refused(view, before, now)
    if refused:
        raise TunerError(f"{session.recipe_path}: {refused}")
    key = other_task(before, now)
    if key:
        why = "" if key == METRIC else ", so its trials could not be compared"
        raise TunerError(
            f"{session.recipe_path}: {key} was changed after {session.name} was started{why}: "
            "make a new session for it"
        )
