"""The collapse radar."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from tuner.results.collapse import collapse_reason, radar

ONE = [[76, 0], [62, 0]]
OTHER = [[0, 76], [0, 62]]
BOTH = [[75, 1], [62, 0]]


@dataclass(frozen=True)
class Evaluation:
    """What the radar looks at."""

    confusion: list[list[int]]
    share: float
    train_loss: float


def curve(*points: tuple[list[list[int]], float, float]) -> list[Evaluation]:
    """Evaluations of (confusion, share, training loss)."""
    return [Evaluation(*point) for point in points]


@pytest.mark.parametrize(
    ("points", "label"),
    [
        ([(ONE, 0.2, 0.693), (ONE, 0.4, 0.693)], 0),
        ([(ONE, 0.2, 0.693), (OTHER, 0.4, 0.70)], 1),
        ([(BOTH, 0.1, 0.693), (OTHER, 0.2, 0.693), (OTHER, 0.3, 0.693)], 1),
        ([(ONE, 0.2, 0.70), (ONE, 0.4, 0.686)], 0),
    ],
)
def test_collapsed(points: list[tuple[list[list[int]], float, float]], label: int) -> None:
    found = collapse_reason(curve(*points), 0.06)
    assert found is not None
    assert found[0] == label
    assert "one label for every row at two evaluations running, training loss" in found[1]


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(ONE, 0.4, 0.693)],
        [(ONE, 0.2, 0.693), (BOTH, 0.4, 0.693)],
        [(BOTH, 0.2, 0.693), (ONE, 0.4, 0.693)],
        [(ONE, 0.2, 0.693), (BOTH, 0.4, 0.693), (ONE, 0.6, 0.693)],
        [(ONE, 0.2, 0.70), (ONE, 0.4, 0.68)],
        [(ONE, 0.06, 0.693), (ONE, 0.2, 0.693)],
        [(ONE, 0.03, 0.693), (ONE, 0.05, 0.693)],
        [(ONE, 0.2, 0.693), (ONE, 0.4, math.nan)],
        [([[138, 0], [0, 0]], 0.2, 0.693), ([[138, 0], [0, 0]], 0.4, 0.693)],
        [([[0, 138], [0, 0]], 0.2, 0.693), ([[0, 138], [0, 0]], 0.4, 0.693)],
        [([[138]], 0.2, 0.0), ([[138]], 0.4, 0.0)],
    ],
)
def test_not_collapsed(points: list[tuple[list[list[int]], float, float]]) -> None:
    assert collapse_reason(curve(*points), 0.06) is None


def test_radar() -> None:
    seen = radar([[30, 10], [10, 30]])
    assert (seen.labels_predicted, seen.most_frequent, seen.most_share) == (2, 0, 0.5)
    assert seen.entropy == pytest.approx(1.0)
    assert seen.mcc == 0.5
    one = radar(OTHER)
    assert (one.labels_predicted, one.most_frequent, one.most_share) == (1, 1, 1.0)
    assert (one.entropy, one.mcc) == (0.0, 0.0)
