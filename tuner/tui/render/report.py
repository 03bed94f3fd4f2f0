"""How well each class is found: precision, recall, F1 and support, from two classes to hundreds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from rich.cells import cell_len

from tuner.tui.charts.bars import share_bar
from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import ClassScores, Matrix, class_scores, share_text
from tuner.tui.render.names import distinct, fit
from tuner.tui.render.styles import Styles

Sorting = Literal["worst", "best", "label", "support"]
FIELDS = ("precision", "recall", "f1")
MEANS = ("macro mean", "weighted")
SORTINGS: tuple[Sorting, ...] = ("worst", "best", "label", "support")
ROOMY = 58
"""From this width on F1 has a bar, too."""

POOR = 0.5
"""Classes with an F1 below this look bad."""

_ORDERS: dict[Sorting, Callable[[ClassScores], tuple[bool, float]]] = {
    "worst": lambda score: (score.n == 0, score.f1 or 0.0),
    "best": lambda score: (score.n == 0, -(score.f1 or 0.0)),
    "label": lambda _score: (False, 0.0),
    "support": lambda score: (False, -float(score.n)),
}


def report_lines(
    confusion: Matrix, labels: Sequence[str], width: int, styles: Styles, sorting: Sorting
) -> Lines:
    """A line for each class, and below them the means over the classes that have rows."""
    scores = sorted(class_scores(confusion, labels), key=_ORDERS[sorting])
    cell = 8 if width >= ROOMY else 6
    bar = min(width // 4, 24) if width >= ROOMY else 0
    name = _name_width(scores, width - 4 * cell - bar)
    head = fit("", name) + "".join(f"{title:>{cell}}" for title in ("PREC", "REC", "F1", "ROWS"))
    lines: Lines = [[(head, styles.muted)]]
    names = distinct([score.label for score in scores], name)
    for score, label in zip(scores, names, strict=True):
        cells = _cells((score.precision, score.recall, score.f1), score.n, cell)
        style = styles.failed if score.n and (score.f1 or 0.0) < POOR else styles.complete
        drawn = f"  {share_bar(score.f1 or 0.0, bar - 2)}" if bar else ""
        lines.append([(fit(label, name), styles.heading), (cells, styles.text), (drawn, style)])
    return [*lines, [], *_means(scores, name, cell, styles)]


def _name_width(scores: Sequence[ClassScores], room: int) -> int:
    longest = max((cell_len(score.label) for score in scores), default=0)
    return max(min(longest, room, 40), len(MEANS[0]))


def _cells(shares: Sequence[float | None], rows: int, cell: int) -> str:
    return "".join(f"{share_text(share):>{cell}}" for share in shares) + f"{rows:>{cell}}"


def _means(scores: Sequence[ClassScores], name: int, cell: int, styles: Styles) -> Lines:
    present = [score for score in scores if score.n]
    if not present:
        return []
    lines: Lines = []
    for title, weights in zip(MEANS, ([1] * len(present), [s.n for s in present]), strict=True):
        means = [_mean([getattr(score, field) for score in present], weights) for field in FIELDS]
        cells = _cells(means, sum(score.n for score in present), cell)
        lines.append([(fit(title, name) + cells, styles.muted)])
    return lines


def _mean(values: Sequence[float | None], weights: Sequence[int]) -> float:
    """A class that was never answered has no precision: it counts as 0, as macro F1 has it."""
    pairs = zip(values, weights, strict=True)
    return sum((value or 0.0) * weight for value, weight in pairs) / sum(weights)
