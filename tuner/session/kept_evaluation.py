"""Which of a trial's evaluations counts."""

from __future__ import annotations

from tuner.session.events import Evaluated
from tuner.session.view import TrialView


def kept_evaluation(trial: TrialView) -> Evaluated | None:
    """Return the evaluation whose model was kept; None where there was none."""
    evaluations_at_kept_step = [item for item in trial.evaluations if item.step == trial.kept_step]
    return evaluations_at_kept_step[-1] if evaluations_at_kept_step else None


def kept_or_last_evaluation(trial: TrialView) -> Evaluated | None:
    """Return the kept evaluation, or the last one of a trial that did not get that far."""
    return kept_evaluation(trial) or (trial.evaluations[-1] if trial.evaluations else None)
