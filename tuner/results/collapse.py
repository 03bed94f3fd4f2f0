"""The collapse radar: models that answer one label whatever they are asked.

Mosbach et al. (2021, arXiv 2006.04884) describe such runs: the gradients vanish early, the training
loss stays at that of guessing, and the score is the share of one label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from tuner.results.metrics import Confusion, gold_counts, mcc, predicted_counts

FALLING_BELOW = 0.98
"""A training loss that is at least this share of the one before counts as not falling."""


class Evaluation(Protocol):
    """What the radar looks at; share of the schedule is 0…1."""

    @property
    def confusion(self) -> Confusion: ...
    @property
    def share(self) -> float: ...
    @property
    def train_loss(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Radar:
    """How the answers spread over the labels. `entropy` is in bits, `most_share` 0…1."""

    labels_predicted: int
    most_frequent: int
    most_share: float
    entropy: float
    mcc: float


def radar(confusion: Confusion) -> Radar:
    """The spread of a model's answers; of a matrix with at least one row."""
    counts = predicted_counts(confusion)
    n = sum(counts)
    shares = [count / n for count in counts if count]
    most = max(range(len(counts)), key=counts.__getitem__)
    entropy = math.fsum(-share * math.log2(share) for share in shares)
    return Radar(len(shares), most, counts[most] / n, abs(entropy), mcc(confusion))


def collapse_reason(evaluations: Sequence[Evaluation], warmup: float) -> tuple[int, str] | None:
    """The label and the reason if the two latest evaluations tell that the model collapsed.

    That is: both after warmup (a share of the schedule), each with one label predicted for all
    rows, and the training loss of the later at least `FALLING_BELOW` times that of the earlier.
    Never where all rows of the validation set have one label. The label is the latest one.
    """
    if len(evaluations) < 2:
        return None
    earlier, later = evaluations[-2:]
    if earlier.share <= warmup or sum(count > 0 for count in gold_counts(later.confusion)) < 2:
        return None
    labels = [_only_label(evaluation.confusion) for evaluation in (earlier, later)]
    falling = not later.train_loss >= FALLING_BELOW * earlier.train_loss
    if labels[0] is None or labels[1] is None or falling:
        return None
    return labels[1], (
        "one label for every row at two evaluations running, "
        f"training loss {earlier.train_loss:.4f} then {later.train_loss:.4f}"
    )


def _only_label(confusion: Confusion) -> int | None:
    predicted = [label for label, count in enumerate(predicted_counts(confusion)) if count]
    return predicted[0] if len(predicted) == 1 else None
