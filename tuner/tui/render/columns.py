"""The columns of the table of trials: titles, widths, cells and orders, on screens and off them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from rich.cells import cell_len

from tuner.results import format as fmt
from tuner.results.format import GLYPHS
from tuner.results.spark import sparkline
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.render.marks import is_marked_one_label, trial_glyph, trial_word
from tuner.tui.render.names import fit, short_names
from tuner.tui.render.styles import Run, Styles

Order = tuple[Any, ...]
STATE = "state"

SCORE_CELLS = 6
_RANKS = {
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
    """One column. `cell` is what is shown, `order` what it is sorted by (best or smallest first).

    `name` is the flat name of a parameter's column, "" for the others; `left` aligns to the left.
    `optional` columns are shown where they are chosen; `about` says what the column holds. What
    may never differ has its `value`.
    """

    key: str
    title: str
    width: int
    cell: Callable[[TrialView, Styles], Run]
    order: Callable[[TrialView], Order]
    left: bool = False
    name: str = ""
    optional: bool = False
    about: str = ""
    value: Callable[[TrialView], object] | None = None

    @property
    def moves(self) -> bool:
        """Whether it gives way where not all columns fit."""
        return bool(self.name) or self.optional

    def heading(self, mark: str = "") -> str:
        """The title in the column's width, with a mark after it."""
        return self._aligned(fit(self.title, self.width - len(mark)).rstrip() + mark)

    def padded(self, trial: TrialView, styles: Styles) -> Run:
        """The cell in exactly the column's width."""
        text, style = self.cell(trial, styles)
        return self._aligned(text), style

    def _aligned(self, text: str) -> str:
        fitted = fit(text, self.width)
        return fitted if self.left else " " * (len(fitted) - len(fitted.rstrip())) + fitted.rstrip()


def parameter_names(trials: Iterable[TrialView], known: Iterable[str] = ()) -> list[str]:
    """The flat names that these trials searched, in the order of their first appearance."""
    names = dict.fromkeys(known)
    for trial in trials:
        names.update(dict.fromkeys(trial.params))
    return list(names)


def metric_names(trials: Iterable[TrialView], known: Iterable[str] = ()) -> list[str]:
    """The metrics that these trials were evaluated by, in the order of their first appearance."""
    names = dict.fromkeys(known)
    for trial in trials:
        if trial.evaluations:
            names.update(dict.fromkeys(trial.evaluations[-1].metrics))
    return list(names)


def trial_columns(
    view: SessionView,
    names: Iterable[str],
    now: Callable[[], float],
    metrics: Iterable[str] = (),
    marked: Callable[[int], bool] = lambda _number: False,
) -> list[Column]:
    """All columns in order; `now` is the clock that running trials are timed by."""
    return [
        _number(len(str(max(view.trials, default=0))) + 1, marked),
        _state(view),
        _metric(view),
        *(_other_metric(name) for name in metrics if name != view.metric),
        _epoch(),
        *_parameters(list(names)),
        _time(now),
        _memory(),
        *_origins(),
        _curve(view),
    ]


def elapsed(trial: TrialView, now: float) -> float:
    """Seconds that a trial took, or has taken until now."""
    if trial.state is TrialState.RUNNING and trial.resumed:
        return max(trial.seconds_before + now - trial.resumed, trial.seconds, 0.0)
    return trial.seconds


def _number(digits: int, marked: Callable[[int], bool]) -> Column:
    width = max(digits, 3)

    def cell(trial: TrialView, styles: Styles) -> Run:
        if marked(trial.number):
            return f"{GLYPHS['marked']}{trial.number:>{width - 1}}", styles.accent
        return str(trial.number), styles.muted

    return Column("number", "#", width, cell, lambda t: (-t.number,), about="number")


def _state(view: SessionView) -> Column:
    def cell(trial: TrialView, styles: Styles) -> Run:
        best = trial.number == view.best
        text = f"{trial_glyph(trial, best=best)} {trial_word(trial)}"
        return text, styles.trial(trial.state, best=best)

    width = state_width(view.trials.values())
    return Column(STATE, "STATE", width, cell, _state_order, left=True, about="state")


def state_width(trials: Iterable[TrialView]) -> int:
    """The column of states is wider where one of these trials has one answer for all rows."""
    return 9 if any(map(is_marked_one_label, trials)) else 7


def _state_order(trial: TrialView) -> Order:
    return (_RANKS[trial.state], -trial.number)


def _metric(view: SessionView) -> Column:
    sign = 1.0 if view.direction == "minimize" else -1.0

    def cell(trial: TrialView, styles: Styles) -> Run:
        if trial.value is None:
            return fmt.NONE, styles.muted
        style = styles.best if trial.number == view.best else styles.text
        return fmt.score(trial.value, SCORE_CELLS), style

    def order(trial: TrialView) -> Order:
        known = trial.value is not None and math.isfinite(trial.value)
        place = sign * trial.value if known and trial.value is not None else math.inf
        complete = trial.state is TrialState.COMPLETE
        tie = trial.finish_order if complete else (0.0, -trial.number)
        return (_RANKS[trial.state], trial.one_label, place, *tie)

    about = f"{fmt.plain(view.metric)}, what is searched for"
    return Column("metric", short_metric(view.metric), SCORE_CELLS, cell, order, about=about)


def _other_metric(name: str) -> Column:
    def value(trial: TrialView) -> float | None:
        return trial.evaluations[-1].metrics.get(name) if trial.evaluations else None

    def cell(trial: TrialView, styles: Styles) -> Run:
        return fmt.score(value(trial), width), styles.text

    title = short_metric(name)
    width = max(SCORE_CELLS, min(cell_len(title), 10))
    return Column(
        f"metric:{name}",
        title,
        width,
        cell,
        _smallest_first(value, down=name != "loss"),
        optional=True,
        about=f"{fmt.plain(name)} at the last evaluation",
        value=value,
    )


def _smallest_first(
    value: Callable[[TrialView], float | None], *, down: bool = False
) -> Callable[[TrialView], Order]:
    """An order by a number, or from the largest down; trials without one come last."""

    def order(trial: TrialView) -> Order:
        found = value(trial)
        if found is None or not math.isfinite(found):
            return (1, 0.0, -trial.number)
        return (0, -found if down else found, -trial.number)

    return order


def short_metric(metric: str) -> str:
    """A metric's name in few letters, upper case."""
    known = {"accuracy": "ACC", "f1_macro": "F1", "mcc": "MCC", "loss": "LOSS"}
    return known.get(metric, fmt.plain(metric).upper())


def _epoch() -> Column:
    def cell(trial: TrialView, styles: Styles) -> Run:
        return (fmt.amount(trial.epoch, 4) if trial.epoch else fmt.NONE), styles.muted

    return Column("epoch", "EP", 4, cell, lambda t: (-t.epoch, -t.number), about="epochs done")


def _parameters(names: list[str]) -> list[Column]:
    short = short_names(names)
    rates = [name for name in names if name.startswith("lr.")]
    titles = {
        name: f"LR {title}" if rates[:1] == [name] else title for name, title in short.items()
    }
    return [_parameter(name, titles[name]) for name in names]


def _parameter(name: str, title: str) -> Column:
    def value(trial: TrialView) -> Any:
        return trial.params.get(name, trial.fixed.get(name))

    def cell(trial: TrialView, styles: Styles) -> Run:
        style = styles.muted if name in trial.fixed and name not in trial.params else styles.text
        return fmt.setting(name, value(trial), width), style

    def order(trial: TrialView) -> Order:
        found = value(trial)
        if isinstance(found, (int, float)):
            return (0, float(found), "", -trial.number)
        return (1 if isinstance(found, str) else 2, 0.0, str(found), -trial.number)

    width = max(6, min(cell_len(title), 10))
    return Column(
        f"param:{name}",
        title,
        width,
        cell,
        order,
        name=name,
        about=fmt.plain(name),
        value=value,
    )


def _time(now: Callable[[], float]) -> Column:
    def cell(trial: TrialView, styles: Styles) -> Run:
        taken = elapsed(trial, now())
        return (fmt.clock(taken, 7) if taken > 0 else fmt.NONE), styles.muted

    return Column("time", "TIME", 7, cell, lambda t: (-t.seconds, -t.number), about="running time")


def _memory() -> Column:
    def cell(trial: TrialView, styles: Styles) -> Run:
        return (fmt.bytes(trial.memory) if trial.memory else fmt.NONE), styles.muted

    return Column(
        "memory",
        "MEMORY",
        9,
        cell,
        lambda t: (-t.memory, -t.number),
        optional=True,
        about="peak memory",
        value=lambda t: t.memory,
    )


def _origins() -> Iterable[Column]:
    for key, title, width, about in (
        ("seed", "SEED", 6, "seed of the trial"),
        ("origin", "ORIGIN", 8, "sampled, baseline, enqueued, …"),
        ("generation", "GEN", 4, "generation of the search"),
    ):
        yield _attribute(key, title, width, about)


def _attribute(key: str, title: str, width: int, about: str) -> Column:
    value = attrgetter(key)
    return Column(
        key,
        title,
        width,
        lambda t, s: (fmt.plain(value(t)), s.muted),
        lambda t: (value(t), -t.number),
        left=key == "origin",
        optional=True,
        about=about,
        value=value,
    )


def _curve(view: SessionView) -> Column:
    def cell(trial: TrialView, styles: Styles) -> Run:
        values = [item.metrics.get(view.metric, math.nan) for item in trial.evaluations]
        finite = [value for value in values if math.isfinite(value)]
        best = trial.number == view.best
        return sparkline(finite, 6), styles.trial(trial.state, best=best)

    def order(trial: TrialView) -> Order:
        return (-len(trial.evaluations), -trial.number)

    about = f"{fmt.plain(view.metric)} over the evaluations"
    return Column("curve", "CURVE", 6, cell, order, left=True, about=about)
