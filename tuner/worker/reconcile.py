"""After a worker was lost: make study, log and folder agree again."""

from __future__ import annotations

from tuner.errors import TunerError
from tuner.pool.causes import DIED
from tuner.recipe.types import Recipe
from tuner.session import events as e
from tuner.session.folder import Session
from tuner.session.kept_evaluation import kept_evaluation
from tuner.session.view import ENDED_STATES, TrialState, TrialView
from tuner.study.study import Study
from tuner.worker.best_model import remove_files_of_ended_trials
from tuner.worker.event_log import EventLog
from tuner.worker.trial_recorder import (
    TrialRecorder,
    answers_one_label,
    collapse_known_to_study,
    collapsed_event,
    pruned_at_rung_text,
    share_of_schedule_done,
)


def reconcile_study_and_log(
    session: Session, recipe: Recipe, study: Study, event_log: EventLog, trials: TrialRecorder
) -> None:
    """Record ends that the study has and the log lacks, and the other way round.

    The study is told first and the log second, so a lost worker leaves at most one end a trial to
    add. The opposite is the mark of a database put back from an older copy. Raises TunerError
    where the two do not belong together.
    """
    states = study.trial_states()
    numbers_in_log = (
        t.number for t in event_log.view.trials.values() if t.generation == study.generation_number
    )
    _refuse_unknown_trials(session, set(numbers_in_log) - set(states))
    for number in sorted(states):
        ended_in_study = states[number] not in ("running", "waiting")
        trial = event_log.view.trials.get(number)
        ended_in_log = trial is not None and trial.state in ENDED_STATES
        if ended_in_study and not ended_in_log:
            event_log.record_event(_missing_end_event(study, recipe, event_log, number))
        elif trial is not None and ended_in_log and not ended_in_study:
            _tell_study_of_end(study, trial)
    trials.settle_complete_trials()
    remove_files_of_ended_trials(session, event_log.view)


def _refuse_unknown_trials(session: Session, numbers: set[int]) -> None:
    if numbers:
        raise TunerError(
            f"{session.database_path} has no trial {min(numbers)}, but the event log does: restore "
            "the database that belongs to this log"
        )


def _missing_end_event(
    study: Study, recipe: Recipe, event_log: EventLog, number: int
) -> e.TrialCompleted | e.TrialCollapsed | e.TrialPruned | e.TrialFailed:
    trial = event_log.view.trials.get(number, TrialView(number))
    state, value = study.trial_outcome(number)
    if state == "failed":
        return e.TrialFailed(
            trial=number, cause=DIED, error="the worker was lost", seconds=trial.seconds
        )
    if state == "complete":
        return _completed_event(trial, 0.0 if value is None else value)
    if study.is_trial_collapsed(number):
        return collapsed_event(event_log.view, trial, *collapse_known_to_study(trial, recipe))
    pruning_rungs = [rung for rung in trial.rungs if not rung.kept]
    reason = pruned_at_rung_text(pruning_rungs[-1]) if pruning_rungs else "ended early"
    return e.TrialPruned(trial=number, reason=reason, value=trial.value, seconds=trial.seconds)


def _completed_event(trial: TrialView, value: float) -> e.TrialCompleted:
    evaluation = kept_evaluation(trial)
    step = trial.step if evaluation is None else evaluation.step
    return e.TrialCompleted(
        trial=trial.number,
        value=value,
        epoch=trial.epoch if evaluation is None else evaluation.epoch,
        step=step,
        seconds=trial.seconds,
        memory=trial.memory,
        one_label=answers_one_label(trial, step),
        share=share_of_schedule_done(trial),
    )


def _tell_study_of_end(study: Study, trial: TrialView) -> None:
    match trial.state:
        case TrialState.COMPLETE if trial.value is not None:
            study.complete_trial(trial.number, trial.value, one_label=trial.one_label)
        case TrialState.COLLAPSED:
            study.collapse_trial(trial.number)
        case TrialState.PRUNED:
            study.prune_trial(trial.number, trial.value, one_label=trial.one_label)
        case _:
            study.fail_trial(trial.number)
