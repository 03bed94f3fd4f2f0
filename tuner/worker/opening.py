"""Opening a session's study once a trainer has told what model and data are like."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tuner.pool import protocol as p
from tuner.recipe.baselines import baseline_values, middle_values
from tuner.recipe.findings import ModelDescription
from tuner.recipe.load import recipe_to_dict
from tuner.recipe.origins import (
    BASELINE,
    ENQUEUED,
    MIDDLE,
    SEED,
    copy_of,
    is_planned,
    repeated,
    rerun_of,
)
from tuner.recipe.space import check_values, fixed_names, same_configuration, search_space
from tuner.recipe.types import Recipe, Scalar
from tuner.results.metrics import check_metric, direction
from tuner.session import events as e
from tuner.session.best import cache_model, cached_model
from tuner.session.budget import (
    FINISH,
    planned_trials,
    spent,
    time_spent,
    trials_spent,
    waits_for_time,
)
from tuner.session.commands import Enqueue
from tuner.session.folder import Session
from tuner.session.lineage import first_of, rerun_values
from tuner.study.records import Suggestion
from tuner.study.storage import open_storage
from tuner.study.study import Study
from tuner.worker.generations import close_old_generation, open_generation, present_groups
from tuner.worker.inspect import describe_model
from tuner.worker.journal import Journal
from tuner.worker.reconcile import reconcile
from tuner.worker.seal import refuse_unscorable
from tuner.worker.trials import Trials


@dataclass(slots=True)
class OpenStudy:
    """The study with its trials; `planned` counts the trials of all generations.

    `recipe` has only the groups that hold something in the model; `absent` are the settings of the
    others, which no trial can have.
    """

    study: Study
    trials: Trials
    recipe: Recipe
    planned: int
    absent: frozenset[str] = frozenset()

    def over(self) -> str | None:
        """Why no new trial is to be started, or None.

        What somebody asked for is trained beyond the plan and beyond time and patience, too; the
        baseline and the middle of the ranges are part of the plan.
        """
        waiting = {origin for origin, _ in self.study.waiting()}
        if waiting - {BASELINE, MIDDLE}:
            return None
        budget = spent(self.recipe.search, self.trials.view, time.time())
        if budget is None and not waiting:
            budget = trials_spent(self._asked(), self.planned)
        if budget is not None:
            return budget.reason
        return None if waiting else self.study.exhausted or None

    def is_out_of_time(self) -> bool:
        """Whether the time budget is used up, so that what runs of the plan is not to go on."""
        return time_spent(self.recipe.search, self.trials.view, time.time()) is not None

    def ends_on_timeout(self, trial: Suggestion) -> bool:
        """Whether the trial is not to run on beyond the time budget."""
        return self.recipe.search.on_timeout != FINISH and is_planned(trial.origin)

    def stays_paused(self, trial: Suggestion) -> bool:
        """Whether an unfinished trial waits until the time budget is raised."""
        out_of_time = self.is_out_of_time()
        return waits_for_time(trial.origin, self.recipe.search, out_of_time=out_of_time)

    def ask(self) -> Suggestion:
        """The next trial; the log says where the sampler proposed one that was tried already."""
        suggestion = self.study.ask()
        if suggestion.proposed_again is not None:
            self.trials.note_repeated_proposal(suggestion)
        return suggestion

    def enqueue(self, command: Enqueue) -> str:
        """Let a trial of the user's wait for its turn, and say which it is.

        Raises TunerError for values that no trial can have, and for a trial that does not exist.
        """
        origin, values = self._wanted(command)
        values = {name: value for name, value in values.items() if name not in self.absent}
        check_values(self.recipe, values)
        number = self.study.enqueue(values, origin, command.id)
        lineage = "" if origin == ENQUEUED else f", {origin}"
        same = self.study.repeated_trial(number)
        repeat = "" if same is None else f"; it repeats trial {same} to the bit"
        return f"trial {number}{lineage} waits for its turn{repeat}"

    def _wanted(self, command: Enqueue) -> tuple[str, dict[str, Scalar]]:
        view = self.trials.view
        if command.rerun_of is None:
            parent = command.copy_of
            return ENQUEUED if parent is None else copy_of(parent), command.params
        origin = rerun_of(first_of(view, command.rerun_of))
        taken = [given[SEED] for other, given in self.study.waiting() if other == origin]
        values = rerun_values(view, command.rerun_of, taken, command.params.get(SEED))
        return origin, {**values, **command.params}

    def _asked(self) -> int:
        """Trials of the plan: re-runs say more of a trial that was planned already."""
        started = self.trials.view.trials.values()
        earlier = sum(trial.generation < self.study.generation for trial in started)
        origins = [*(t.origin for t in started), *(origin for origin, _ in self.study.waiting())]
        again = sum(repeated(origin) is not None for origin in origins)
        return earlier + len(self.study.states()) - again


def prepare(session: Session) -> None:
    """Import and make what opening the study needs, while the trainer loads its model.

    Raises TunerError for a database that cannot be used.
    """
    open_storage(session.database_path)


def open_study(session: Session, recipe: Recipe, journal: Journal, ready: p.Ready) -> OpenStudy:
    """Open or begin the study, tell the log, and make both agree.

    Raises TunerError where recipe, data and study do not fit together.
    """
    check_metric(recipe.search.metric, ready.labels, str(session.recipe_path))
    refuse_unscorable(journal, ready.test)
    model = _model(session, recipe, ready)
    planned = planned_trials(recipe)
    study_recipe = present_groups(recipe, model)
    close_old_generation(session, recipe, model, journal)
    study = open_generation(session, study_recipe, journal.view)
    trials = Trials(session, study_recipe, study, journal)
    _tell(journal, recipe, ready, planned, study.generation)
    reconcile(session, study_recipe, study, journal, trials)
    if recipe.search.baseline and search_space(study_recipe) and not study.generation:
        _enqueue_first_trials(study, study_recipe, model, planned)
    absent = frozenset(fixed_names(recipe)) - frozenset(fixed_names(study_recipe))
    return OpenStudy(study, trials, study_recipe, planned, absent)


def _model(session: Session, recipe: Recipe, ready: p.Ready) -> ModelDescription:
    model = ready.model or cached_model(session) or describe_model(recipe, ready.labels)
    cache_model(session, model)
    return model


def _tell(journal: Journal, recipe: Recipe, ready: p.Ready, planned: int, generation: int) -> None:
    view = journal.view
    read = e.DataRead(
        rows=ready.rows,
        labels=ready.labels,
        parameters=ready.parameters,
        groups=ready.groups,
        device=ready.device,
        device_name=ready.device_name,
        batches=ready.batches,
        threads=ready.threads,
        label_counts=ready.label_counts,
    )
    journal.record(read)
    journal.record(
        e.SessionStarted(
            trials=planned,
            metric=recipe.search.metric,
            direction=direction(recipe.search.metric),
            generation=generation,
            resumed=any(isinstance(event, e.SessionStarted) for event in view.history),
            recipe=recipe_to_dict(recipe),
        )
    )


def _enqueue_first_trials(
    study: Study, recipe: Recipe, model: ModelDescription, planned: int
) -> None:
    """The published recipe first, then the middle of the ranges, as far as the plan allows."""
    baseline = baseline_values(recipe, model.model_type, model.hidden_size, model.layers)
    middle = middle_values(recipe)
    first = [(BASELINE, baseline)]
    if not same_configuration(recipe, baseline, middle):
        first.append((MIDDLE, middle))
    for origin, values in first[:planned]:
        study.enqueue(values, origin, origin)
