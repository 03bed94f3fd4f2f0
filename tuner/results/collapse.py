"""Detect collapsed models: those that predict one label whatever the row.

Mosbach et al. (2021, arXiv 2006.04884) describe such runs: the gradients vanish early, the training
loss stays at that of guessing, and the score is the share of one label.

One label for all rows is no proof. With many labels, or where most rows have one, that is how every
model begins: it learns the label frequencies first and reads the rows afterwards. So a trial has
collapsed if, over a good part of its schedule after warmup,

- every evaluation predicts one label for all rows, with probabilities that do not depend on the row
  and do not come to depend on it either;
- the training loss is not below that of predicting the label frequencies, beyond noise: no
  prediction that is the same for all rows can be (that loss is the entropy of the frequencies);
- the loss is not falling beyond noise, as it does on the way to those frequencies.

The noise is that of the difference to those frequencies on the same batches: the labels that a
batch happens to hold move both losses alike and cancel out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tuner.results.format import format_score as format_score
from tuner.results.metrics import Confusion

MIN_SHARE = 1 / 3
"""Of the schedule: on 95 : 5 data models were seen to begin to learn after a quarter of it."""
MIN_EVALUATIONS = 2
MIN_UPDATES = 10
NOISE_STANDARD_ERRORS = 3.0
"""Standard errors that are no more than noise."""
MAX_CONSTANT_INFORMATION = 1e-6
"""Nats that an answer tells of its row up to which the answers are the same for all rows: for two
labels, probabilities less than 0.001 apart. Models with a fresh head were seen to begin at 4e-5 and
more, and what had collapsed was at 1e-7 and less."""
LEARNING_GROWTH, NEGLIGIBLE_INFORMATION = 2.0, 1e-8
"""A model on the point of learning tells ever more of its rows, from next to nothing on."""


class Evaluation(Protocol):
    """What is needed of an evaluation.

    `share` of the schedule is 0…1, the losses are as in `Evaluated`.
    """

    @property
    def confusion(self) -> Confusion: ...
    @property
    def share(self) -> float: ...
    @property
    def train_loss(self) -> float: ...
    @property
    def updates(self) -> int: ...
    @property
    def guess_loss(self) -> float: ...
    @property
    def loss_spread(self) -> float: ...
    @property
    def row_information(self) -> float | None: ...


def label_frequency_losses(counts: Sequence[int], smoothing: float = 0.0) -> list[float]:
    """Return what predicting the label frequencies loses on a row of each label, in nats.

    Its mean over the rows is the entropy of the frequencies: no prediction that is the same for all
    rows loses less. With label smoothing, that of the frequencies of the smoothed labels.
    """
    n, k = sum(counts), len(counts)
    answer = [(1.0 - smoothing) * count / n + smoothing / k for count in counts]
    surprise = [-math.log(share) if share else 0.0 for share in answer]
    spread = smoothing / k * math.fsum(surprise)
    return [(1.0 - smoothing) * label_loss + spread for label_loss in surprise]


def detect_collapse(
    evaluations: Sequence[Evaluation], warmup: float, running: int | None = None
) -> tuple[int, str] | None:
    """Return the label and the reason if the latest evaluations show that the model collapsed.

    They are as many as span `MIN_SHARE` of the schedule after warmup (a share of it), or `running`
    where that is given. Never where all rows of the validation set have one label, nor from
    evaluations of earlier versions, which did not log what is needed. The label is that of the
    latest one.
    """
    window = _find_judged_window(evaluations, warmup, running)
    label = only_predicted_label(window[-1].confusion) if window else None
    if label is None:
        return None
    half = len(window) // 2
    # Whole and second half: a model that begins to learn late shows it in the second half first.
    whole, before, lately = (
        _pool_loss_statistics(window),
        _pool_loss_statistics(window[:-half]),
        _pool_loss_statistics(window[-half:]),
    )
    if whole.is_below_guessing() or lately.is_below_guessing() or lately.is_falling_since(before):
        return None
    if _most_row_information(window[-half:]) > max(
        NEGLIGIBLE_INFORMATION, LEARNING_GROWTH * _most_row_information(window[:-half])
    ):
        return None
    loss, error, guess = map(format_score, (whole.loss, whole.error, whole.guess))
    return label, (
        f"one label for every row at {len(window)} evaluations in a row, the same prediction "
        f"whatever the row: training loss {loss} ± {error} and not falling, "
        f"where predicting the label frequencies has {guess}"
    )


def _find_judged_window(
    evaluations: Sequence[Evaluation], warmup: float, running: int | None
) -> Sequence[Evaluation]:
    """Return the latest evaluations that suffice to judge, if all are after warmup and constant."""
    updates = 0
    for first in range(len(evaluations) - 1, 0, -1):
        begins, count = evaluations[first - 1].share, len(evaluations) - first
        if begins < warmup or not _is_constant_prediction(evaluations[first]):
            return ()
        updates += evaluations[first].updates
        # Shares are sums of fractions: a third may come out one bit short of a third.
        spans = evaluations[-1].share - begins >= MIN_SHARE - 1e-9
        enough = spans if running is None else count >= running
        if enough and count >= MIN_EVALUATIONS and updates >= MIN_UPDATES:
            return evaluations[first:]
    return ()


def _is_constant_prediction(evaluation: Evaluation) -> bool:
    if not evaluation.updates or _most_row_information([evaluation]) > MAX_CONSTANT_INFORMATION:
        return False
    return only_predicted_label(evaluation.confusion) is not None


def _most_row_information(evaluations: Sequence[Evaluation]) -> float:
    """Return the most that one of them tells of its rows, infinite if it is not known."""
    information_values = [evaluation.row_information for evaluation in evaluations]
    return max(
        math.inf if information is None else information for information in information_values
    )


@dataclass(frozen=True, slots=True)
class _LossStatistics:
    """Means over some updates of the loss and of the loss of guessing, and the standard error."""

    loss: float
    guess: float
    error: float

    @property
    def excess_over_guessing(self) -> float:
        return self.loss - self.guess

    def is_below_guessing(self) -> bool:
        return self.excess_over_guessing < -NOISE_STANDARD_ERRORS * self.error

    def is_falling_since(self, earlier: _LossStatistics) -> bool:
        # The two means are of different updates: their errors are independent and add by squares.
        return (
            earlier.excess_over_guessing - self.excess_over_guessing
            > NOISE_STANDARD_ERRORS * math.hypot(earlier.error, self.error)
        )


def _pool_loss_statistics(evaluations: Sequence[Evaluation]) -> _LossStatistics:
    """Merge the statistics of several evaluations as if all updates were one sample."""
    count = sum(evaluation.updates for evaluation in evaluations)
    loss = (
        math.fsum(evaluation.updates * evaluation.train_loss for evaluation in evaluations) / count
    )
    guess = (
        math.fsum(evaluation.updates * evaluation.guess_loss for evaluation in evaluations) / count
    )
    # The sum of squares within each evaluation, and between their means: together that of all
    # updates, as if each had been logged.
    squares = math.fsum(
        (evaluation.updates - 1) * evaluation.loss_spread**2
        + evaluation.updates * (evaluation.train_loss - evaluation.guess_loss - (loss - guess)) ** 2
        for evaluation in evaluations
    )
    return _LossStatistics(loss, guess, math.sqrt(squares / max(1, count - 1) / count))


def only_predicted_label(confusion: Confusion) -> int | None:
    """Return the label predicted for all rows; None if several labels are predicted.

    None, too, if the rows themselves have one label only: then one prediction is no fault.
    """
    only: int | None = None
    for row in confusion:
        for label, count in enumerate(row):
            if count and label != only:
                if only is not None:
                    return None
                only = label
    return only if sum(map(any, confusion)) > 1 else None
