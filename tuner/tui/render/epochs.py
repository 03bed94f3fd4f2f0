"""The matrices of several evaluations side by side, small, so that their course can be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len

from tuner.results import format as fmt
from tuner.results.format import GLYPHS
from tuner.session.events import Evaluated
from tuner.tui.render.lined import Lines
from tuner.tui.render.matrix import Cells, Mode
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles

MOST_CLASSES = 4
"""From more classes on an evaluation is shown by its score alone."""


def epoch_strip(
    evaluations: Sequence[Evaluated],
    at: int,
    kept: int | None,
    metric: str,
    mode: Mode,
    width: int,
    styles: Styles,
) -> Lines:
    """As many evaluations as fit around the one at `at`, which is underlined; ★ is the kept one."""
    blocks = [_block(item, metric, mode) for item in evaluations]
    size = max(cell_len(line) for block in blocks for line in block) + 3
    size = max(
        size, max(cell_len(_head(item, kept == i)) for i, item in enumerate(evaluations)) + 2
    )
    shown = _window(len(evaluations), max(width // size, 1), at)
    heads: list[Run] = []
    lines: list[list[Run]] = [[] for _ in blocks[0]]
    for index in shown:
        here = index == at
        head = fit(_head(evaluations[index], kept == index), size - 1)
        heads.append((f"{'▸' if here else ' '}{head}", styles.accent if here else styles.muted))
        for line, text in zip(lines, blocks[index], strict=True):
            line.append((fit(f" {text}", size), styles.text if here else styles.muted))
    return [heads, *lines]


def _head(item: Evaluated, kept: bool) -> str:
    return f"{fmt.epoch(item.epoch)}{' ' + GLYPHS['best'] if kept else ''}"


def _block(item: Evaluated, metric: str, mode: Mode) -> list[str]:
    if len(item.confusion) > MOST_CLASSES or not item.confusion:
        value = item.metrics.get(metric, math.nan)
        return [fmt.score(value) if math.isfinite(value) else fmt.NONE]
    cells = Cells(item.confusion, mode)
    places = range(len(item.confusion))
    wide = max(cells.widest, 3)
    return ["  ".join(f"{cells.text(row, column):>{wide}}" for column in places) for row in places]


def _window(count: int, room: int, at: int) -> range:
    start = min(max(at - room // 2, 0), max(count - room, 0))
    return range(start, min(start + room, count))
