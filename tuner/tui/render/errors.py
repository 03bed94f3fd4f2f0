"""The rows that a trial gets wrong, or that it and the best trial answer differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len, chop_cells
from rich.style import Style

from tuner.errors import TunerError
from tuner.results.format import percent, plain
from tuner.session.predictions import Predictions, same_rows, wrong_rows
from tuner.session.texts import RowTexts
from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import label_of
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles

Cell = tuple[int, int]
"""Label and answer of some rows: a cell of the confusion matrix."""
Which = Literal["wrong", "gained", "lost"]
WHICH: tuple[Which, ...] = ("wrong", "gained", "lost")
WHICH_WORDS: dict[Which, str] = {
    "wrong": "wrong here",
    "gained": "right here, wrong in the best",
    "lost": "wrong here, right in the best",
}
_NUMBER, _SURE = 6, 6


def chosen_rows(mine: Predictions, best: Predictions | None, which: Which) -> list[int]:
    """Positions of the rows, the surest mistakes first; `best` is needed for all but "wrong".

    Raises TunerError where the two did not answer the same rows.
    """
    if which == "wrong" or best is None:
        return wrong_rows(mine)
    if not same_rows(mine, best):
        raise TunerError("the best trial was evaluated on other rows")
    theirs = wrong_rows(best)
    if which == "gained":
        return [at for at in theirs if mine.predicted[at] == mine.gold[at]]
    lost = set(theirs)
    return [at for at in wrong_rows(mine) if at not in lost]


def cell_rows(mine: Predictions, cell: Cell) -> list[int]:
    """Positions of the rows of one cell, the surest answers first."""
    pairs = zip(mine.gold, mine.predicted, strict=True)
    found = [position for position, pair in enumerate(pairs) if pair == cell]
    return sorted(found, key=lambda position: -(mine.confidence(position) or 0.0))


def cell_words(cell: Cell, labels: Sequence[str]) -> str:
    """What the rows of a cell are."""
    gold, answer = (label_of(labels, index) for index in cell)
    return f"{gold} answered " + ("rightly" if cell[0] == cell[1] else f"as {answer}")


def label_width(labels: Sequence[str], width: int) -> int:
    """Cells for a label's name in the list."""
    longest = max((cell_len(plain(label)) for label in labels), default=4)
    return max(min(longest, width // 6, 18), 6)


def error_heads(labels: Sequence[str], width: int, styles: Styles) -> list[Run]:
    """The heads over the list."""
    name = label_width(labels, width)
    head = f"{'ROW':>{_NUMBER}}  {fit('GOLD', name)}  {fit('ANSWER', name)}{'SURE':>{_SURE}}  TEXT"
    return [(fit(head, width), styles.muted)]


def error_row(
    predictions: Predictions,
    position: int,
    labels: Sequence[str],
    texts: RowTexts | str,
    width: int,
    styles: Styles,
) -> list[Run]:
    """One row: its number in the file, gold, answer, how sure the model was, the text's start."""
    gold, answer = predictions.gold[position], predictions.predicted[position]
    name = label_width(labels, width)
    row = predictions.rows[position]
    sure = percent(predictions.confidence(position))
    text = row_start(texts, row)
    room = max(width - _NUMBER - 2 * name - 6 - _SURE, 0)
    return [
        (f"{row:>{_NUMBER}}  ", styles.muted),
        (fit(label_of(labels, gold), name) + "  ", styles.text),
        (fit(label_of(labels, answer), name), _tone(gold, answer, styles)),
        (f"{sure:>{_SURE}}  ", styles.muted),
        (fit(text, room).rstrip() if room > 1 else "", styles.text),
    ]


def row_start(texts: RowTexts | str, row: int) -> str:
    """The texts of a row in one line, nothing where they are not known."""
    found = None if isinstance(texts, str) else texts.row(row)
    return "" if found is None else " │ ".join(plain(text[:400]) for text in found.texts)


def row_lines(
    predictions: Predictions,
    position: int,
    labels: Sequence[str],
    texts: RowTexts | str,
    width: int,
    styles: Styles,
) -> Lines:
    """The whole row: every text folded, then what each label got."""
    row = predictions.rows[position]
    gold, answer = predictions.gold[position], predictions.predicted[position]
    head: list[Run] = [
        (f"row {row}  gold ", styles.muted),
        (label_of(labels, gold), styles.heading),
        ("  answered ", styles.muted),
        (label_of(labels, answer), _tone(gold, answer, styles)),
    ]
    lines: Lines = [head, [], *text_lines(texts, row, width, styles)]
    return [*lines, *_shares(predictions, position, labels, width, styles)]


def text_lines(texts: RowTexts | str, row: int, width: int, styles: Styles) -> Lines:
    """The texts of a row under their columns' names, folded, and how much was cut.

    `texts` may be the reason why there are none.
    """
    found = None if isinstance(texts, str) else texts.row(row)
    if isinstance(texts, str) or found is None:
        why = plain(texts) if isinstance(texts, str) else "the text of this row was not kept"
        return [[(line, styles.muted)] for line in folded(why, width)]
    lines: Lines = []
    cut = [*found.cut, *[0] * len(found.texts)]
    for column, text, whole in zip(texts.columns, found.texts, cut, strict=False):
        lines.append([(plain(column), styles.muted)])
        for paragraph in text.splitlines() or [""]:
            lines += [[(line, styles.text)] for line in folded(plain(paragraph), width)]
        if whole:
            lines.append([(f"… cut: the whole text has {whole} characters", styles.muted)])
        lines.append([])
    return lines


def _shares(
    predictions: Predictions, position: int, labels: Sequence[str], width: int, styles: Styles
) -> Lines:
    shares = sorted(enumerate(predictions.probabilities(position)), key=lambda item: -item[1])[:5]
    if not shares:
        return []
    told = "   ".join(f"{label_of(labels, label)} {percent(share)}" for label, share in shares)
    return [[(line, styles.muted)] for line in folded(told, width)]


def folded(text: str, width: int) -> list[str]:
    """Text in lines of at most `width` cells; words that are longer are broken, nothing is cut."""
    lines = [""]
    for word in text.split():
        # A word of marks that have no width is in no cell at all.
        pieces = chop_cells(word, max(width, 2)) or [word]
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(pieces[0]) <= width:
            lines[-1] += f" {pieces.pop(0)}"
        lines += pieces
    return lines[1:] if len(lines) > 1 and not lines[0] else lines


def _tone(gold: int, answer: int, styles: Styles) -> Style:
    return styles.complete if gold == answer else styles.failed
