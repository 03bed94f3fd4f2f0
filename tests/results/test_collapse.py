"""Detection of collapsed models."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import pytest

from tuner.results.collapse import detect_collapse, label_frequency_losses, only_predicted_label

ONE = [[76, 0], [62, 0]]
OTHER = [[0, 76], [0, 62]]
BOTH = [[75, 1], [62, 0]]
FLOOR = 0.693


@dataclass(frozen=True)
class Evaluation:
    """An evaluation: one label, the same answer, a loss at the floor, little noise."""

    share: float = 0.0
    confusion: tuple[tuple[int, ...], ...] | list[list[int]] = ()
    train_loss: float = FLOOR + 0.002
    guess_loss: float = FLOOR
    loss_spread: float = 0.01
    updates: int = 25
    row_information: float | None = 1e-9


DEAD = Evaluation(confusion=ONE)


def trial(*changes: dict[str, object], share: float = 1 / 6) -> list[Evaluation]:
    """Make evaluations one after the other, collapsed but for the changes."""
    numbered_changes = enumerate(changes, start=1)
    return [replace(DEAD, share=n * share, **change) for n, change in numbered_changes]  # type: ignore[arg-type]


def losses(*values: float, **more: object) -> list[dict[str, object]]:
    return [{"train_loss": FLOOR + value, **more} for value in values]


@pytest.mark.parametrize(
    ("evaluations", "label"),
    [
        (trial({}, {}, {}), 0),
        (trial({}, {}, {"confusion": OTHER}), 1),
        (trial({"confusion": BOTH}, {"confusion": OTHER}, {"confusion": OTHER}), 1),
        (trial(*losses(0.5, 0.3, 0.31)), 0),
        (trial(*losses(0.5, 0.9, 0.7, loss_spread=0.6)), 0),
        (trial({"row_information": 0.2}, {}, {}), 0),
        (trial({}, {"row_information": 1e-15}, {"row_information": 9e-9}), 0),
        (trial({}, {}, {}, {}, {}, share=1 / 12), 0),
    ],
)
def test_collapsed(evaluations: list[Evaluation], label: int) -> None:
    judged = detect_collapse(evaluations, 0.06)
    assert judged is not None
    assert judged[0] == label
    assert "one label for every row at" in judged[1]
    assert detect_collapse(evaluations[:-1], 0.06) is None


@pytest.mark.parametrize(
    "evaluations",
    [
        [],
        trial({}),
        trial({}, {"confusion": BOTH}, {}),
        trial({}, {}, {"confusion": BOTH}),
        trial(*losses(0.4, 0.3, 0.2)),  # on its way to the label frequencies
        trial(*losses(0.0, 0.0, -0.007)),  # below them: it reads the rows
        trial({}, {"row_information": 1e-5}, {}),  # one label, and yet not one answer
        trial({}, {"row_information": 1e-8}, {"row_information": 9e-7}),  # ever less so
        trial({}, {}, {}, {}, share=1 / 12),  # a quarter of the schedule is not enough
        trial({}, {"updates": 4}, {"updates": 4}),
        trial({}, {"updates": 0}, {"updates": 0}),  # a log of an earlier version
        trial({}, {"row_information": None}, {}),
        [replace(each, confusion=[[138, 0], [0, 0]]) for each in trial({}, {}, {})],
        [replace(each, confusion=[[0, 138], [0, 0]]) for each in trial({}, {}, {})],
        [replace(each, confusion=[[138]]) for each in trial({}, {}, {})],
    ],
)
def test_not_collapsed(evaluations: list[Evaluation]) -> None:
    assert detect_collapse(evaluations, 0.06) is None


def test_noise_spares_nothing_that_learns_and_warmup_is_not_judged() -> None:
    noisy = trial(*losses(0.0, -0.05, -0.06, loss_spread=0.05))
    assert detect_collapse(noisy, 0.06) is None
    assert detect_collapse(trial(*losses(0.0, -0.005, 0.004, loss_spread=0.05)), 0.06) is not None
    assert detect_collapse(trial({}, {}, {}), 0.2) is None
    assert detect_collapse(trial({}, {}, {}, {}), 0.2) is not None


@pytest.mark.parametrize(("errors", "collapsed"), [(2.9, True), (3.1, False)])
def test_three_standard_errors_below_guessing_are_no_noise(errors: float, collapsed: bool) -> None:
    spread = 0.05
    standard_error = spread * math.sqrt(48 / 49 / 50)  # of two evaluations with 25 updates each
    below = -errors * standard_error
    judged = detect_collapse(trial(*losses(0.0, below, below, loss_spread=spread)), 0.06)
    assert (judged is not None) == collapsed


def test_two_hundred_labels_begin_at_the_floor_and_are_left_to_learn() -> None:
    floor = math.log(200)
    course = [floor + 0.004, floor - 0.003, floor - 0.02, floor - 0.2]
    evaluations = [
        replace(evaluation, train_loss=loss, guess_loss=floor, row_information=0.01)
        for evaluation, loss in zip(trial({}, {}, {}, {}), course, strict=True)
    ]
    assert all(detect_collapse(evaluations[:count], 0.06) is None for count in range(5))


def test_a_number_of_evaluations_takes_the_place_of_the_share() -> None:
    evaluations = trial({}, {}, {}, {}, share=1 / 12)
    assert detect_collapse(evaluations, 0.06, 2) is not None
    assert detect_collapse(evaluations, 0.06, 4) is None
    assert detect_collapse(trial({}, {}, {}), 0.06, 4) is None


def test_the_reason_has_the_figures() -> None:
    judged = detect_collapse(trial({}, {}, {}), 0.06)
    assert judged is not None
    assert "at 2 evaluations in a row" in judged[1]
    assert "training loss 0.6950 ± 0.0014" in judged[1]
    assert "0.6930" in judged[1]


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("counts", [[95, 5], [5, 5, 5], [1] * 200, [7, 0, 3]])
def test_no_constant_answer_loses_less_than_the_label_frequencies(
    counts: list[int], smoothing: float
) -> None:
    costs, n, k = label_frequency_losses(counts, smoothing), sum(counts), len(counts)
    floor = math.fsum(c * cost for c, cost in zip(counts, costs, strict=True)) / n
    targets = [(1 - smoothing) * c / n + smoothing / k for c in counts]
    assert floor == pytest.approx(-math.fsum(t * math.log(t) for t in targets if t))
    if smoothing == 0.0 and len(set(counts)) == 1:
        assert floor == pytest.approx(math.log(k))


@pytest.mark.parametrize(
    ("confusion", "label"),
    [
        (ONE, 0),
        (OTHER, 1),
        (BOTH, None),
        ([[0, 9, 0], [0, 1, 0], [0, 0, 0]], 1),
        ([[9, 0], [0, 0]], None),
        ([[0, 0], [0, 0]], None),
        ([], None),
    ],
)
def test_only_label(confusion: list[list[int]], label: int | None) -> None:
    assert only_predicted_label(confusion) == label
