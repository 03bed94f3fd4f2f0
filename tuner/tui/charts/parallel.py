"""Parallel coordinates: one upright axis for each setting, one line for each trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from rich.style import Style

from tuner.results.format import plain
from tuner.tui.charts.brushes import Brush, Brushes
from tuner.tui.charts.raster import Raster
from tuner.tui.charts.sample import Axis, Sample
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run, Styles

MOST_LINES = 200
"""Trials that are drawn: more would be a grey surface. Evenly over their values, with the best."""
_DIM = 6
"""Every how many dots a line is drawn that recedes."""
_WEIGHTS = (6, 5, 4, 3, 1)
"""The same for each fifth where nothing is brushed: the better, the denser."""
_LIT = (1, 1, 1, 1, 1)
_APART = 8
"""Cells that an axis needs at least, its label included."""
_AROUND = 4
"""Cells left of the first axis and right of the last one, for half of a label."""


@dataclass(frozen=True)
class Spread:
    """The axes that there is room for, and the column of each."""

    axes: tuple[Axis, ...]
    columns: tuple[int, ...]


def spread(axes: Sequence[Axis], focus: int, width: int) -> Spread:
    """As many axes as fit, the one in focus among them and the metric always the last."""
    room = max((width - 2 * _AROUND) // _APART + 1, 2)
    *settings, metric = axes
    fitting = min(room - 1, len(settings))
    at = min(focus, len(settings) - 1) if settings else 0
    first = min(max(at - fitting // 2, 0), len(settings) - fitting)
    chosen = (*settings[first : first + fitting], metric)
    across = width - 1 - 2 * _AROUND
    gaps = max(len(chosen) - 1, 1)
    columns = (_AROUND + round(place * across / gaps) for place in range(len(chosen)))
    return Spread(chosen, tuple(columns))


def draw_parallel(
    sample: Sample,
    axes: Sequence[Axis],
    bright: Sequence[bool],
    brushes: Brushes,
    focus: int,
    width: int,
    height: int,
    styles: Styles,
) -> Lines:
    """The chart in width × height cells. `axes` are those shown, with the metric's at the end."""
    shown = spread(axes, focus, width)
    raster = Raster(width, max(height - 3, 1))
    weights = _LIT if brushes.active else _WEIGHTS
    for index in drawn_trials(sample, bright):
        lit = bright[index]
        every = weights[sample.fifths[index]] if lit else _DIM
        _line(
            raster, sample, shown, index, line_style(sample, index, lit=lit, styles=styles), every
        )
    name = axes[focus].name if focus < len(axes) else ""
    for axis, column in zip(shown.axes, shown.columns, strict=True):
        _upright(raster, axis, column, brushes, axis.name == name, styles)
    looks = [styles.accent if axis.name == name else styles.text for axis in shown.axes]
    labels = [f"‹{axis.label}›" if axis.name == name else axis.label for axis in shown.axes]
    muted = [styles.muted] * len(shown.axes)
    return [
        _labels(labels, shown, looks, width),
        _labels([axis.ends[1] for axis in shown.axes], shown, muted, width),
        *raster.lines(),
        _labels([axis.ends[0] for axis in shown.axes], shown, muted, width),
    ]


def brushed_rows(first: int, last: int, height: int) -> tuple[float, float]:
    """The share of the axes between two lines of a chart that is so high, both included."""
    rows = max(height - 3, 1)
    top, bottom = sorted(min(max(line - 2, 0), rows - 1) for line in (first, last))
    return 1 - (bottom + 1) / rows, 1 - top / rows


def drawn_trials(sample: Sample, bright: Sequence[bool]) -> list[int]:
    """Which trials are drawn, in this order: the dim ones, then the better the later."""
    order = sample.worst_first
    lit = _thinned([index for index in order if bright[index]], MOST_LINES)
    dim = _thinned([index for index in order if not bright[index]], MOST_LINES - len(lit))
    drawn = [index for index in (*dim, *lit) if index != sample.best_at]
    return drawn if sample.best_at is None else [*drawn, sample.best_at]


def _thinned(indices: list[int], most: int) -> list[int]:
    if len(indices) <= most:
        return indices
    return [indices[place * len(indices) // most] for place in range(most)] if most > 0 else []


def _line(
    raster: Raster, sample: Sample, shown: Spread, index: int, style: Style, every: int
) -> None:
    best = index == sample.best_at
    dots: list[tuple[int, int] | None] = []
    for axis, column in zip(shown.axes, shown.columns, strict=True):
        (place,) = axis.places(sample.trials[index : index + 1])
        down = None if place is None else round((1 - place) * (raster.height - 1))
        dots.append(None if down is None else (2 * column, down))
    for start, end in pairwise(dots):
        if start is None or end is None:
            continue
        raster.line(start, end, style, every=1 if best else every)
        if best:  # twice as thick, for those who see no colours
            raster.line((start[0], start[1] + 1), (end[0], end[1] + 1), style)


def line_style(sample: Sample, index: int, *, lit: bool, styles: Styles) -> Style:
    """By the fifth that the trial is in, from the worst to the best."""
    if index == sample.best_at:
        return styles.best
    return styles.fifths[sample.fifths[index]] if lit else styles.faint


def _upright(
    raster: Raster, axis: Axis, column: int, brushes: Brushes, focused: bool, styles: Styles
) -> None:
    brush = brushes.on(axis.name)
    drafted = brushes.draft is not None and brushes.draft[0] == axis.name
    for row in range(raster.rows):
        held = brush is not None and _covers(brush, row, raster.rows)
        glyph = ("┇" if drafted else "┃") if held else "│"
        style = styles.paused if held else styles.accent if focused else styles.faint
        raster.mark(2 * column, 4 * row, glyph, style)
    _choices(raster, axis, column, styles)


def _covers(brush: Brush, row: int, rows: int) -> bool:
    return brush.holds(1 - (row + 0.5) / rows)


def _choices(raster: Raster, axis: Axis, column: int, styles: Styles) -> None:
    """The choices between the ends, each beside its place."""
    for index, choice in enumerate(axis.choices):
        row = int((1 - (index + 0.5) / len(axis.choices)) * raster.rows)
        text = plain(choice)[: _APART - 3]
        right = column + 1 + len(text) <= raster.columns
        start = column + 1 if right else column - len(text)
        for place, letter in enumerate(text):
            raster.mark(2 * (start + place), 4 * row, letter, styles.text)


def _labels(texts: Sequence[str], shown: Spread, looks: Sequence[Style], width: int) -> list[Run]:
    """Texts centred over their axes, cut where they would touch."""
    apart = min((after - before for before, after in pairwise(shown.columns)), default=width)
    runs: list[Run] = []
    used = 0
    for text, column, style in zip(texts, shown.columns, looks, strict=True):
        short = fit(text, apart - 1).rstrip()
        size = cell_len(short)
        start = max(min(column - size // 2, width - size), used)
        runs += [(" " * (start - used), style), (short, style)]
        used = start + size
    return [*runs, (" " * max(width - used, 0), Style.null())]
