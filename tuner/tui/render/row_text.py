"""One validation row: its gold label, what each model answered, and its texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from tuner.results.format import percent, plain
from tuner.session.texts import RowTexts
from tuner.tui.render.errors import text_lines
from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import label_of
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles


@dataclass(frozen=True)
class Answer:
    """Who answered which label, and how sure it was (0…1), where that is known."""

    name: str
    label: int
    confidence: float | None = None


def row_text_lines(
    row: int,
    gold: int,
    answers: Sequence[Answer],
    labels: Sequence[str],
    texts: RowTexts | str,
    width: int,
    styles: Styles,
) -> Lines:
    """All about a row in `width` cells; `texts` may be the reason why there are none."""
    longest = max(4, *(cell_len(plain(answer.name)) for answer in answers))
    head: list[Run] = [(f"{fit('gold', longest)}  ", styles.muted)]
    lines: Lines = [[*head, (label_of(labels, gold), styles.heading)]]
    for answer in answers:
        right = answer.label == gold
        sure = "" if answer.confidence is None else f"  {percent(answer.confidence)}"
        lines.append(
            [
                (f"{fit(plain(answer.name), longest)}  ", styles.muted),
                ("✓ " if right else "✗ ", styles.complete if right else styles.failed),
                (label_of(labels, answer.label), styles.text),
                (sure, styles.muted),
            ]
        )
    return [*lines, [], *text_lines(texts, row, width, styles)]
