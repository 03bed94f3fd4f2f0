"""What a trial's score is worth: its interval, the majority's score beside it, and a gain.

Commands, screens and files ask here, so that they all have the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.errors import TunerError
from tuner.recipe.origins import BASELINE
from tuner.results.collapse import only_predicted_label
from tuner.results.intervals import Interval, loss_interval, metric_interval
from tuner.results.majority import Majority, majority_score
from tuner.results.metrics import (
    Confusion,
    count_correct,
    count_gold_labels,
    count_rows,
    gain_in_metric,
    matthews_correlation,
)
from tuner.results.paired import (
    MetricDifference,
    paired_difference,
    paired_loss_difference,
    unpaired_difference,
)
from tuner.session.events import TestScored
from tuner.session.folder import Session
from tuner.session.kept_evaluation import kept_or_last_evaluation
from tuner.session.predictions import Predictions, have_same_rows, read_kept_predictions
from tuner.session.view import SessionView, TrialState, TrialView

_SMALLEST_HALF = 2.0**-24
"""The smallest probability that float16 holds; what is less was written as 0."""


@dataclass(frozen=True, slots=True)
class ScoreWithInterval:
    """One trial's `value` of the search's metric on `rows` validation rows, `correct` of them.

    `interval` is the metric's own; None where it does not follow from what is stored. `only_label`
    is the label that every row is predicted to have, None where there are several.
    """

    trial: int
    metric: str
    value: float
    correct: int
    rows: int
    mcc: float
    interval: Interval | None
    majority: Majority | None
    only_label: str | None

    @property
    def is_above_majority(self) -> bool | None:
        """Whether it beats the majority by more than its interval; None if not known."""
        if self.majority is None:
            return None
        better = gain_in_metric(self.metric, self.value, self.majority.value) > 0
        if not better or self.interval is None:
            return None if better else False
        return not self.interval.contains_value(self.majority.value)

    @property
    def is_below_majority(self) -> bool:
        """Whether it is worse than the majority by more than its interval."""
        if self.majority is None or self.interval is None:
            return False
        worse = gain_in_metric(self.metric, self.value, self.majority.value) < 0
        return worse and not self.interval.contains_value(self.majority.value)


@dataclass(frozen=True, slots=True)
class ScoreGain:
    """How a trial compares with another on the same rows: `difference` is its metric less theirs.

    Where the metric is the accuracy, `rows` more of `of_rows` are correct; else it has no rows.
    `difference` is None where it has no interval; `paired` tells whether it comes of the same rows
    one by one.
    """

    metric: str
    change: float
    rows: int | None
    of_rows: int
    difference: MetricDifference | None
    paired: bool

    @property
    def is_improvement(self) -> bool:
        return gain_in_metric(self.metric, self.change, 0.0) > 0


def score_of_trial(
    session: Session, view: SessionView, trial: TrialView
) -> ScoreWithInterval | None:
    """Score a trial with its interval; None before its first evaluation."""
    evaluation = kept_or_last_evaluation(trial)
    if evaluation is None or trial.value is None or not math.isfinite(trial.value):
        return None
    interval = interval_of_trial(session, view, trial)
    return _build_score(view, trial.number, trial.value, evaluation.confusion, interval)


def score_on_test_rows(view: SessionView, scored: TestScored) -> ScoreWithInterval:
    """Score the sealed rows; without their predictions a loss has no interval."""
    confusion = scored.confusion
    value = scored.metrics.get(view.metric, math.nan)
    return _build_score(view, scored.trial, value, confusion, interval_of_matrix(view, confusion))


def _build_score(
    view: SessionView, trial: int, value: float, confusion: Confusion, interval: Interval | None
) -> ScoreWithInterval:
    return ScoreWithInterval(
        trial=trial,
        metric=view.metric,
        value=value,
        correct=count_correct(confusion),
        rows=count_rows(confusion),
        mcc=matthews_correlation(confusion),
        interval=interval,
        majority=majority_of_matrix(view, confusion),
        only_label=_name_of_only_label(view, confusion),
    )


def _name_of_only_label(view: SessionView, confusion: Confusion) -> str | None:
    labels, only = _labels_of_matrix(view, confusion), only_predicted_label(confusion)
    return labels[only] if labels and only is not None else None


def interval_of_trial(
    session: Session, view: SessionView, trial: TrialView, metric: str = ""
) -> Interval | None:
    """Compute a metric's interval at the kept evaluation; by default the search's metric."""
    evaluation, metric = kept_or_last_evaluation(trial), metric or view.metric
    if evaluation is None:
        return None
    if metric != "loss":
        return metric_interval(
            metric, evaluation.confusion, _labels_of_matrix(view, evaluation.confusion)
        )
    try:
        losses = losses_of_rows(
            read_kept_predictions(session, trial), evaluation.metrics.get("loss", math.nan)
        )
    except TunerError:
        return None
    return loss_interval(losses)


def interval_of_matrix(view: SessionView, confusion: Confusion) -> Interval | None:
    """Compute the interval of the search's metric, where it follows from a confusion matrix."""
    return metric_interval(view.metric, confusion, _labels_of_matrix(view, confusion))


def majority_of_matrix(
    view: SessionView, confusion: Confusion, metric: str = ""
) -> Majority | None:
    """Score the most frequent label on the rows of a matrix; by default on the search's metric."""
    labels = _labels_of_matrix(view, confusion)
    if not labels:
        return None
    return majority_score(
        metric or view.metric, count_gold_labels(confusion), labels, view.label_counts
    )


def majority_of_validation(view: SessionView) -> Majority | None:
    """Score the majority on the validation rows; None before the first evaluation."""
    evaluations = (trial.evaluations[0] for trial in view.trials.values() if trial.evaluations)
    first = next(evaluations, None)
    return None if first is None else majority_of_matrix(view, first.confusion)


def _labels_of_matrix(view: SessionView, confusion: Confusion) -> Sequence[str]:
    """Return the labels of a matrix; none where the log names another number of labels."""
    return view.labels if len(view.labels) == len(confusion) else ()


def complete_baseline_trial(view: SessionView) -> TrialView | None:
    """Find the trial of the published recipe if it is complete."""
    for trial in view.trials.values():
        if trial.origin == BASELINE and trial.state is TrialState.COMPLETE:
            return trial
    return None


def gain_over_trial(
    session: Session, view: SessionView, trial: TrialView, base: TrialView
) -> ScoreGain | None:
    """Compare a trial with another of the same session; None where one has no score."""
    evaluation, base_evaluation = kept_or_last_evaluation(trial), kept_or_last_evaluation(base)
    if evaluation is None or base_evaluation is None or trial.value is None or base.value is None:
        return None
    try:
        difference = trial_difference(session, view, trial, base)
        paired = True
    except TunerError:
        labels = _labels_of_matrix(view, evaluation.confusion)
        difference = unpaired_difference(
            evaluation.confusion, base_evaluation.confusion, view.metric, labels
        )
        paired = False
    rows = count_correct(evaluation.confusion) - count_correct(base_evaluation.confusion)
    return ScoreGain(
        metric=view.metric,
        change=trial.value - base.value,
        rows=rows if view.metric == "accuracy" else None,
        of_rows=count_rows(evaluation.confusion),
        difference=difference,
        paired=paired,
    )


def trial_difference(
    session: Session, view: SessionView, trial: TrialView, base: TrialView
) -> MetricDifference | None:
    """Compute the paired difference of two trials; TunerError where they cannot be paired."""
    predictions, base_predictions = (
        read_kept_predictions(session, trial),
        read_kept_predictions(session, base),
    )
    if not have_same_rows(predictions, base_predictions):
        raise TunerError(f"trials {trial.number} and {base.number} were scored on different rows")
    return prediction_difference(
        predictions, base_predictions, view.metric, view.labels, _mean_losses(trial, base)
    )


def _mean_losses(*trials: TrialView) -> tuple[float, float]:
    first, second = (kept_or_last_evaluation(trial) for trial in trials)
    if first is None or second is None:
        return math.nan, math.nan
    return first.metrics.get("loss", math.nan), second.metrics.get("loss", math.nan)


def prediction_difference(
    first: Predictions,
    second: Predictions,
    metric: str,
    labels: Sequence[str],
    losses: tuple[float, float],
) -> MetricDifference | None:
    """Compute a metric's difference on the same rows; `losses` are the mean losses."""
    if metric != "loss":
        return paired_difference(first.gold, first.predicted, second.predicted, metric, labels)
    first_losses, second_losses = (
        losses_of_rows(first, losses[0]),
        losses_of_rows(second, losses[1]),
    )
    return (
        paired_loss_difference(first_losses, second_losses)
        if len(first_losses) == len(second_losses)
        else None
    )


def losses_of_rows(predictions: Predictions, mean: float) -> list[float]:
    """Compute every row's loss from its stored probability; [] where these were not written.

    `mean` is the loss as the trainer had it. A probability too small for float16 was written as 0:
    such rows share what the others leave of the mean, and all are moved by what rounding took.
    """
    gold_probabilities = [
        probabilities[gold]
        for gold, probabilities in (
            (gold, predictions.label_probabilities(position))
            for position, gold in enumerate(predictions.gold)
        )
        if gold < len(probabilities)
    ]
    if (
        not gold_probabilities
        or len(gold_probabilities) != len(predictions)
        or not math.isfinite(mean)
    ):
        return []
    floor = -math.log(_SMALLEST_HALF)
    unexplained_loss = mean * len(gold_probabilities) - math.fsum(
        -math.log(probability) for probability in gold_probabilities if probability
    )
    loss_of_zeros = max(unexplained_loss / max(1, gold_probabilities.count(0.0)), floor)
    losses = [
        -math.log(probability) if probability else loss_of_zeros
        for probability in gold_probabilities
    ]
    shift = mean - math.fsum(losses) / len(losses)
    return [loss + shift for loss in losses]
