"""The columns of the table of trials: titles, widths, cells and orders, on screens and off them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from rich.cells import cell_len

from tuner.render.state_marks import is_marked_one_label, trial_state_glyph, trial_state_word
from tuner.render.styles import Styles, TextRun
from tuner.render.text_fitting import fit_text, short_setting_names
from tuner.results import format as fmt
from tuner.results.spark import draw_sparkline
from tuner.results.state_glyphs import GLYPHS
from tuner.session.view import SessionView, TrialState, TrialView

SortKey = tuple[Any, ...]
STATE = "state"

SCORE_WIDTH = 6
INTERVAL_END_WIDTH = 5
_STATE_RANKS = {
    TrialState.RUNNING: 0,
    TrialState.PAUSED: 1,
    TrialState.COMPLETE: 2,
    TrialState.PRUNED: 3,
    TrialState.COLLAPSED: 4,
    TrialState.FAILED: 5,
    TrialState.WAITING: 6,
}


@dataclass(frozen=True)
class Column:
    """One column of the table: `cell` is shown, `sort_key` orders it (best or smallest first).

    `parameter` is the flat name of a parameter's column, "" for the others. `optional` columns are
    shown where the user chose them. `value` tells whether all trials have the same one.
    """

    key: str
    title: str
    width: int
    cell: Callable[[TrialView, Styles], TextRun]
    sort_key: Callable[[TrialView], SortKey]
    left_aligned: bool = False
    parameter: str = ""
    optional: bool = False
    description: str = ""
    value: Callable[[TrialView], object] | None = None

    @property
    def may_be_left_out(self) -> bool:
        return bool(self.parameter) or self.optional

    def padded_heading(self, mark: str = "") -> str:
        """Return the title and a mark in exactly the column's width."""
        return self._align_text(fit_text(self.title, self.width - len(mark)).rstrip() + mark)

    def padded_cell(self, trial: TrialView, styles: Styles) -> TextRun:
        text, style = self.cell(trial, styles)
        return self._align_text(text), style

    def _align_text(self, text: str) -> str:
        fitted = fit_text(text, self.width)
        return (
            fitted
            if self.left_aligned
            else " " * (len(fitted) - len(fitted.rstrip())) + fitted.rstrip()
        )


def parameter_names(trials: Iterable[TrialView], previous_names: Iterable[str] = ()) -> list[str]:
    """Return the flat names that these trials searched, in the order of their first appearance."""
    names = dict.fromkeys(previous_names)
    for trial in trials:
        names.update(dict.fromkeys(trial.params))
    return list(names)


def metric_names_of_trials(
    trials: Iterable[TrialView], previous_names: Iterable[str] = ()
) -> list[str]:
    """Return the metrics of these trials' evaluations, in the order of their first appearance."""
    names = dict.fromkeys(previous_names)
    for trial in trials:
        if trial.evaluations:
            names.update(dict.fromkeys(trial.evaluations[-1].metrics))
    return list(names)


def trial_columns(
    view: SessionView,
    names: Iterable[str],
    now: Callable[[], float],
    metrics: Iterable[str] = (),
    is_marked: Callable[[int], bool] = lambda _number: False,
) -> list[Column]:
    """Return all columns in order; `now` is the clock that running trials are timed by."""
    return [
        _number_column(len(str(max(view.trials, default=0))) + 1, is_marked),
        _state_column(view),
        _metric_column(view),
        *(_extra_metric_column(name) for name in metrics if name != view.metric),
        _epoch_column(),
        *_parameter_columns(list(names)),
        _time_column(now),
        _memory_column(),
        *_origin_columns(),
        _sparkline_column(view),
    ]


def elapsed_seconds(trial: TrialView, now: float) -> float:
    """Return the seconds that a trial took, or has taken until now."""
    if trial.state is TrialState.RUNNING and trial.resumed_time:
        return max(trial.seconds_before + now - trial.resumed_time, trial.seconds, 0.0)
    return trial.seconds


def _number_column(digits: int, is_marked: Callable[[int], bool]) -> Column:
    width = max(digits, 3)

    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        if is_marked(trial.number):
            return f"{GLYPHS['marked']}{trial.number:>{width - 1}}", styles.accent
        return str(trial.number), styles.muted

    return Column("number", "#", width, format_cell, lambda t: (-t.number,), description="number")


def _state_column(view: SessionView) -> Column:
    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        best = trial.number == view.best
        text = f"{trial_state_glyph(trial, best=best)} {trial_state_word(trial)}"
        return text, styles.trial_style(trial.state, best=best)

    width = state_column_width(view.trials.values())
    return Column(
        STATE, "STATE", width, format_cell, _state_sort_key, left_aligned=True, description="state"
    )


def state_column_width(trials: Iterable[TrialView]) -> int:
    """Return the width for the states: "1 label" is longer than all others."""
    return 9 if any(map(is_marked_one_label, trials)) else 7


def _state_sort_key(trial: TrialView) -> SortKey:
    return (_STATE_RANKS[trial.state], -trial.number)


def _metric_column(view: SessionView) -> Column:
    sign = 1.0 if view.direction == "minimize" else -1.0

    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        if trial.value is None:
            return fmt.NONE, styles.muted
        style = styles.best if trial.number == view.best else styles.text
        return fmt.format_score(trial.value, SCORE_WIDTH), style

    def compute_sort_key(trial: TrialView) -> SortKey:
        is_finite = trial.value is not None and math.isfinite(trial.value)
        signed_value = sign * trial.value if is_finite and trial.value is not None else math.inf
        complete = trial.state is TrialState.COMPLETE
        tie = trial.finish_order_key if complete else (0.0, -trial.number)
        return (_STATE_RANKS[trial.state], trial.one_label, signed_value, *tie)

    about = f"{fmt.sanitize_text(view.metric)}, what is searched for"
    return Column(
        "metric",
        metric_abbreviation(view.metric),
        SCORE_WIDTH,
        format_cell,
        compute_sort_key,
        description=about,
    )


def _extra_metric_column(name: str) -> Column:
    def latest_value(trial: TrialView) -> float | None:
        return trial.evaluations[-1].metrics.get(name) if trial.evaluations else None

    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        return fmt.format_score(latest_value(trial), width), styles.text

    title = metric_abbreviation(name)
    width = max(SCORE_WIDTH, min(cell_len(title), 10))
    return Column(
        f"metric:{name}",
        title,
        width,
        format_cell,
        _number_sort_key(latest_value, largest_first=name != "loss"),
        optional=True,
        description=f"{fmt.sanitize_text(name)} at the last evaluation",
        value=latest_value,
    )


def _number_sort_key(
    value: Callable[[TrialView], float | None], *, largest_first: bool = False
) -> Callable[[TrialView], SortKey]:
    """Sort by a number; trials without one come last."""

    def compute_sort_key(trial: TrialView) -> SortKey:
        number = value(trial)
        if number is None or not math.isfinite(number):
            return (1, 0.0, -trial.number)
        return (0, -number if largest_first else number, -trial.number)

    return compute_sort_key


def metric_abbreviation(metric: str) -> str:
    abbreviations = {"accuracy": "ACC", "f1_macro": "F1", "mcc": "MCC", "loss": "LOSS"}
    return abbreviations.get(metric, fmt.sanitize_text(metric).upper())


def _epoch_column() -> Column:
    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        return (fmt.format_amount(trial.epoch, 4) if trial.epoch else fmt.NONE), styles.muted

    return Column(
        "epoch", "EP", 4, format_cell, lambda t: (-t.epoch, -t.number), description="epochs done"
    )


def _parameter_columns(names: list[str]) -> list[Column]:
    short = short_setting_names(names)
    rates = [name for name in names if name.startswith("lr.")]
    titles = {
        name: f"LR {title}" if rates[:1] == [name] else title for name, title in short.items()
    }
    return [_parameter_column(name, titles[name]) for name in names]


def _parameter_column(name: str, title: str) -> Column:
    def parameter_value(trial: TrialView) -> Any:
        return trial.params.get(name, trial.fixed.get(name))

    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        style = styles.muted if name in trial.fixed and name not in trial.params else styles.text
        return fmt.format_setting(name, parameter_value(trial), width), style

    def compute_sort_key(trial: TrialView) -> SortKey:
        setting = parameter_value(trial)
        if isinstance(setting, (int, float)):
            return (0, float(setting), "", -trial.number)
        return (1 if isinstance(setting, str) else 2, 0.0, str(setting), -trial.number)

    width = max(6, min(cell_len(title), 10))
    return Column(
        f"param:{name}",
        title,
        width,
        format_cell,
        compute_sort_key,
        parameter=name,
        description=fmt.sanitize_text(name),
        value=parameter_value,
    )


def _time_column(now: Callable[[], float]) -> Column:
    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        seconds = elapsed_seconds(trial, now())
        return (fmt.format_clock(seconds, 7) if seconds > 0 else fmt.NONE), styles.muted

    return Column(
        "time",
        "TIME",
        7,
        format_cell,
        lambda t: (-t.seconds, -t.number),
        description="running time",
    )


def _memory_column() -> Column:
    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        return (fmt.format_bytes(trial.memory) if trial.memory else fmt.NONE), styles.muted

    return Column(
        "memory",
        "MEMORY",
        9,
        format_cell,
        lambda t: (-t.memory, -t.number),
        optional=True,
        description="peak memory",
        value=lambda t: t.memory,
    )


def _origin_columns() -> Iterable[Column]:
    for key, title, width, about in (
        ("seed", "SEED", 6, "seed of the trial"),
        ("origin", "ORIGIN", 8, "sampled, baseline, enqueued, …"),
        ("generation", "GEN", 4, "generation of the search"),
    ):
        yield _attribute_column(key, title, width, about)


def _attribute_column(key: str, title: str, width: int, about: str) -> Column:
    value = attrgetter(key)
    return Column(
        key,
        title,
        width,
        lambda t, s: (fmt.sanitize_text(value(t)), s.muted),
        lambda t: (value(t), -t.number),
        left_aligned=key == "origin",
        optional=True,
        description=about,
        value=value,
    )


def _sparkline_column(view: SessionView) -> Column:
    def format_cell(trial: TrialView, styles: Styles) -> TextRun:
        values = [item.metrics.get(view.metric, math.nan) for item in trial.evaluations]
        finite = [value for value in values if math.isfinite(value)]
        best = trial.number == view.best
        return draw_sparkline(finite, 6), styles.trial_style(trial.state, best=best)

    def compute_sort_key(trial: TrialView) -> SortKey:
        return (-len(trial.evaluations), -trial.number)

    about = f"{fmt.sanitize_text(view.metric)} over the evaluations"
    return Column(
        "curve", "CURVE", 6, format_cell, compute_sort_key, left_aligned=True, description=about
    )
