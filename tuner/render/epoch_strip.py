"""The matrices of several evaluations side by side, small, so that their course can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from tuner.render.confusion_cells import MatrixCells, Mode
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results import format as fmt
from tuner.results.state_glyphs import GLYPHS
from tuner.session.events import Evaluated

MAX_CLASSES = 4
"""From more classes on an evaluation is shown by its score alone."""


def epoch_strip_lines(
    evaluations: Sequence[Evaluated],
    current: int,
    kept_index: int | None,
    metric: str,
    mode: Mode,
    width: int,
    styles: Styles,
) -> Lines:
    """Draw as many evaluations as fit around `current`, which is marked ▸; ★ is the kept one."""
    blocks = [_matrix_texts(item, metric, mode) for item in evaluations]
    size = max(cell_len(line) for block in blocks for line in block) + 3
    size = max(
        size,
        max(cell_len(_epoch_heading(item, kept_index == i)) for i, item in enumerate(evaluations))
        + 2,
    )
    visible = _visible_range(len(evaluations), max(width // size, 1), current)
    heads: list[TextRun] = []
    lines: list[list[TextRun]] = [[] for _ in blocks[0]]
    for index in visible:
        is_current = index == current
        head = fit_text(_epoch_heading(evaluations[index], kept_index == index), size - 1)
        heads.append(
            (f"{'▸' if is_current else ' '}{head}", styles.accent if is_current else styles.muted)
        )
        for line, text in zip(lines, blocks[index], strict=True):
            line.append((fit_text(f" {text}", size), styles.text if is_current else styles.muted))
    return [heads, *lines]


def _epoch_heading(item: Evaluated, is_kept: bool) -> str:
    return f"{fmt.format_epoch(item.epoch)}{' ' + GLYPHS['best'] if is_kept else ''}"


def _matrix_texts(item: Evaluated, metric: str, mode: Mode) -> list[str]:
    if len(item.confusion) > MAX_CLASSES or not item.confusion:
        value = item.metrics.get(metric, math.nan)
        return [fmt.format_score(value) if math.isfinite(value) else fmt.NONE]
    cells = MatrixCells(item.confusion, mode)
    places = range(len(item.confusion))
    wide = max(cells.widest_text, 3)
    return [
        "  ".join(f"{cells.cell_text(row, column):>{wide}}" for column in places) for row in places
    ]


def _visible_range(count: int, room: int, current: int) -> range:
    start = min(max(current - room // 2, 0), max(count - room, 0))
    return range(start, min(start + room, count))
