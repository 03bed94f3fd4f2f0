"""Everything about one trial: parameters, evaluations, rungs, confusion, and why it ended."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from rich.cells import cell_len

from tuner.errors import TunerError
from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session.events import Evaluated
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.render.columns import elapsed
from tuner.tui.render.confusion import Mode, confusion_lines
from tuner.tui.render.events import time_of_day
from tuner.tui.render.lined import Lined, Lines
from tuner.tui.render.marks import share_text, state_text
from tuner.tui.render.names import fit, wrapped
from tuner.tui.render.space import searched
from tuner.tui.render.styles import TERMINAL, Run, Styles
from tuner.tui.render.trial_facts import origin_text, rerun_lines
from tuner.tui.render.trial_params import parameter_lines, value_ranks
from tuner.tui.render.trial_rungs import rung_lines

SIDE_BY_SIDE = 110
"""From this width on parameters stand beside the confusion matrix."""


def trial_detail(
    view: SessionView,
    number: int,
    *,
    width: int | None = None,
    styles: Styles = TERMINAL,
    now: Callable[[], float] = time.time,
    details: str = "",
) -> Lined:
    """One trial as a Rich renderable; raises TunerError where the session has no such trial.

    `details` say what its score is worth.
    """
    if number not in view.trials:
        known = f", trials are 0 to {max(view.trials)}" if view.trials else ", there are none yet"
        raise TunerError(f"session {view.name!r} has no trial {number}{known}")
    return Lined(
        lambda cells: trial_lines(view, number, cells, styles, now(), details=details), width
    )


def trial_lines(
    view: SessionView, number: int, width: int, styles: Styles, now: float,
    mode: Mode = "counts", details: str = "",
) -> Lines:  # fmt: skip
    """`trial_detail` as lines of at most `width` cells."""
    trial = view.trials[number]
    head = [_headline(view, trial, styles)]
    head += [[(line, styles.text)] for line in wrapped(details, width)] if details else []
    head += [*_facts(view, trial, width, styles, now), []]
    if width >= SIDE_BY_SIDE:
        half = (width - 3) // 2
        left = [*_parameters(view, trial, half, styles), [], *_rungs(view, trial, half, styles)]
        right = [*_evaluations(view, trial, half, styles), []]
        right += _confusion(view, trial, half, styles, mode)
        return [*head, *beside(left, right, half), *_failure(trial, width, styles)]
    parts = [
        _parameters(view, trial, width, styles),
        _evaluations(view, trial, width, styles),
        _rungs(view, trial, width, styles),
        _confusion(view, trial, width, styles, mode),
        _failure(trial, width, styles),
    ]
    return [*head, *_joined([part for part in parts if part])]


def beside(left: Sequence[list[Run]], right: Sequence[list[Run]], width: int) -> Lines:
    """Two blocks next to each other, the left one padded to `width` cells."""
    lines: Lines = []
    for row in range(max(len(left), len(right))):
        runs = list(left[row]) if row < len(left) else []
        used = sum(cell_len(text) for text, _ in runs)
        gap = (" " * (width - used + 3), TERMINAL.text)
        lines.append([*runs, gap, *(right[row] if row < len(right) else [])])
    return lines


def _joined(parts: Sequence[Lines]) -> Lines:
    lines: Lines = []
    for part in parts:
        lines += [*part, []]
    return lines[:-1]


def _headline(view: SessionView, trial: TrialView, styles: Styles) -> list[Run]:
    best = trial.number == view.best
    state = state_text(view, trial)
    value = "" if trial.value is None else f"   {plain(view.metric)} {fmt.score(trial.value)}"
    return [
        (f"trial {trial.number}", styles.heading),
        (f"   {state}", styles.trial(trial.state, best=best)),
        (value, styles.heading),
    ]


def _facts(view: SessionView, trial: TrialView, width: int, styles: Styles, now: float) -> Lines:
    pieces = [
        origin_text(trial),
        f"started {time_of_day(trial.started)}" if trial.started else "",
        f"took {fmt.clock(elapsed(trial, now))}" if elapsed(trial, now) > 0 else "",
        fmt.epoch(trial.epoch) if trial.epoch else "",
        f"step {trial.step}/{trial.of}" if trial.of else "",
        f"memory {fmt.bytes(trial.memory)}" if trial.memory else "",
        f"seed {trial.seed}",
        f"on {plain(trial.device)}" if trial.device else "",
        f"{plain(view.batches)} batches" if view.batches else "",
        f"attempt {trial.attempts}" if trial.attempts > 1 else "",
    ]
    facts = " · ".join(piece for piece in pieces if piece)
    lines: Lines = [[(line, styles.muted)] for line in wrapped(facts, width)]
    if trial.reason:
        style = styles.trial(trial.state)
        lines += [[(line, style)] for line in wrapped(plain(trial.reason), width)]
    return lines + rerun_lines(view, trial, width, styles)


def _parameters(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    ranks = value_ranks(view, trial)
    lines = parameter_lines(trial, searched(view), ranks, width - 2, styles)
    return [[("Parameters", styles.heading)], *_indented(lines, styles)]


def _indented(lines: Lines, styles: Styles) -> Lines:
    return [[("  ", styles.text), *line] if line else [] for line in lines]


def _evaluations(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    lines: Lines = [[("Evaluations", styles.heading)]]
    if not trial.evaluations:
        return [*lines, [("  none yet", styles.muted)]]
    names = _metric_names(view, trial.evaluations[-1], width)
    head = "".join(f"{fit(name.upper(), 9).rstrip():>10}" for name in names)
    lines.append([(f"  {'EPOCH':>6}{'SHARE':>8}{head}{'TRAIN LOSS':>12}", styles.muted)])
    return [*lines, *(_evaluation(item, trial, names, styles) for item in trial.evaluations)]


def _metric_names(view: SessionView, last: Evaluated, width: int) -> list[str]:
    others = [name for name in ("accuracy", "f1_macro", "mcc", "loss") if name in last.metrics]
    names = dict.fromkeys([view.metric, *others])
    return list(names)[: max((width - 36) // 10, 1)]


def _evaluation(
    item: Evaluated, trial: TrialView, names: Sequence[str], styles: Styles
) -> list[Run]:
    values = "".join(f"{_score(item.metrics.get(name)):>10}" for name in names)
    kept = item.step == trial.kept_step and trial.state is TrialState.COMPLETE
    loss = fmt.score(item.train_loss, 11)
    text = f"  {fmt.amount(item.epoch, 6):>6}{share_text(item.share):>8}{values}{loss:>12}"
    return [(text, styles.text), ("  ★ kept" if kept else "", styles.best)]


def _score(value: float | None) -> str:
    return fmt.NONE if value is None or not math.isfinite(value) else fmt.score(value)


def _rungs(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    if not trial.rungs:
        return []
    lines = rung_lines(view, trial, width - 2, styles)
    return [[("Rungs", styles.heading)], *_indented(lines, styles)]


def kept_evaluation(trial: TrialView) -> int | None:
    """Which evaluation the trial's value is from, else the last one; None without any."""
    for index, item in enumerate(trial.evaluations):
        if item.step == trial.kept_step:
            return index
    return len(trial.evaluations) - 1 if trial.evaluations else None


def _confusion(
    view: SessionView, trial: TrialView, width: int, styles: Styles, mode: Mode
) -> Lines:
    kept = kept_evaluation(trial)
    if kept is None:
        return []
    item = trial.evaluations[kept]
    title = f"Confusion at {fmt.epoch(item.epoch)}"
    matrix = confusion_lines(item.confusion, view.labels, width, styles, mode)
    return [[(title, styles.heading)], *matrix]


def _failure(trial: TrialView, width: int, styles: Styles) -> Lines:
    if not trial.lines:
        return []
    lines: Lines = [[("Last lines of the trainer", styles.heading)]]
    return [*lines, *([(fit(plain(line), width).rstrip(), styles.muted)] for line in trial.lines)]
