"""The confusion matrix: shaded, with its numbers, from two classes to two hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tuner.render.confusion_cells import (
    ClassScores,
    ConfusionMatrix,
    MatrixCells,
    cell_meta_style,
    compute_class_scores,
    count_correct,
    label_name_at,
    shade_level,
    short_score_text,
)
from tuner.render.confusion_cells import Mode as Mode
from tuner.render.confusion_grid import fit_boxed_grid, fit_compact_grid
from tuner.render.renderable_lines import Lines, RenderableLines
from tuner.render.styles import TERMINAL_STYLES, Styles
from tuner.render.text_fitting import fit_text, pack_into_lines, shorten_distinctly
from tuner.results import format as fmt

TOO_LARGE_FOR_GRID = 24
"""From this many classes on there is no grid that anybody can read."""
MAX_CLASSES = 40
MAX_PAIRS = 10


@dataclass(frozen=True)
class ReferenceMatrix:
    """The matrix of another trial on the same rows; `subtract` shows the difference to it."""

    name: str
    confusion: ConfusionMatrix
    subtract: bool = False


def confusion_table(
    confusion: ConfusionMatrix,
    labels: Sequence[str],
    *,
    mode: Mode = "counts",
    width: int | None = None,
    styles: Styles = TERMINAL_STYLES,
) -> RenderableLines:
    """Return the matrix and the scores per class as a Rich renderable.

    `mode` "row" shows each cell as percent of its row, "column" of its column. `width` limits it
    below the console's own. Where a grid does not fit: the scores per class and the most confused
    pairs.
    """
    return RenderableLines(
        lambda cells: confusion_lines(confusion, labels, cells, styles, mode), width
    )


def confusion_lines(
    confusion: ConfusionMatrix,
    labels: Sequence[str],
    width: int,
    styles: Styles,
    mode: Mode = "counts",
    *,
    height: int = 0,
    against: ReferenceMatrix | None = None,
    max_classes: int | None = MAX_CLASSES,
) -> Lines:
    """Draw `confusion_table` in lines of at most `width` cells.

    Boxed where that and the summary fit in `height` lines. Of many classes, the `most` worst.
    """
    if not confusion or not any(map(sum, confusion)):
        return [[("no row was evaluated", styles.muted)]]
    scores = compute_class_scores(confusion, labels)
    summary = confusion_summary_lines(confusion, scores, width, styles, against)
    cells = MatrixCells(confusion, mode, reference_to_subtract(confusion, against))
    if len(confusion) < TOO_LARGE_FOR_GRID:
        boxed = fit_boxed_grid(cells, scores, width, height - len(summary))
        grid = boxed or fit_compact_grid(cells, scores, width)
        if grid is not None:
            gap: Lines = [] if boxed and boxed.height + len(summary) >= height else [[]]
            return [*grid.draw_grid(styles), *gap, *summary]
    pairs = _confused_pair_lines(
        confusion, labels, width, styles, reference_to_subtract(confusion, against)
    )
    return [*summary, [], *pairs, [], *_class_list_lines(scores, width, styles, max_classes)]


def fits_as_grid(
    confusion: ConfusionMatrix,
    labels: Sequence[str],
    width: int,
    mode: Mode = "counts",
    against: ReferenceMatrix | None = None,
) -> bool:
    if len(confusion) >= TOO_LARGE_FOR_GRID:
        return False
    cells = MatrixCells(confusion, mode, reference_to_subtract(confusion, against))
    return fit_compact_grid(cells, compute_class_scores(confusion, labels), width) is not None


def reference_to_subtract(
    confusion: ConfusionMatrix, against: ReferenceMatrix | None
) -> ConfusionMatrix | None:
    """Return the other trial's matrix where the difference is asked for and has a meaning."""
    if against is None or not against.subtract or len(against.confusion) != len(confusion):
        return None
    return against.confusion


def confusion_summary_lines(
    confusion: ConfusionMatrix,
    scores: Sequence[ClassScores],
    width: int,
    styles: Styles,
    against: ReferenceMatrix | None = None,
) -> Lines:
    """Say how many are correct, accuracy, macro F1, and how that compares."""
    total, correct = sum(map(sum, confusion)), count_correct(confusion)
    f1 = [score.f1 for score in scores if score.f1 is not None]
    pieces = [f"{correct} of {total} correct", f"accuracy {fmt.format_score(correct / total, 5)}"]
    pieces += [f"macro F1 {fmt.format_score(sum(f1) / len(f1), 5)}"] if f1 else []
    if against is not None:
        pieces.append(_correct_change_text(correct, against))
    lines = pack_into_lines(pieces, " · ", width, head="  ", indent="  ")
    return [[(line, styles.muted)] for line in lines]


def _correct_change_text(correct: int, against: ReferenceMatrix) -> str:
    change = correct - count_correct(against.confusion)
    return f"Δ vs {against.name} {fmt.format_signed_count(change)} correct"


def _class_list_lines(
    scores: Sequence[ClassScores], width: int, styles: Styles, max_classes: int | None
) -> Lines:
    worst = sorted(scores, key=lambda score: (score.row_count == 0, score.f1 or 0.0))[:max_classes]
    lines: Lines = [[("  classes, the worst first", styles.heading)]]
    lines += _class_table_lines(worst, width, styles)
    if hidden_count := len(scores) - len(worst):
        lines.append([(f"  … and {hidden_count} better ones not shown", styles.muted)])
    return lines


def _class_table_lines(scores: Sequence[ClassScores], width: int, styles: Styles) -> Lines:
    titles = ("n", "PREC", "RECALL", "F1") if width >= 36 else ("n", "F1")
    cell = 8 if width >= 48 else 7
    longest = max(cell_len(score.label) for score in scores)
    name = max(4, min(longest, width - 2 - cell * len(titles), 30))
    head = f"  {fit_text('', name)}" + "".join(f"{title:>{cell}}" for title in titles)
    lines: Lines = [[(head, styles.muted)]]
    for score, label in zip(
        scores, shorten_distinctly([s.label for s in scores], name), strict=True
    ):
        values = (
            str(score.row_count),
            *map(short_score_text, (score.precision, score.recall, score.f1)),
        )
        value_by_title = dict(zip(("n", "PREC", "RECALL", "F1"), values, strict=True))
        cells = "".join(f"{value_by_title[title]:>{cell}}" for title in titles)
        lines.append([("  " + fit_text(label, name), styles.heading), (cells, styles.text)])
    return lines


def _confused_pair_lines(
    confusion: ConfusionMatrix,
    labels: Sequence[str],
    width: int,
    styles: Styles,
    reference: ConfusionMatrix | None,
) -> Lines:
    """List the most frequent errors, or where most has changed against another matrix."""
    pairs = [
        (count - (reference[row][column] if reference else 0), row, column)
        for row, counts in enumerate(confusion)
        for column, count in enumerate(counts)
        if row != column
    ]
    pairs = sorted((pair for pair in pairs if pair[0]), key=lambda p: (-abs(p[0]), p[1:]))
    top_pairs = pairs[:MAX_PAIRS]
    lines: Lines = [[("  most changed" if reference else "  most confused", styles.heading)]]
    if not top_pairs:
        nothing = "the same rows are wrong" if reference else "every row is correct"
        lines.append([(f"  nothing: {nothing}", styles.muted)])
    room = max(4, min((width - 12) // 2, 24))
    names = shorten_distinctly(
        [label_name_at(labels, index) for index in range(len(confusion))], room
    )
    longest = max((cell_len(names[row]) for _, row, _ in top_pairs), default=0)
    for count, row, column in top_pairs:
        ramp = styles.good if count < 0 else styles.bad
        tone = ramp[shade_level(abs(count) / max(sum(confusion[row]), 1))]
        number = fmt.format_signed_count(count) if reference else str(count)
        pair = f" {fit_text(names[row], longest)} → {names[column]}"
        pointer_style = cell_meta_style(row, column)
        lines.append(
            [(f"  {number:>5}", tone + pointer_style), (pair, styles.text + pointer_style)]
        )
    return lines
