"""Precision, recall, F1 and support of each class, from two classes to hundreds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from rich.cells import cell_len

from tuner.render.charts.inline_bars import draw_share_bar
from tuner.render.confusion_cells import (
    ClassScores,
    ConfusionMatrix,
    compute_class_scores,
    short_score_text,
)
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles
from tuner.render.text_fitting import fit_text, shorten_distinctly

ClassOrder = Literal["worst", "best", "label", "support"]
FIELDS = ("precision", "recall", "f1")
MEANS = ("macro mean", "weighted")
CLASS_ORDERS: tuple[ClassOrder, ...] = ("worst", "best", "label", "support")
ROOMY_WIDTH = 58
"""From this width on F1 has a bar, too."""

POOR_F1 = 0.5
"""Classes with an F1 below this look bad."""

_SORT_KEYS: dict[ClassOrder, Callable[[ClassScores], tuple[bool, float]]] = {
    "worst": lambda score: (score.row_count == 0, score.f1 or 0.0),
    "best": lambda score: (score.row_count == 0, -(score.f1 or 0.0)),
    "label": lambda _score: (False, 0.0),
    "support": lambda score: (False, -float(score.row_count)),
}


def class_report_lines(
    confusion: ConfusionMatrix,
    labels: Sequence[str],
    width: int,
    styles: Styles,
    class_order: ClassOrder,
) -> Lines:
    """Draw a line for each class, and below them the means over the classes that have rows."""
    scores = sorted(compute_class_scores(confusion, labels), key=_SORT_KEYS[class_order])
    cell = 8 if width >= ROOMY_WIDTH else 6
    bar = min(width // 4, 24) if width >= ROOMY_WIDTH else 0
    name = _name_column_width(scores, width - 4 * cell - bar)
    head = fit_text("", name) + "".join(
        f"{title:>{cell}}" for title in ("PREC", "REC", "F1", "ROWS")
    )
    lines: Lines = [[(head, styles.muted)]]
    names = shorten_distinctly([score.label for score in scores], name)
    for score, label in zip(scores, names, strict=True):
        cells = _number_cells((score.precision, score.recall, score.f1), score.row_count, cell)
        style = (
            styles.failed if score.row_count and (score.f1 or 0.0) < POOR_F1 else styles.complete
        )
        bar_text = f"  {draw_share_bar(score.f1 or 0.0, bar - 2)}" if bar else ""
        lines.append(
            [(fit_text(label, name), styles.heading), (cells, styles.text), (bar_text, style)]
        )
    return [*lines, [], *_mean_lines(scores, name, cell, styles)]


def _name_column_width(scores: Sequence[ClassScores], room: int) -> int:
    longest = max((cell_len(score.label) for score in scores), default=0)
    return max(min(longest, room, 40), len(MEANS[0]))


def _number_cells(shares: Sequence[float | None], rows: int, cell: int) -> str:
    return "".join(f"{short_score_text(share):>{cell}}" for share in shares) + f"{rows:>{cell}}"


def _mean_lines(scores: Sequence[ClassScores], name: int, cell: int, styles: Styles) -> Lines:
    present = [score for score in scores if score.row_count]
    if not present:
        return []
    lines: Lines = []
    for title, weights in zip(
        MEANS, ([1] * len(present), [s.row_count for s in present]), strict=True
    ):
        means = [
            _weighted_mean([getattr(score, field) for score in present], weights)
            for field in FIELDS
        ]
        cells = _number_cells(means, sum(score.row_count for score in present), cell)
        lines.append([(fit_text(title, name) + cells, styles.muted)])
    return lines


def _weighted_mean(values: Sequence[float | None], weights: Sequence[int]) -> float:
    """Count the precision of a class that was never predicted as 0, as macro F1 does."""
    pairs = zip(values, weights, strict=True)
    return sum((value or 0.0) * weight for value, weight in pairs) / sum(weights)
