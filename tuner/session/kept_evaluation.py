"""Which of a trial's evaluations it is scored by."""

from __future__ import annotations

from tuner.session.events import Evaluated
from tuner.session.view import TrialView


def kept_evaluation(trial: TrialView) -> Evaluated | None:
    """Return the evaluation whose model was kept; None where there was none."""
    index = _last_index_at_kept_step(trial)
    return None if index is None else trial.evaluations[index]


def kept_or_last_evaluation(trial: TrialView) -> Evaluated | None:
    """Return the kept evaluation, or the last one of a trial that did not get that far."""
    index = kept_or_last_index(trial)
    return None if index is None else trial.evaluations[index]


def kept_or_last_index(trial: TrialView) -> int | None:
    """Return where `kept_or_last_evaluation` is among the trial's; None without any."""
    index = _last_index_at_kept_step(trial)
    if index is None and trial.evaluations:
        return len(trial.evaluations) - 1
    return index


def _last_index_at_kept_step(trial: TrialView) -> int | None:
    for index in range(len(trial.evaluations) - 1, -1, -1):
        if trial.evaluations[index].step == trial.kept_step:
            return index
    return None
