"""Everything about one trial: parameters, evaluations, rungs, confusion, and why it ended."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence

from tuner.errors import TunerError
from tuner.recipe.key_parsers import METRICS
from tuner.render.confusion_matrix import Mode, confusion_lines
from tuner.render.event_text import local_time_of_day
from tuner.render.range_text import searched_settings
from tuner.render.renderable_lines import Lines, RenderableLines, join_side_by_side
from tuner.render.state_marks import schedule_share_text, trial_state_text
from tuner.render.styles import TERMINAL_STYLES, Styles, TextRun
from tuner.render.text_fitting import fit_text, wrap_at_spaces
from tuner.render.trial_columns import elapsed_seconds
from tuner.render.trial_fact_lines import rerun_result_lines, trial_origin_text
from tuner.render.trial_parameters import parameter_lines, value_ranks_of_trial
from tuner.render.trial_rungs import trial_rung_lines
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.session.events import Evaluated
from tuner.session.kept_evaluation import kept_or_last_evaluation
from tuner.session.view import SessionView, TrialState, TrialView

SIDE_BY_SIDE_WIDTH = 110
"""From this width on parameters stand beside the confusion matrix."""


def trial_detail(
    view: SessionView,
    number: int,
    *,
    width: int | None = None,
    styles: Styles = TERMINAL_STYLES,
    now: Callable[[], float] = time.time,
    details: str = "",
) -> RenderableLines:
    """Return one trial as a Rich renderable; raises TunerError where there is no such trial.

    `details` say what its score is worth.
    """
    if number not in view.trials:
        existing_trials = (
            f", trials are 0 to {max(view.trials)}" if view.trials else ", there are none yet"
        )
        raise TunerError(f"session {view.name!r} has no trial {number}{existing_trials}")
    return RenderableLines(
        lambda cells: trial_detail_lines(view, number, cells, styles, now(), details=details), width
    )


def trial_detail_lines(
    view: SessionView, number: int, width: int, styles: Styles, now: float,
    mode: Mode = "counts", details: str = "",
) -> Lines:  # fmt: skip
    """Draw `trial_detail` in lines of at most `width` cells."""
    trial = view.trials[number]
    head = [_headline_runs(view, trial, styles)]
    head += [[(line, styles.text)] for line in wrap_at_spaces(details, width)] if details else []
    head += [*_trial_fact_lines(view, trial, width, styles, now), []]
    if width >= SIDE_BY_SIDE_WIDTH:
        half = (width - 3) // 2
        left_lines = [
            *_parameter_section(view, trial, half, styles),
            [],
            *_rung_section(view, trial, half, styles),
        ]
        right_lines = [*_evaluation_section(view, trial, half, styles), []]
        right_lines += _confusion_section(view, trial, half, styles, mode)
        return [
            *head,
            *join_side_by_side(left_lines, right_lines, half),
            *_failure_section(trial, width, styles),
        ]
    parts = [
        _parameter_section(view, trial, width, styles),
        _evaluation_section(view, trial, width, styles),
        _rung_section(view, trial, width, styles),
        _confusion_section(view, trial, width, styles, mode),
        _failure_section(trial, width, styles),
    ]
    return [*head, *_join_with_gaps([part for part in parts if part])]


def _join_with_gaps(parts: Sequence[Lines]) -> Lines:
    lines: Lines = []
    for part in parts:
        lines += [*part, []]
    return lines[:-1]


def _headline_runs(view: SessionView, trial: TrialView, styles: Styles) -> list[TextRun]:
    best = trial.number == view.best
    state = trial_state_text(view, trial)
    value = (
        ""
        if trial.value is None
        else f"   {sanitize_text(view.metric)} {fmt.format_score(trial.value)}"
    )
    return [
        (f"trial {trial.number}", styles.heading),
        (f"   {state}", styles.trial_style(trial.state, best=best)),
        (value, styles.heading),
    ]


def _trial_fact_lines(
    view: SessionView, trial: TrialView, width: int, styles: Styles, now: float
) -> Lines:
    pieces = [
        trial_origin_text(trial),
        f"started {local_time_of_day(trial.started)}" if trial.started else "",
        f"took {fmt.format_clock(elapsed_seconds(trial, now))}"
        if elapsed_seconds(trial, now) > 0
        else "",
        fmt.format_epoch(trial.epoch) if trial.epoch else "",
        f"step {trial.step}/{trial.total_steps}" if trial.total_steps else "",
        f"memory {fmt.format_bytes(trial.memory)}" if trial.memory else "",
        f"seed {trial.seed}",
        f"on {sanitize_text(trial.device)}" if trial.device else "",
        f"{sanitize_text(view.batches)} batches" if view.batches else "",
        f"attempt {trial.attempts}" if trial.attempts > 1 else "",
    ]
    facts = " · ".join(piece for piece in pieces if piece)
    lines: Lines = [[(line, styles.muted)] for line in wrap_at_spaces(facts, width)]
    if trial.reason:
        style = styles.trial_style(trial.state)
        lines += [[(line, style)] for line in wrap_at_spaces(sanitize_text(trial.reason), width)]
    return lines + rerun_result_lines(view, trial, width, styles)


def _parameter_section(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    ranks = value_ranks_of_trial(view, trial)
    lines = parameter_lines(trial, searched_settings(view), ranks, width - 2, styles)
    return [[("Parameters", styles.heading)], *_indent_lines(lines, styles)]


def _indent_lines(lines: Lines, styles: Styles) -> Lines:
    return [[("  ", styles.text), *line] if line else [] for line in lines]


def _evaluation_section(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    lines: Lines = [[("Evaluations", styles.heading)]]
    if not trial.evaluations:
        return [*lines, [("  none yet", styles.muted)]]
    names = _shown_metric_names(view, trial.evaluations[-1], width)
    head = "".join(f"{fit_text(name.upper(), 9).rstrip():>10}" for name in names)
    lines.append([(f"  {'EPOCH':>6}{'SHARE':>8}{head}{'TRAIN LOSS':>12}", styles.muted)])
    return [*lines, *(_evaluation_runs(item, trial, names, styles) for item in trial.evaluations)]


def _shown_metric_names(view: SessionView, last: Evaluated, width: int) -> list[str]:
    others = [name for name in METRICS if name in last.metrics]
    names = dict.fromkeys([view.metric, *others])
    return list(names)[: max((width - 36) // 10, 1)]


def _evaluation_runs(
    item: Evaluated, trial: TrialView, names: Sequence[str], styles: Styles
) -> list[TextRun]:
    values = "".join(f"{_finite_score_text(item.metrics.get(name)):>10}" for name in names)
    is_kept = item.step == trial.kept_step and trial.state is TrialState.COMPLETE
    loss = fmt.format_score(item.train_loss, 11)
    text = f"  {fmt.format_amount(item.epoch, 6):>6}{schedule_share_text(item.share):>8}"
    text += f"{values}{loss:>12}"
    return [(text, styles.text), ("  ★ kept" if is_kept else "", styles.best)]


def _finite_score_text(value: float | None) -> str:
    return fmt.NONE if value is None or not math.isfinite(value) else fmt.format_score(value)


def _rung_section(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    if not trial.rungs:
        return []
    lines = trial_rung_lines(view, trial, width - 2, styles)
    return [[("Rungs", styles.heading)], *_indent_lines(lines, styles)]


def _confusion_section(
    view: SessionView, trial: TrialView, width: int, styles: Styles, mode: Mode
) -> Lines:
    item = kept_or_last_evaluation(trial)
    if item is None:
        return []
    title = f"Confusion at {fmt.format_epoch(item.epoch)}"
    matrix = confusion_lines(item.confusion, view.labels, width, styles, mode)
    return [[(title, styles.heading)], *matrix]


def _failure_section(trial: TrialView, width: int, styles: Styles) -> Lines:
    if not trial.lines:
        return []
    lines: Lines = [[("Last output of the trainer", styles.heading)]]
    return [
        *lines,
        *([(fit_text(sanitize_text(line), width).rstrip(), styles.muted)] for line in trial.lines),
    ]
