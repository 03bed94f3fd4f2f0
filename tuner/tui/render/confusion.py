"""The confusion matrix: shaded, with its numbers, from two classes to two hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tuner.results import format as fmt
from tuner.results.format import MINUS
from tuner.tui.render.confusion_grid import boxed_grid, close_grid
from tuner.tui.render.lined import Lined, Lines
from tuner.tui.render.matrix import (
    Cells,
    ClassScores,
    Matrix,
    class_scores,
    label_of,
    pointed,
    right_answers,
    shade,
    share_text,
)
from tuner.tui.render.matrix import Mode as Mode
from tuner.tui.render.names import distinct, fit
from tuner.tui.render.styles import TERMINAL, Styles

LARGE = 24
"""From this many classes on there is no grid that anybody can read."""
MOST_CLASSES = 40
MOST_PAIRS = 10


@dataclass(frozen=True)
class Against:
    """The matrix of another trial on the same rows; `subtract` shows the difference to it."""

    name: str
    confusion: Matrix
    subtract: bool = False


def confusion_table(
    confusion: Matrix,
    labels: Sequence[str],
    *,
    mode: Mode = "counts",
    width: int | None = None,
    styles: Styles = TERMINAL,
) -> Lined:
    """The matrix and the scores per class, as a Rich renderable.

    `mode` "row" shows each cell as percent of its row, "column" of its column. `width` limits it
    below the console's own. Where a grid does not fit: the scores per class and the most confused
    pairs.
    """
    return Lined(lambda cells: confusion_lines(confusion, labels, cells, styles, mode), width)


def confusion_lines(
    confusion: Matrix,
    labels: Sequence[str],
    width: int,
    styles: Styles,
    mode: Mode = "counts",
    *,
    height: int = 0,
    against: Against | None = None,
    most: int | None = MOST_CLASSES,
) -> Lines:
    """`confusion_table` as lines of at most `width` cells.

    Boxed where that and the summary fit in `height` lines. Of many classes, the `most` worst.
    """
    if not confusion or not any(map(sum, confusion)):
        return [[("no row was evaluated", styles.muted)]]
    scores = class_scores(confusion, labels)
    summary = summary_lines(confusion, scores, width, styles, against)
    cells = Cells(confusion, mode, subtracted(confusion, against))
    if len(confusion) < LARGE:
        boxed = boxed_grid(cells, scores, width, height - len(summary))
        grid = boxed or close_grid(cells, scores, width)
        if grid is not None:
            gap: Lines = [] if boxed and boxed.height + len(summary) >= height else [[]]
            return [*grid.draw(styles), *gap, *summary]
    pairs = _pairs(confusion, labels, width, styles, subtracted(confusion, against))
    return [*summary, [], *pairs, [], *_classes(scores, width, styles, most)]


def has_grid(
    confusion: Matrix,
    labels: Sequence[str],
    width: int,
    mode: Mode = "counts",
    against: Against | None = None,
) -> bool:
    """Whether the matrix is shown as a grid in this width, not as lists."""
    if len(confusion) >= LARGE:
        return False
    cells = Cells(confusion, mode, subtracted(confusion, against))
    return close_grid(cells, class_scores(confusion, labels), width) is not None


def subtracted(confusion: Matrix, against: Against | None) -> Matrix | None:
    """The other trial's matrix where the difference is asked for and has a meaning."""
    if against is None or not against.subtract or len(against.confusion) != len(confusion):
        return None
    return against.confusion


def summary_lines(
    confusion: Matrix,
    scores: Sequence[ClassScores],
    width: int,
    styles: Styles,
    against: Against | None = None,
) -> Lines:
    """How many are right, accuracy, macro F1, and how that compares."""
    total, right = sum(map(sum, confusion)), right_answers(confusion)
    f1 = [score.f1 for score in scores if score.f1 is not None]
    pieces = [f"{right} of {total} right", f"accuracy {fmt.score(right / total, 5)}"]
    pieces += [f"macro F1 {fmt.score(sum(f1) / len(f1), 5)}"] if f1 else []
    if against is not None:
        pieces.append(_compared(right, against))
    lines = ["  " + pieces[0]]
    for piece in pieces[1:]:
        if cell_len(lines[-1]) + cell_len(piece) + 3 > width:
            lines.append(f"  {piece}")
        else:
            lines[-1] += f" · {piece}"
    return [[(fit(line, width).rstrip(), styles.muted)] for line in lines]


def _compared(right: int, against: Against) -> str:
    change = right - right_answers(against.confusion)
    signed = f"{change:+d}".replace("-", MINUS) if change else "±0"
    return f"Δ vs {against.name} {signed} correct"


def _classes(scores: Sequence[ClassScores], width: int, styles: Styles, most: int | None) -> Lines:
    worst = sorted(scores, key=lambda score: (score.n == 0, score.f1 or 0.0))[:most]
    lines: Lines = [[("  classes, the worst first", styles.heading)]]
    lines += _class_table(worst, width, styles)
    if left := len(scores) - len(worst):
        lines.append([(f"  … and {left} better ones not shown", styles.muted)])
    return lines


def _class_table(scores: Sequence[ClassScores], width: int, styles: Styles) -> Lines:
    titles = ("n", "PREC", "RECALL", "F1") if width >= 36 else ("n", "F1")
    cell = 8 if width >= 48 else 7
    longest = max(cell_len(score.label) for score in scores)
    name = max(4, min(longest, width - 2 - cell * len(titles), 30))
    head = f"  {fit('', name)}" + "".join(f"{title:>{cell}}" for title in titles)
    lines: Lines = [[(head, styles.muted)]]
    for score, label in zip(scores, distinct([s.label for s in scores], name), strict=True):
        found = (str(score.n), *map(share_text, (score.precision, score.recall, score.f1)))
        shown = dict(zip(("n", "PREC", "RECALL", "F1"), found, strict=True))
        cells = "".join(f"{shown[title]:>{cell}}" for title in titles)
        lines.append([("  " + fit(label, name), styles.heading), (cells, styles.text)])
    return lines


def _pairs(
    confusion: Matrix, labels: Sequence[str], width: int, styles: Styles, less: Matrix | None
) -> Lines:
    """What is answered wrong most often, or, less another matrix, where most has changed."""
    found = [
        (count - (less[row][column] if less else 0), row, column)
        for row, counts in enumerate(confusion)
        for column, count in enumerate(counts)
        if row != column
    ]
    found = sorted((pair for pair in found if pair[0]), key=lambda p: (-abs(p[0]), p[1:]))
    shown = found[:MOST_PAIRS]
    lines: Lines = [[("  most changed" if less else "  most confused", styles.heading)]]
    if not shown:
        nothing = "the same rows are wrong" if less else "every row is right"
        lines.append([(f"  nothing: {nothing}", styles.muted)])
    room = max(4, min((width - 12) // 2, 24))
    names = distinct([label_of(labels, index) for index in range(len(confusion))], room)
    longest = max((cell_len(names[row]) for _, row, _ in shown), default=0)
    for count, row, column in shown:
        ramp = styles.good if count < 0 else styles.bad
        tone = ramp[shade(abs(count) / max(sum(confusion[row]), 1))]
        number = f"{count:+d}".replace("-", MINUS) if less else str(count)
        pair = f" {fit(names[row], longest)} → {names[column]}"
        here = pointed(row, column)
        lines.append([(f"  {number:>5}", tone + here), (pair, styles.text + here)])
    return lines
