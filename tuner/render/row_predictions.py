"""One validation row: its gold label, what each model predicted, and its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tuner.render.confusion_cells import label_name_at
from tuner.render.misclassified import folded_row_texts
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results.format import format_percent, sanitize_text
from tuner.session.validation_texts import ValidationTexts


@dataclass(frozen=True)
class RowPrediction:
    """The label that a model predicted, and its confidence (0…1) where that is known."""

    name: str
    label: int
    confidence: float | None = None


def row_prediction_lines(
    row: int,
    gold: int,
    predictions: Sequence[RowPrediction],
    labels: Sequence[str],
    texts: ValidationTexts | str,
    width: int,
    styles: Styles,
) -> Lines:
    """Draw a row's gold label, predictions and texts; `texts` may say why there are none."""
    longest = max(4, *(cell_len(sanitize_text(prediction.name)) for prediction in predictions))
    head: list[TextRun] = [(f"{fit_text('gold', longest)}  ", styles.muted)]
    lines: Lines = [[*head, (label_name_at(labels, gold), styles.heading)]]
    for prediction in predictions:
        is_correct = prediction.label == gold
        confidence = (
            "" if prediction.confidence is None else f"  {format_percent(prediction.confidence)}"
        )
        lines.append(
            [
                (f"{fit_text(sanitize_text(prediction.name), longest)}  ", styles.muted),
                ("✓ " if is_correct else "✗ ", styles.complete if is_correct else styles.failed),
                (label_name_at(labels, prediction.label), styles.text),
                (confidence, styles.muted),
            ]
        )
    return [*lines, [], *folded_row_texts(texts, row, width, styles)]
