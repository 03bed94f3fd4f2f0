"""The rows that a trial gets wrong, or that it and the best trial predict differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from rich.cells import cell_len
from rich.style import Style

from tuner.errors import TunerError
from tuner.render.confusion_cells import label_name_at
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, fold_at_words
from tuner.results.format import format_percent, format_row_number, sanitize_text
from tuner.session.predictions import Predictions, have_same_rows, misclassified_positions
from tuner.session.validation_texts import ValidationTexts

MatrixCell = tuple[int, int]
"""Gold label and predicted label: a cell of the confusion matrix."""
RowSelection = Literal["wrong", "gained", "lost"]
ROW_SELECTIONS: tuple[RowSelection, ...] = ("wrong", "gained", "lost")
ROW_SELECTION_TEXTS: dict[RowSelection, str] = {
    "wrong": "wrong here",
    "gained": "correct here, wrong in the best",
    "lost": "wrong here, correct in the best",
}
_NUMBER_WIDTH, _CONFIDENCE_WIDTH = 6, 6


def select_row_positions(
    predictions: Predictions, best: Predictions | None, selection: RowSelection
) -> list[int]:
    """Return positions of rows, the most confident errors first; only "wrong" needs no `best`.

    Raises TunerError where the two were not evaluated on the same rows.
    """
    if selection == "wrong" or best is None:
        return misclassified_positions(predictions)
    if not have_same_rows(predictions, best):
        raise TunerError("the best trial was evaluated on different rows")
    wrong_in_best = misclassified_positions(best)
    if selection == "gained":
        return [
            position
            for position in wrong_in_best
            if predictions.predicted[position] == predictions.gold[position]
        ]
    wrong_set = set(wrong_in_best)
    return [
        position for position in misclassified_positions(predictions) if position not in wrong_set
    ]


def cell_row_positions(predictions: Predictions, cell: MatrixCell) -> list[int]:
    """Return positions of the rows of one cell, the most confident predictions first."""
    pairs = zip(predictions.gold, predictions.predicted, strict=True)
    positions = [position for position, pair in enumerate(pairs) if pair == cell]
    return sorted(
        positions, key=lambda position: -(predictions.answer_probability(position) or 0.0)
    )


def cell_description(cell: MatrixCell, labels: Sequence[str]) -> str:
    gold, predicted = (label_name_at(labels, index) for index in cell)
    return f"{gold} predicted " + ("correctly" if cell[0] == cell[1] else f"as {predicted}")


def label_column_width(labels: Sequence[str], width: int) -> int:
    longest = max((cell_len(sanitize_text(label)) for label in labels), default=4)
    return max(min(longest, width // 6, 18), 6)


def misclassified_heading(labels: Sequence[str], width: int, styles: Styles) -> list[TextRun]:
    name = label_column_width(labels, width)
    head = f"{'ROW':>{_NUMBER_WIDTH}}  {fit_text('GOLD', name)}  {fit_text('PRED', name)}"
    head += f"{'CONF':>{_CONFIDENCE_WIDTH}}  TEXT"
    return [(fit_text(head, width), styles.muted)]


def misclassified_row_runs(
    predictions: Predictions,
    position: int,
    labels: Sequence[str],
    texts: ValidationTexts | str,
    width: int,
    styles: Styles,
) -> list[TextRun]:
    """Draw one row: its number in the file, gold, prediction, confidence, the start of the text."""
    gold, predicted = predictions.gold[position], predictions.predicted[position]
    name = label_column_width(labels, width)
    row = predictions.rows[position]
    confidence = format_percent(predictions.answer_probability(position))
    text = row_text_start(texts, row)
    room = max(width - _NUMBER_WIDTH - 2 * name - 6 - _CONFIDENCE_WIDTH, 0)
    return [
        (f"{format_row_number(row):>{_NUMBER_WIDTH}}  ", styles.muted),
        (fit_text(label_name_at(labels, gold), name) + "  ", styles.text),
        (
            fit_text(label_name_at(labels, predicted), name),
            _prediction_style(gold, predicted, styles),
        ),
        (f"{confidence:>{_CONFIDENCE_WIDTH}}  ", styles.muted),
        (fit_text(text, room).rstrip() if room > 1 else "", styles.text),
    ]


def row_text_start(texts: ValidationTexts | str, row: int) -> str:
    """Return the texts of a row in one line, "" where they are not known."""
    stored_row = None if isinstance(texts, str) else texts.find_row_text(row)
    return (
        ""
        if stored_row is None
        else " │ ".join(sanitize_text(text[:400]) for text in stored_row.texts)
    )


def row_detail_lines(
    predictions: Predictions,
    position: int,
    labels: Sequence[str],
    texts: ValidationTexts | str,
    width: int,
    styles: Styles,
) -> Lines:
    """Draw the whole row: every text folded, then the probability of each label."""
    row = predictions.rows[position]
    gold, predicted = predictions.gold[position], predictions.predicted[position]
    head: list[TextRun] = [
        (f"row {format_row_number(row)}  gold ", styles.muted),
        (label_name_at(labels, gold), styles.heading),
        ("  predicted ", styles.muted),
        (label_name_at(labels, predicted), _prediction_style(gold, predicted, styles)),
    ]
    lines: Lines = [head, [], *folded_row_texts(texts, row, width, styles)]
    return [*lines, *_probability_lines(predictions, position, labels, width, styles)]


def folded_row_texts(texts: ValidationTexts | str, row: int, width: int, styles: Styles) -> Lines:
    """Draw the texts of a row under their columns' names, folded, and how much was cut.

    `texts` may be the reason why there are none.
    """
    stored_row = None if isinstance(texts, str) else texts.find_row_text(row)
    if isinstance(texts, str) or stored_row is None:
        why = (
            sanitize_text(texts)
            if isinstance(texts, str)
            else "the text of this row was not stored"
        )
        return [[(line, styles.muted)] for line in fold_at_words(why, width)]
    lines: Lines = []
    full_lengths = [*stored_row.cut, *[0] * len(stored_row.texts)]
    for column, text, full_length in zip(
        texts.columns, stored_row.texts, full_lengths, strict=False
    ):
        lines.append([(sanitize_text(column), styles.muted)])
        for paragraph in text.splitlines() or [""]:
            lines += [
                [(line, styles.text)] for line in fold_at_words(sanitize_text(paragraph), width)
            ]
        if full_length:
            lines.append([(f"… cut: the full text has {full_length} characters", styles.muted)])
        lines.append([])
    return lines


def _probability_lines(
    predictions: Predictions, position: int, labels: Sequence[str], width: int, styles: Styles
) -> Lines:
    shares = sorted(
        enumerate(predictions.label_probabilities(position)), key=lambda item: -item[1]
    )[:5]
    if not shares:
        return []
    probability_text = "   ".join(
        f"{label_name_at(labels, label)} {format_percent(share)}" for label, share in shares
    )
    return [[(line, styles.muted)] for line in fold_at_words(probability_text, width)]


def _prediction_style(gold: int, predicted: int, styles: Styles) -> Style:
    return styles.complete if gold == predicted else styles.failed
