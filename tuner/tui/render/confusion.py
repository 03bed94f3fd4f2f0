"""The confusion matrix: shaded, with its numbers, from two classes to two hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.cells import cell_len
from rich.style import Style

from tuner.results.format import NONE, plain
from tuner.tui.render.lined import Lined, Lines
from tuner.tui.render.names import fit
from tuner.tui.render.styles import TERMINAL, Run, Styles

Mode = Literal["counts", "row"]
Matrix = Sequence[Sequence[int]]

LARGE = 24
"""From this many classes on there is no grid that anybody can read."""
MOST_CLASSES = 40
MOST_PAIRS = 10
_SHADES = " ░▒▓█"


@dataclass(frozen=True)
class ClassScores:
    """One class: how many rows have it, and how well it was found; None where nothing to divide."""

    label: str
    n: int
    precision: float | None
    recall: float | None
    f1: float | None


def class_scores(confusion: Matrix, labels: Sequence[str]) -> list[ClassScores]:
    """The scores of every class; confusion[i][j] counts label i answered as j."""
    answered = [sum(row[column] for row in confusion) for column in range(len(confusion))]
    return [
        _scores(label_of(labels, index), row[index], sum(row), answered[index])
        for index, row in enumerate(confusion)
    ]


def label_of(labels: Sequence[str], index: int) -> str:
    """A label's name, its number where the names are not known; inert."""
    return plain(labels[index]) if index < len(labels) else str(index)


def _scores(label: str, right: int, gold: int, answered: int) -> ClassScores:
    precision = right / answered if answered else None
    recall = right / gold if gold else None
    f1 = 2 * right / (gold + answered) if gold + answered else None
    return ClassScores(label, gold, precision, recall, f1)


def confusion_table(
    confusion: Matrix,
    labels: Sequence[str],
    *,
    mode: Mode = "counts",
    width: int | None = None,
    styles: Styles = TERMINAL,
) -> Lined:
    """The matrix and the scores per class, as a Rich renderable.

    `mode` "row" shows each cell as percent of its row. `width` limits it below the console's own.
    Where a grid does not fit: the scores per class and the most confused pairs.
    """
    return Lined(lambda cells: confusion_lines(confusion, labels, cells, styles, mode), width)


def confusion_lines(
    confusion: Matrix, labels: Sequence[str], width: int, styles: Styles, mode: Mode = "counts"
) -> Lines:
    """`confusion_table` as lines of at most `width` cells."""
    if not confusion or not any(map(sum, confusion)):
        return [[("no row was evaluated", styles.muted)]]
    layout = _Layout.fitting(confusion, labels, width, mode)
    if layout is None:
        return _large(confusion, labels, width, styles)
    return [*layout.draw(styles), [], *_summary(confusion, labels, width, styles)]


@dataclass(frozen=True)
class _Layout:
    """A grid that fits: `numbered` heads the columns with numbers in the place of names."""

    confusion: Matrix
    scores: list[ClassScores]
    mode: Mode
    name: int
    cell: int
    numbered: bool
    extras: tuple[str, ...]

    @classmethod
    def fitting(
        cls, confusion: Matrix, labels: Sequence[str], width: int, mode: Mode
    ) -> _Layout | None:
        """The roomiest grid for the width, None where none fits."""
        if len(confusion) >= LARGE:
            return None
        scores = class_scores(confusion, labels)
        digits = max(_digits(row) for row in confusion) if mode == "counts" else 4
        least, tight = max(digits, 3) + 2, digits + 2
        longest = max(len("precision"), *(cell_len(score.label) for score in scores))
        for numbered, name, cell, extras in (
            (False, min(longest + 1, 20), max(least, min(longest + 1, 12)), ("n", "RECALL", "F1")),
            (False, min(longest + 1, 14), max(least, min(longest + 1, 9)), ("n", "RECALL", "F1")),
            (False, min(longest + 1, 11), max(least, min(longest + 1, 9)), ("RECALL",)),
            (True, min(longest, 12) + 3, least, ("n", "RECALL", "F1")),
            (True, min(longest, 10) + 3, least, ("RECALL",)),
            (True, 9, least, ()),
            (True, 9, tight, ()),
        ):
            if 2 + name + cell * len(confusion) + 8 * len(extras) <= width:
                return cls(confusion, scores, mode, name, cell, numbered, extras)
        return None

    def draw(self, styles: Styles) -> Lines:
        """Heads, rows and the line of precisions."""
        head = self.cell * len(self.scores)
        predicted = fit("predicted", head) if head < 9 else "predicted".center(head)
        lines: Lines = [[(" " * (2 + self.name) + predicted, styles.muted)], self._heads(styles)]
        lines += [self._row(index, styles) for index in range(len(self.scores))]
        return [*lines, self._precisions(styles)]

    def _heads(self, styles: Styles) -> list[Run]:
        names = [
            _right(str(index + 1) if self.numbered else score.label, self.cell - 1)
            for index, score in enumerate(self.scores)
        ]
        cells = "".join(f"{name} " for name in names)
        actual = fit("actual", 2 + self.name)
        extras = "".join(f"{title:>8}" for title in self.extras)
        return [(actual, styles.muted), (cells, styles.heading), (extras, styles.muted)]

    def _row(self, index: int, styles: Styles) -> list[Run]:
        score = self.scores[index]
        label = f"{index + 1:>2} {score.label}" if self.numbered else score.label
        runs: list[Run] = [("  " + fit(label, self.name), styles.heading)]
        for column in range(len(self.scores)):
            runs.append(self._cell(index, column, styles))
        shown = {"n": str(score.n), "RECALL": _share(score.recall), "F1": _share(score.f1)}
        return [*runs, *((f"{shown[extra]:>8}", styles.muted) for extra in self.extras)]

    def _cell(self, row: int, column: int, styles: Styles) -> Run:
        count, total = self.confusion[row][column], self.scores[row].n
        share = count / total if total else 0.0
        text = f"{100 * share:.0f} %" if self.mode == "row" and total else str(count)
        level = shade(share)
        return _right(text, self.cell - 1) + _SHADES[level], _tone(row == column, level, styles)

    def _precisions(self, styles: Styles) -> list[Run]:
        shares = [_share(score.precision) for score in self.scores]
        if self.cell < 5:
            shares = [share.removeprefix("0")[:3] for share in shares]
        cells = "".join(f"{_right(share, self.cell - 1)} " for share in shares)
        return [("  " + fit("precision", self.name), styles.muted), (cells, styles.muted)]


def shade(share: float) -> int:
    """How dark a cell is, from 0 for nothing to 4; anything at all is at least 1."""
    return 0 if share <= 0 else 1 + min(int(share * 4), 3)


def _tone(right: bool, level: int, styles: Styles) -> Style:
    return (styles.good if right else styles.bad)[level]


def _digits(row: Sequence[int]) -> int:
    return max(len(str(count)) for count in row)


def _share(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _right(text: str, width: int) -> str:
    fitted = fit(text, width)
    return " " * (len(fitted) - len(fitted.rstrip())) + fitted.rstrip()


def _summary(confusion: Matrix, labels: Sequence[str], width: int, styles: Styles) -> Lines:
    total = sum(map(sum, confusion))
    right = sum(row[index] for index, row in enumerate(confusion))
    f1 = [score.f1 for score in class_scores(confusion, labels) if score.f1 is not None]
    pieces = [f"{right} of {total} right", f"accuracy {right / total:.3f}"]
    pieces += [f"macro F1 {sum(f1) / len(f1):.3f}"] if f1 else []
    lines: Lines = []
    line = "  "
    for piece in pieces:
        if len(line) > 2 and len(line) + len(piece) + 3 > width:
            lines.append([(line, styles.muted)])
            line = "  "
        line += piece if len(line) == 2 else f" · {piece}"
    return [*lines, [(line, styles.muted)]]


def _large(confusion: Matrix, labels: Sequence[str], width: int, styles: Styles) -> Lines:
    scores = class_scores(confusion, labels)
    worst = sorted(scores, key=lambda score: (score.n == 0, score.f1 or 0.0))
    shown = worst[:MOST_CLASSES]
    left = len(worst) - len(shown)
    lines = [*_summary(confusion, labels, width, styles), []]
    lines += [*_pairs(confusion, labels, width, styles), []]
    lines.append([("  classes, the worst first", styles.heading)])
    lines += _class_table(shown, width, styles)
    if left:
        lines.append([(f"  … and {left} better ones not shown", styles.muted)])
    return lines


def _class_table(scores: Sequence[ClassScores], width: int, styles: Styles) -> Lines:
    titles = ("n", "PREC", "RECALL", "F1") if width >= 42 else ("n", "F1")
    longest = max(cell_len(score.label) for score in scores)
    name = max(6, min(longest, width - 2 - 8 * len(titles), 30))
    head = f"  {fit('', name)}" + "".join(f"{title:>8}" for title in titles)
    lines: Lines = [[(head, styles.muted)]]
    for score in scores:
        found = (str(score.n), _share(score.precision), _share(score.recall), _share(score.f1))
        shown = dict(zip(("n", "PREC", "RECALL", "F1"), found, strict=True))
        cells = "".join(f"{shown[title]:>8}" for title in titles)
        lines.append([("  " + fit(score.label, name), styles.heading), (cells, styles.text)])
    return lines


def _pairs(confusion: Matrix, labels: Sequence[str], width: int, styles: Styles) -> Lines:
    found = [
        (count, row, column)
        for row, counts in enumerate(confusion)
        for column, count in enumerate(counts)
        if count and row != column
    ]
    found.sort(key=lambda pair: (-pair[0], pair[1:]))
    lines: Lines = [[("  most confused", styles.heading)]]
    name = max(6, min((width - 16) // 2, 24))
    for count, row, column in found[:MOST_PAIRS]:
        share = count / sum(confusion[row])
        gold, answer = fit(label_of(labels, row), name), label_of(labels, column)
        pair = f" {gold} → {fit(answer, name).rstrip()}"
        lines.append([(f"  {count:>6}", _tone(False, shade(share), styles)), (pair, styles.text)])
    if not found:
        lines.append([("  nothing: every row is right", styles.muted)])
    return lines
