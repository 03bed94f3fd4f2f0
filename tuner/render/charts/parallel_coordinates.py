"""Parallel coordinates: one upright axis for each setting, one line for each trial."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rich.cells import cell_len
from rich.style import Style

from tuner.render.charts.brushes import Brush, Brushes
from tuner.render.charts.raster import Raster
from tuner.render.charts.trial_sample import Axis, TrialSample
from tuner.render.renderable_lines import Lines
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text
from tuner.results.format import sanitize_text

MAX_LINES = 200
"""Trials that are drawn: more would be a grey surface. Evenly over their values, with the best."""
_DIM_SPACING = 6
"""Every how many dots a line is drawn that recedes."""
_QUINTILE_SPACINGS = (6, 5, 4, 3, 1)
"""The same for each fifth where nothing is brushed: the better, the denser."""
_SOLID_SPACINGS = (1, 1, 1, 1, 1)
_MIN_AXIS_DISTANCE = 8
"""Cells that an axis needs at least, its label included."""
_MARGIN = 4
"""Cells left of the first axis and right of the last one, for half of a label."""


@dataclass(frozen=True)
class AxisLayout:
    """The axes that fit, and the column of each."""

    axes: tuple[Axis, ...]
    columns: tuple[int, ...]


def lay_out_axes(axes: Sequence[Axis], focus: int, width: int) -> AxisLayout:
    """Choose as many axes as fit, the focused one among them and the metric always the last."""
    room = max((width - 2 * _MARGIN) // _MIN_AXIS_DISTANCE + 1, 2)
    *settings, metric = axes
    fitting = min(room - 1, len(settings))
    focused = min(focus, len(settings) - 1) if settings else 0
    first = min(max(focused - fitting // 2, 0), len(settings) - fitting)
    visible_axes = (*settings[first : first + fitting], metric)
    across = width - 1 - 2 * _MARGIN
    gaps = max(len(visible_axes) - 1, 1)
    columns = (_MARGIN + round(place * across / gaps) for place in range(len(visible_axes)))
    return AxisLayout(visible_axes, tuple(columns))


def draw_parallel_axes(
    sample: TrialSample,
    axes: Sequence[Axis],
    bright: Sequence[bool],
    brushes: Brushes,
    focus: int,
    width: int,
    height: int,
    styles: Styles,
) -> Lines:
    """Draw the chart in width × height cells. `axes` end with the metric's."""
    layout = lay_out_axes(axes, focus, width)
    raster = Raster(width, max(height - 3, 1))
    weights = _SOLID_SPACINGS if brushes.active_brushes else _QUINTILE_SPACINGS
    for index in trials_in_draw_order(sample, bright):
        lit = bright[index]
        spacing = weights[sample.quintiles[index]] if lit else _DIM_SPACING
        _draw_trial_line(
            raster,
            sample,
            layout,
            index,
            trial_line_style(sample, index, lit=lit, styles=styles),
            spacing,
        )
    name = axes[focus].name if focus < len(axes) else ""
    for axis, column in zip(layout.axes, layout.columns, strict=True):
        _draw_upright_axis(raster, axis, column, brushes, axis.name == name, styles)
    looks = [styles.accent if axis.name == name else styles.text for axis in layout.axes]
    labels = [f"‹{axis.label}›" if axis.name == name else axis.label for axis in layout.axes]
    muted = [styles.muted] * len(layout.axes)
    return [
        _axis_label_runs(labels, layout, looks, width),
        _axis_label_runs([axis.end_labels[1] for axis in layout.axes], layout, muted, width),
        *raster.lines_of_runs(),
        _axis_label_runs([axis.end_labels[0] for axis in layout.axes], layout, muted, width),
    ]


def shares_between_rows(first: int, last: int, height: int) -> tuple[float, float]:
    """Return the share of the axes between two lines of a chart, both included."""
    rows = max(height - 3, 1)
    top, bottom = sorted(min(max(line - 2, 0), rows - 1) for line in (first, last))
    return 1 - (bottom + 1) / rows, 1 - top / rows


def trials_in_draw_order(sample: TrialSample, bright: Sequence[bool]) -> list[int]:
    """Return indices of the drawn trials: the dim ones first, then the better the later."""
    order = sample.indices_worst_first
    lit = _thin_out([index for index in order if bright[index]], MAX_LINES)
    dim = _thin_out([index for index in order if not bright[index]], MAX_LINES - len(lit))
    indices = [index for index in (*dim, *lit) if index != sample.best_index]
    return indices if sample.best_index is None else [*indices, sample.best_index]


def _thin_out(indices: list[int], most: int) -> list[int]:
    if len(indices) <= most:
        return indices
    return [indices[place * len(indices) // most] for place in range(most)] if most > 0 else []


def _draw_trial_line(
    raster: Raster, sample: TrialSample, layout: AxisLayout, index: int, style: Style, spacing: int
) -> None:
    best = index == sample.best_index
    dots: list[tuple[int, int] | None] = []
    for axis, column in zip(layout.axes, layout.columns, strict=True):
        (place,) = axis.positions_of(sample.trials[index : index + 1])
        down = None if place is None else round((1 - place) * (raster.height - 1))
        dots.append(None if down is None else (2 * column, down))
    for start, end in pairwise(dots):
        if start is None or end is None:
            continue
        raster.draw_line(start, end, style, spacing=1 if best else spacing)
        if best:  # twice as thick, for those who see no colours
            raster.draw_line((start[0], start[1] + 1), (end[0], end[1] + 1), style)


def trial_line_style(sample: TrialSample, index: int, *, lit: bool, styles: Styles) -> Style:
    """Return the style of the trial's fifth, from the worst to the best."""
    if index == sample.best_index:
        return styles.best
    return styles.quintile_styles[sample.quintiles[index]] if lit else styles.faint


def _draw_upright_axis(
    raster: Raster, axis: Axis, column: int, brushes: Brushes, focused: bool, styles: Styles
) -> None:
    brush = brushes.brush_on_axis(axis.name)
    drafted = brushes.draft is not None and brushes.draft[0] == axis.name
    for row in range(raster.rows):
        is_brushed = brush is not None and _brush_covers_row(brush, row, raster.rows)
        glyph = ("┇" if drafted else "┃") if is_brushed else "│"
        style = styles.paused if is_brushed else styles.accent if focused else styles.faint
        raster.put_glyph(2 * column, 4 * row, glyph, style)
    _draw_choices(raster, axis, column, styles)


def _brush_covers_row(brush: Brush, row: int, rows: int) -> bool:
    return brush.covers_position(1 - (row + 0.5) / rows)


def _draw_choices(raster: Raster, axis: Axis, column: int, styles: Styles) -> None:
    """Write the choices between the ends, each beside its position."""
    for index, choice in enumerate(axis.choices):
        row = int((1 - (index + 0.5) / len(axis.choices)) * raster.rows)
        text = sanitize_text(choice)[: _MIN_AXIS_DISTANCE - 3]
        right = column + 1 + len(text) <= raster.columns
        start = column + 1 if right else column - len(text)
        for place, letter in enumerate(text):
            raster.put_glyph(2 * (start + place), 4 * row, letter, styles.text)


def _axis_label_runs(
    texts: Sequence[str], layout: AxisLayout, looks: Sequence[Style], width: int
) -> list[TextRun]:
    """Centre texts over their axes, cut where they would touch."""
    apart = min((after - before for before, after in pairwise(layout.columns)), default=width)
    runs: list[TextRun] = []
    used = 0
    for text, column, style in zip(texts, layout.columns, looks, strict=True):
        short = fit_text(text, apart - 1).rstrip()
        size = cell_len(short)
        start = max(min(column - size // 2, width - size), used)
        runs += [(" " * (start - used), style), (short, style)]
        used = start + size
    return [*runs, (" " * max(width - used, 0), Style.null())]
