"""Opening a session's study once a trainer has told what model and data are like."""

from __future__ import annotations

import time
from dataclasses import dataclass

from tuner.pool import protocol as p
from tuner.recipe.baselines import baseline_values, middle_values
from tuner.recipe.findings import ModelDescription, summarize_check_warnings
from tuner.recipe.load import recipe_to_dict
from tuner.recipe.origins import (
    BASELINE,
    ENQUEUED,
    MIDDLE,
    SEED,
    copy_origin,
    is_planned_origin,
    repeated_trial_number,
    rerun_origin,
)
from tuner.recipe.space import check_trial_values, search_space, settable_names, trains_identically
from tuner.recipe.types import Recipe, Scalar
from tuner.results.metrics import check_metric_name, direction_of_metric
from tuner.session import events as e
from tuner.session.best_document import load_cached_model, save_model_description
from tuner.session.budget import (
    FINISH,
    planned_trial_count,
    spent_time_budget,
    spent_time_or_patience,
    spent_trial_budget,
    waits_for_more_time,
)
from tuner.session.commands import Enqueue
from tuner.session.folder import Session
from tuner.session.reruns import original_trial_number, values_for_rerun
from tuner.study.records import Suggestion
from tuner.study.storage import open_study_storage
from tuner.study.study import Study
from tuner.worker.event_log import EventLog
from tuner.worker.generation_change import (
    open_new_generation_if_changed,
    open_study_of_generation,
    with_groups_in_model,
)
from tuner.worker.message_events import event_from
from tuner.worker.reconcile import reconcile_study_and_log
from tuner.worker.test_rows import refuse_unscorable
from tuner.worker.trainer_queries import query_model_description
from tuner.worker.trial_recorder import TrialRecorder


@dataclass(slots=True)
class OpenStudy:
    """The study with its trials; `planned` counts the trials of all generations.

    `recipe` has only the groups that hold something in the model; `absent` are the settings of the
    others, which no trial can have.
    """

    study: Study
    recorder: TrialRecorder
    recipe: Recipe
    planned_trials: int
    absent_settings: frozenset[str] = frozenset()

    def reason_to_end(self) -> str | None:
        """Say why no new trial is to be started; None while one is.

        What somebody asked for is trained beyond the plan and beyond time and patience, too; the
        baseline and the middle of the ranges are part of the plan.
        """
        waiting = {origin for origin, _ in self.study.waiting_trials()}
        if waiting - {BASELINE, MIDDLE}:
            return None
        budget = spent_time_or_patience(self.recipe.search, self.recorder.session_view, time.time())
        if budget is None and not waiting:
            budget = spent_trial_budget(self._count_planned_trials(), self.planned_trials)
        if budget is not None:
            return budget.reason
        return None if waiting else self.study.reason_exhausted or None

    def is_out_of_time(self) -> bool:
        """Check the time budget, beyond which running trials of the plan do not go on."""
        return (
            spent_time_budget(self.recipe.search, self.recorder.session_view, time.time())
            is not None
        )

    def ends_at_time_budget(self, trial: Suggestion) -> bool:
        return self.recipe.search.on_timeout != FINISH and is_planned_origin(trial.origin)

    def stays_paused_for_time(self, trial: Suggestion) -> bool:
        out_of_time = self.is_out_of_time()
        return waits_for_more_time(trial.origin, self.recipe.search, out_of_time=out_of_time)

    def next_trial(self) -> Suggestion:
        """Return the next trial; log where the sampler proposed one that was tried already."""
        suggestion = self.study.next_suggestion()
        if suggestion.proposed_again is not None:
            self.recorder.log_repeated_proposal(suggestion)
        return suggestion

    def accept_enqueue(self, command: Enqueue) -> str:
        """Add a user's trial to those that wait, and say which it is.

        Raises TunerError for values that no trial can have, and for a trial that does not exist.
        """
        origin, values = self._origin_and_values(command)
        values = {name: value for name, value in values.items() if name not in self.absent_settings}
        check_trial_values(self.recipe, values)
        number = self.study.add_waiting_trial(values, origin, command.id)
        lineage = "" if origin == ENQUEUED else f", {origin}"
        repeated_number = self.study.find_repeated_trial(number)
        repeat = (
            "" if repeated_number is None else f"; it repeats trial {repeated_number} bit for bit"
        )
        return f"trial {number}{lineage} waits for its turn{repeat}"

    def _origin_and_values(self, command: Enqueue) -> tuple[str, dict[str, Scalar]]:
        view = self.recorder.session_view
        if command.rerun_of is None:
            parent = command.copy_of
            return ENQUEUED if parent is None else copy_origin(parent), command.params
        origin = rerun_origin(original_trial_number(view, command.rerun_of))
        waiting_seeds = [
            waiting_values[SEED]
            for waiting_origin, waiting_values in self.study.waiting_trials()
            if waiting_origin == origin
        ]
        values = values_for_rerun(view, command.rerun_of, waiting_seeds, command.params.get(SEED))
        return origin, {**values, **command.params}

    def _count_planned_trials(self) -> int:
        """Count trials of the plan: re-runs repeat a trial that was planned already."""
        started = self.recorder.session_view.trials.values()
        earlier = sum(trial.generation < self.study.generation_number for trial in started)
        origins = [
            *(t.origin for t in started),
            *(origin for origin, _ in self.study.waiting_trials()),
        ]
        again = sum(repeated_trial_number(origin) is not None for origin in origins)
        return earlier + len(self.study.trial_states()) - again


def prepare_study_storage(session: Session) -> None:
    """Import and create what opening the study needs, while the trainer loads its model.

    Raises TunerError for a database that cannot be used.
    """
    open_study_storage(session.database_path)


def log_findings(event_log: EventLog, ready: p.Ready, session_name: str) -> None:
    """Log what the first trainer found in the checkpoint, the data and by its check."""
    if ready.loading is not None:
        for line in ready.loading.lines:
            event_log.log_message("notice", line)
        for line in ready.loading.warnings:
            event_log.log_message("warning", line)
    for note in ready.notes:
        event_log.log_message("info", note)
    if ready.warnings:
        event_log.log_message("warning", summarize_check_warnings(ready.warnings, session_name))


def open_session_study(
    session: Session, recipe: Recipe, event_log: EventLog, ready: p.Ready
) -> OpenStudy:
    """Open or create the study, record the start, and make study and log agree.

    Raises TunerError where recipe, data and study do not fit together.
    """
    check_metric_name(recipe.search.metric, ready.labels, str(session.recipe_path))
    refuse_unscorable(event_log, ready.test)
    model = _model_of_session(session, recipe, ready)
    planned = planned_trial_count(recipe)
    study_recipe = with_groups_in_model(recipe, model)
    open_new_generation_if_changed(session, recipe, model, event_log)
    study = open_study_of_generation(
        session, study_recipe, event_log.view.name, event_log.view.generation
    )
    trials = TrialRecorder(session, study_recipe, study, event_log)
    _log_session_start(event_log, recipe, ready, planned, study.generation_number)
    reconcile_study_and_log(session, study_recipe, study, event_log, trials)
    if recipe.search.baseline and search_space(study_recipe) and not study.generation_number:
        _add_first_trials(study, study_recipe, model, planned)
    absent = frozenset(settable_names(recipe)) - frozenset(settable_names(study_recipe))
    return OpenStudy(study, trials, study_recipe, planned, absent)


def _model_of_session(session: Session, recipe: Recipe, ready: p.Ready) -> ModelDescription:
    model = (
        ready.model or load_cached_model(session) or query_model_description(recipe, ready.labels)
    )
    save_model_description(session, model)
    return model


def _log_session_start(
    event_log: EventLog, recipe: Recipe, ready: p.Ready, planned: int, generation: int
) -> None:
    view = event_log.view
    event_log.record_event(event_from(e.DataRead, ready))
    event_log.record_event(
        e.SessionStarted(
            trials=planned,
            metric=recipe.search.metric,
            direction=direction_of_metric(recipe.search.metric),
            generation=generation,
            resumed=any(isinstance(event, e.SessionStarted) for event in view.history),
            recipe=recipe_to_dict(recipe),
        )
    )


def _add_first_trials(study: Study, recipe: Recipe, model: ModelDescription, planned: int) -> None:
    """Add the published recipe, then the middle of the ranges, as far as the plan allows."""
    baseline = baseline_values(recipe, model.model_type, model.hidden_size, model.layers)
    middle = middle_values(recipe)
    first_trials = [(BASELINE, baseline)]
    if not trains_identically(recipe, baseline, middle):
        first_trials.append((MIDDLE, middle))
    for origin, values in first_trials[:planned]:
        study.add_waiting_trial(values, origin, origin)
