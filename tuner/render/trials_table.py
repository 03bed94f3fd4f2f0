"""The table of trials for commands, with the columns of the live table."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

from tuner.render.renderable_lines import Lines, RenderableLines
from tuner.render.styles import TERMINAL_STYLES, Styles, TextRun
from tuner.render.text_fitting import wrap_at_spaces
from tuner.render.trial_columns import Column, parameter_names, trial_columns
from tuner.results.format import sanitize_text
from tuner.session.view import SessionView, TrialView


def trials_table(
    view: SessionView,
    *,
    trials: Sequence[TrialView] | None = None,
    width: int | None = None,
    styles: Styles = TERMINAL_STYLES,
    now: Callable[[], float] = time.time,
) -> RenderableLines:
    """Return all trials, or these, as a Rich renderable: running ones first, then the best.

    Parameters that do not fit in the width are left out, and a line says which.
    """
    return RenderableLines(
        lambda cells: trials_table_lines(view, cells, styles, trials, now), width
    )


def trials_table_lines(
    view: SessionView,
    width: int,
    styles: Styles,
    trials: Sequence[TrialView] | None = None,
    now: Callable[[], float] = time.time,
) -> Lines:
    """Draw `trials_table` in lines of at most `width` cells."""
    listed_trials = list(view.trials.values() if trials is None else trials)
    if not listed_trials:
        return [[("no trial matches" if view.trials else "no trials yet", styles.muted)]]
    all_columns = trial_columns(view, parameter_names(listed_trials), now)
    columns = [column for column in all_columns if not column.optional]
    metric = next(column for column in columns if column.key == "metric")
    visible = select_fitting_columns(columns, width)
    lines: Lines = [[(_join_cells([column.padded_heading() for column in visible]), styles.muted)]]
    for trial in sorted(listed_trials, key=metric.sort_key):
        lines.append(trial_row_runs(visible, trial, styles))
    left_out = [column.parameter for column in columns if column not in visible]
    if left_out:
        left_out_text = f"not shown in {width} columns: {', '.join(map(sanitize_text, left_out))}"
        lines += [[(line, styles.muted)] for line in wrap_at_spaces(left_out_text, width)]
    return lines


def select_fitting_columns(
    columns: Sequence[Column], width: int, first: int = 0, keep: Collection[str] = ()
) -> list[Column]:
    """Return the columns that fit: all required ones, and optional ones from the `first` on.

    Columns whose key is in `keep` count as required.
    """
    fitting_keys: list[str] = []
    room = width
    optional = [column for column in columns if column.may_be_left_out and column.key not in keep]
    required = [column for column in columns if column not in optional]
    for column in [*required, *optional[first:]]:
        room -= column.width + 1
        if room < 0:
            break
        fitting_keys.append(column.key)
    return [column for column in columns if column.key in fitting_keys]


def trial_row_runs(columns: Sequence[Column], trial: TrialView, styles: Styles) -> list[TextRun]:
    runs: list[TextRun] = []
    for column in columns:
        runs += [column.padded_cell(trial, styles), (" ", styles.text)]
    return runs


def _join_cells(cells: Sequence[str]) -> str:
    return "".join(f"{cell} " for cell in cells)
