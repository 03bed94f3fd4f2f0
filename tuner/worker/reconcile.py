"""After a worker was lost: make study, log and folder agree again."""

from __future__ import annotations

from tuner.errors import TunerError
from tuner.recipe.types import Recipe
from tuner.session import events as e
from tuner.session.fold import ENDED
from tuner.session.folder import Session
from tuner.session.kept import kept_evaluation
from tuner.session.view import TrialState, TrialView
from tuner.study.study import Study
from tuner.worker.best import clean_ended_trials
from tuner.worker.journal import Journal
from tuner.worker.trials import (
    Trials,
    collapse_in_study,
    collapsed_event,
    is_one_label,
    rung_reason,
    share_done,
)


def reconcile(
    session: Session, recipe: Recipe, study: Study, journal: Journal, trials: Trials
) -> None:
    """Write the ends that are in the study and not in the log, and the other way round.

    The study is told first and the log second, so a lost worker leaves at most one end a trial to
    add. The opposite is the mark of a database put back from an older copy. Raises TunerError
    where the two do not belong together.
    """
    states = study.states()
    own = (t.number for t in journal.view.trials.values() if t.generation == study.generation)
    _refuse_strangers(session, set(own) - set(states))
    for number in sorted(states):
        ended_in_study = states[number] not in ("running", "waiting")
        trial = journal.view.trials.get(number)
        ended_in_log = trial is not None and trial.state in ENDED
        if ended_in_study and not ended_in_log:
            journal.record(_missing_end(study, recipe, journal, number))
        elif trial is not None and ended_in_log and not ended_in_study:
            _tell(study, trial)
    trials.settle()
    clean_ended_trials(session, journal.view)


def _refuse_strangers(session: Session, numbers: set[int]) -> None:
    if numbers:
        raise TunerError(
            f"{session.database_path}: knows nothing of trial {min(numbers)}, which the event log "
            "has; put the database that belongs to this log back in its place"
        )


def _missing_end(
    study: Study, recipe: Recipe, journal: Journal, number: int
) -> e.TrialCompleted | e.TrialCollapsed | e.TrialPruned | e.TrialFailed:
    trial = journal.view.trials.get(number, TrialView(number))
    state, value = study.outcome(number)
    if state == "failed":
        return e.TrialFailed(
            trial=number, cause="died", error="the worker was lost", seconds=trial.seconds
        )
    if state == "complete":
        return _completed(trial, 0.0 if value is None else value)
    if study.has_collapsed(number):
        return collapsed_event(journal.view, trial, *collapse_in_study(trial, recipe))
    lost_at = [rung for rung in trial.rungs if not rung.kept]
    reason = rung_reason(lost_at[-1]) if lost_at else "ended before its time"
    return e.TrialPruned(trial=number, reason=reason, value=trial.value, seconds=trial.seconds)


def _completed(trial: TrialView, value: float) -> e.TrialCompleted:
    kept = kept_evaluation(trial)
    step = trial.step if kept is None else kept.step
    return e.TrialCompleted(
        trial=trial.number,
        value=value,
        epoch=trial.epoch if kept is None else kept.epoch,
        step=step,
        seconds=trial.seconds,
        memory=trial.memory,
        one_label=is_one_label(trial, step),
        share=share_done(trial),
    )


def _tell(study: Study, trial: TrialView) -> None:
    match trial.state:
        case TrialState.COMPLETE if trial.value is not None:
            study.complete(trial.number, trial.value, one_label=trial.one_label)
        case TrialState.COLLAPSED:
            study.collapse(trial.number)
        case TrialState.PRUNED:
            study.prune(trial.number, trial.value, one_label=trial.one_label)
        case _:
            study.fail(trial.number)
