"""The table of trials for a terminal without screens; the same columns as the live table."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from tuner.results.format import plain
from tuner.session.view import SessionView, TrialView
from tuner.tui.render.columns import Column, parameter_names, trial_columns
from tuner.tui.render.lined import Lined, Lines
from tuner.tui.render.names import wrapped
from tuner.tui.render.styles import TERMINAL, Run, Styles


def trials_table(
    view: SessionView,
    *,
    trials: Sequence[TrialView] | None = None,
    width: int | None = None,
    styles: Styles = TERMINAL,
    now: Callable[[], float] = time.time,
) -> Lined:
    """All trials, or these, as a Rich renderable: running ones first, then the best.

    Parameters that do not fit in the width are left out, and a line says which.
    """
    return Lined(lambda cells: trials_lines(view, cells, styles, trials, now), width)


def trials_lines(
    view: SessionView,
    width: int,
    styles: Styles,
    trials: Sequence[TrialView] | None = None,
    now: Callable[[], float] = time.time,
) -> Lines:
    """`trials_table` as lines of at most `width` cells."""
    chosen = list(view.trials.values() if trials is None else trials)
    if not chosen:
        return [[("no trials yet", styles.muted)]]
    every = trial_columns(view, parameter_names(chosen), now)
    columns = [column for column in every if not column.optional]
    metric = next(column for column in columns if column.key == "metric")
    shown = fitting(columns, width)
    lines: Lines = [[(_joined([column.heading() for column in shown]), styles.muted)]]
    for trial in sorted(chosen, key=metric.order):
        lines.append(row_runs(shown, trial, styles))
    left_out = [column.name for column in columns if column not in shown]
    if left_out:
        told = f"not shown in {width} columns: {', '.join(map(plain, left_out))}"
        lines += [[(line, styles.muted)] for line in wrapped(told, width)]
    return lines


def fitting(
    columns: Sequence[Column], width: int, first: int = 0, keep: Collection[str] = ()
) -> list[Column]:
    """The columns that fit: those that stay, and of those that move as many from the `first` on.

    Keys in `keep` stay, too.
    """
    chosen: list[str] = []
    room = width
    moving = [column for column in columns if column.moves and column.key not in keep]
    staying = [column for column in columns if column not in moving]
    for column in [*staying, *moving[first:]]:
        room -= column.width + 1
        if room < 0:
            break
        chosen.append(column.key)
    return [column for column in columns if column.key in chosen]


def row_runs(columns: Sequence[Column], trial: TrialView, styles: Styles) -> list[Run]:
    """One row: the cells with a space between them."""
    runs: list[Run] = []
    for column in columns:
        runs += [column.padded(trial, styles), (" ", styles.text)]
    return runs


def _joined(cells: Sequence[str]) -> str:
    return "".join(f"{cell} " for cell in cells)
