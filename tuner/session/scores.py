"""What a trial's score is worth: its interval, the majority's score beside it, and a gain.

Commands, screens and files ask here, so that they all have the same figures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tuner.errors import TunerError
from tuner.recipe.origins import BASELINE
from tuner.results.collapse import only_label
from tuner.results.intervals import Interval, loss_interval, metric_interval
from tuner.results.majority import Majority, majority
from tuner.results.metrics import (
    Confusion,
    correct,
    gain,
    gold_counts,
    mcc,
    total,
)
from tuner.results.paired import (
    Difference,
    paired_difference,
    paired_loss_difference,
    unpaired_difference,
)
from tuner.session.events import TestScored
from tuner.session.folder import Session
from tuner.session.kept import shown_evaluation
from tuner.session.predictions import Predictions, kept_predictions, same_rows
from tuner.session.view import SessionView, TrialState, TrialView

_SMALLEST_HALF = 2.0**-24
"""The smallest probability that float16 holds; what is less was written as 0."""


@dataclass(frozen=True, slots=True)
class Score:
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
    def above_majority(self) -> bool | None:
        """Whether it is better than the majority by more than its interval; None if not known."""
        if self.majority is None:
            return None
        better = gain(self.metric, self.value, self.majority.value) > 0
        if not better or self.interval is None:
            return None if better else False
        return not self.interval.holds(self.majority.value)

    @property
    def below_majority(self) -> bool:
        """Whether it is worse than the majority by more than its interval."""
        if self.majority is None or self.interval is None:
            return False
        worse = gain(self.metric, self.value, self.majority.value) < 0
        return worse and not self.interval.holds(self.majority.value)


@dataclass(frozen=True, slots=True)
class Gain:
    """How a trial compares with another on the same rows: `difference` is its metric less theirs.

    Where the metric is the accuracy, `rows` more of `of_rows` are correct; else it has no rows.
    `difference` is None where it has no interval; `paired` tells whether it comes of the same rows
    one by one.
    """

    metric: str
    change: float
    rows: int | None
    of_rows: int
    difference: Difference | None
    paired: bool

    @property
    def better(self) -> bool:
        """Whether the change is for the better."""
        return gain(self.metric, self.change, 0.0) > 0


def score_of(session: Session, view: SessionView, trial: TrialView) -> Score | None:
    """A trial's score with its interval, None before its first evaluation."""
    kept = shown_evaluation(trial)
    if kept is None or trial.value is None or not math.isfinite(trial.value):
        return None
    interval = interval_of(session, view, trial)
    return _score(view, trial.number, trial.value, kept.confusion, interval)


def test_score(view: SessionView, scored: TestScored) -> Score:
    """The score on the sealed rows; without their predictions a loss has no interval."""
    confusion = scored.confusion
    value = scored.metrics.get(view.metric, math.nan)
    return _score(view, scored.trial, value, confusion, matrix_interval(view, confusion))


def _score(
    view: SessionView, trial: int, value: float, confusion: Confusion, interval: Interval | None
) -> Score:
    return Score(
        trial=trial,
        metric=view.metric,
        value=value,
        correct=correct(confusion),
        rows=total(confusion),
        mcc=mcc(confusion),
        interval=interval,
        majority=majority_of(view, confusion),
        only_label=_only_label(view, confusion),
    )


def _only_label(view: SessionView, confusion: Confusion) -> str | None:
    labels, only = _labels(view, confusion), only_label(confusion)
    return labels[only] if labels and only is not None else None


def interval_of(
    session: Session, view: SessionView, trial: TrialView, metric: str = ""
) -> Interval | None:
    """The interval of a metric, the search's where none is named, at the kept evaluation."""
    kept, metric = shown_evaluation(trial), metric or view.metric
    if kept is None:
        return None
    if metric != "loss":
        return metric_interval(metric, kept.confusion, _labels(view, kept.confusion))
    try:
        losses = row_losses(kept_predictions(session, trial), kept.metrics.get("loss", math.nan))
    except TunerError:
        return None
    return loss_interval(losses)


def matrix_interval(view: SessionView, confusion: Confusion) -> Interval | None:
    """The interval of the search's metric, where it follows from a confusion matrix."""
    return metric_interval(view.metric, confusion, _labels(view, confusion))


def majority_of(view: SessionView, confusion: Confusion, metric: str = "") -> Majority | None:
    """What the most frequent label would score on the rows of a matrix; see `interval_of`."""
    labels = _labels(view, confusion)
    if not labels:
        return None
    return majority(metric or view.metric, gold_counts(confusion), labels, view.label_counts)


def validation_majority(view: SessionView) -> Majority | None:
    """The majority's score on the validation rows, None before the first evaluation."""
    evaluations = (trial.evaluations[0] for trial in view.trials.values() if trial.evaluations)
    first = next(evaluations, None)
    return None if first is None else majority_of(view, first.confusion)


def _labels(view: SessionView, confusion: Confusion) -> Sequence[str]:
    """The labels of a matrix; none where a log does not name as many as the matrix has."""
    return view.labels if len(view.labels) == len(confusion) else ()


def baseline_trial(view: SessionView) -> TrialView | None:
    """The published recipe's trial, where it ran to its end."""
    for trial in view.trials.values():
        if trial.origin == BASELINE and trial.state is TrialState.COMPLETE:
            return trial
    return None


def gain_over(
    session: Session, view: SessionView, trial: TrialView, base: TrialView
) -> Gain | None:
    """How a trial compares with another of the same session, None where one has no score."""
    ours, theirs = shown_evaluation(trial), shown_evaluation(base)
    if ours is None or theirs is None or trial.value is None or base.value is None:
        return None
    try:
        difference = trial_difference(session, view, trial, base)
        paired = True
    except TunerError:
        labels = _labels(view, ours.confusion)
        difference = unpaired_difference(ours.confusion, theirs.confusion, view.metric, labels)
        paired = False
    rows = correct(ours.confusion) - correct(theirs.confusion)
    return Gain(
        metric=view.metric,
        change=trial.value - base.value,
        rows=rows if view.metric == "accuracy" else None,
        of_rows=total(ours.confusion),
        difference=difference,
        paired=paired,
    )


def trial_difference(
    session: Session, view: SessionView, trial: TrialView, base: TrialView
) -> Difference | None:
    """The paired difference of two trials; TunerError where their predictions cannot be paired."""
    one, other = kept_predictions(session, trial), kept_predictions(session, base)
    if not same_rows(one, other):
        raise TunerError(f"trials {trial.number} and {base.number} were scored on other rows")
    return prediction_difference(one, other, view.metric, view.labels, _losses(trial, base))


def _losses(*trials: TrialView) -> tuple[float, float]:
    first, second = (shown_evaluation(trial) for trial in trials)
    if first is None or second is None:
        return math.nan, math.nan
    return first.metrics.get("loss", math.nan), second.metrics.get("loss", math.nan)


def prediction_difference(
    first: Predictions,
    second: Predictions,
    metric: str,
    labels: Sequence[str],
    losses: tuple[float, float],
) -> Difference | None:
    """The difference of a metric between predictions of the same rows; `losses` are their means."""
    if metric != "loss":
        return paired_difference(first.gold, first.predicted, second.predicted, metric, labels)
    one, other = row_losses(first, losses[0]), row_losses(second, losses[1])
    return paired_loss_difference(one, other) if len(one) == len(other) else None


def row_losses(predictions: Predictions, mean: float) -> list[float]:
    """The loss of every row, from its stored probability; () where these were not written.

    `mean` is the loss as the trainer had it. A probability too small for float16 was written as 0:
    such rows share what the others leave of the mean, and all are moved by what rounding took.
    """
    chosen = [
        probabilities[gold]
        for gold, probabilities in (
            (gold, predictions.probabilities(position))
            for position, gold in enumerate(predictions.gold)
        )
        if gold < len(probabilities)
    ]
    if not chosen or len(chosen) != len(predictions) or not math.isfinite(mean):
        return []
    floor = -math.log(_SMALLEST_HALF)
    rest = mean * len(chosen) - math.fsum(-math.log(each) for each in chosen if each)
    lost = max(rest / max(1, chosen.count(0.0)), floor)
    losses = [-math.log(each) if each else lost for each in chosen]
    moved = mean - math.fsum(losses) / len(losses)
    return [loss + moved for loss in losses]
