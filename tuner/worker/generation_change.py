"""A changed recipe: the study begins a new generation, and what still fits is taken over."""

from __future__ import annotations

from tuner.errors import TunerError
from tuner.recipe.changes import changed_settings
from tuner.recipe.findings import ModelDescription
from tuner.recipe.groups import resolve_groups
from tuner.recipe.load import setting_to_plain_value
from tuner.recipe.space import keep_present_groups, search_space, settings_by_name
from tuner.recipe.types import Parameter, Recipe
from tuner.results.metrics import direction_of_metric, worst_metric_value
from tuner.session import events as e
from tuner.session.folder import Session
from tuner.session.generations import reason_recipe_refused
from tuner.session.view import SessionView
from tuner.study.study import Study
from tuner.worker.event_log import EventLog
from tuner.worker.reconcile import reconcile_study_and_log
from tuner.worker.trial_recorder import TrialRecorder


def with_groups_in_model(recipe: Recipe, model: ModelDescription) -> Recipe:
    """Return the recipe with the groups that hold something in its model."""
    parameters = [Parameter(name, tuple(shape)) for name, shape in model.parameters]
    resolved = resolve_groups(recipe.groups, parameters)
    return keep_present_groups(recipe, [group.spec.name for group in resolved])


def open_study_of_generation(session: Session, recipe: Recipe, name: str, generation: int) -> Study:
    """Open the study of a generation; `recipe` has only the groups that are present.

    `name` is the one that the log has: a copied session is called otherwise.
    """
    space = search_space(recipe)
    unsearched_settings = {
        name: s for name, s in settings_by_name(recipe).items() if name not in space
    }
    metric = recipe.search.metric
    return Study.open_study(
        session.database_path,
        name,
        space,
        recipe.search,
        direction_of_metric(metric),
        worst_metric_value(metric),
        generation,
        {
            key: s
            for key, s in unsearched_settings.items()
            if isinstance(s, bool | int | float | str)
        },
        recipe.training.seed if isinstance(recipe.training.seed, int) else None,
        recipe.training.keep,
    )


def open_new_generation_if_changed(
    session: Session, recipe: Recipe, model: ModelDescription, event_log: EventLog
) -> None:
    """Open a new generation where settings or ranges changed since the session's last start.

    Trials of the old one that were not finished are given up: they were begun with other settings.
    Raises TunerError where model or data changed: that is another session.
    """
    view = event_log.view
    if not view.has_recipe or not view.trials or _has_opened_generation(view):
        return
    before = view.require_recipe()
    reason = reason_recipe_refused(view, recipe)
    if reason:
        raise TunerError(f"{session.recipe_path}: {reason}")
    changes: dict[str, object] = {
        name: [setting_to_plain_value(old), setting_to_plain_value(new)]
        for name, (old, new) in changed_settings(before, recipe).items()
    }
    if not changes:
        return
    old_recipe = with_groups_in_model(before, model)
    old = open_study_of_generation(session, old_recipe, view.name, view.generation)
    trials = TrialRecorder(session, old_recipe, old, event_log)
    reconcile_study_and_log(session, old_recipe, old, event_log, trials)
    for trial in old.running_suggestions():
        trials.prune_trial(trial.number, "the recipe was changed")
    present = with_groups_in_model(recipe, model)
    new = open_study_of_generation(session, present, view.name, view.generation + 1)
    event_log.record_event(
        e.GenerationOpened(
            generation=new.generation_number, changes=changes, carried=new.carried_count
        )
    )


def _has_opened_generation(view: SessionView) -> bool:
    """Detect a worker that was lost after it opened the generation and before it started it."""
    latest = next(
        (x for x in reversed(view.history) if isinstance(x, e.GenerationOpened | e.SessionStarted)),
        None,
    )
    return isinstance(latest, e.GenerationOpened)
