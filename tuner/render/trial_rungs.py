"""At which shares of its schedule a trial was compared with others, and what came of it."""

from __future__ import annotations

import math

from tuner.render.renderable_lines import Lines
from tuner.render.state_marks import schedule_share_text, trial_state_glyph
from tuner.render.styles import Styles
from tuner.render.text_fitting import fit_text, wrap_at_spaces
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.results.state_glyphs import GLYPHS
from tuner.session.events import Rung
from tuner.session.view import SessionView, TrialState, TrialView

RULE_MIN_WIDTH = 50
"""Below this width the rule is left out."""


def trial_rung_lines(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    """Draw a line for each rung, and how the trial ended."""
    if not trial.rungs:
        return trial_end_lines(view, trial, width, styles)
    head = f"{'RUNG':>4}{'EPOCH':>6}{'SHARE':>7}{'VALUE':>9}{'CUTOFF':>9}{'RANK':>7}  DECISION"
    lines: Lines = [[(fit_text(head, width).rstrip(), styles.muted)]]
    for index, rung in enumerate(trial.rungs):
        epoch = _rung_epoch_text(trial, rung)
        numbers = f"{index + 1:>4}{epoch:>6}{schedule_share_text(rung.share):>7}"
        numbers += f"{fmt.format_score(rung.value):>9}{_cutoff_text(rung):>9}"
        numbers += f"{f'{rung.rank}/{rung.among}':>7}  "
        style = styles.paused if rung.spared else styles.complete if rung.kept else styles.pruned
        decision = fit_text(_decision_text(rung, width), max(width - len(numbers), 5)).rstrip()
        lines.append([(numbers, styles.text), (decision, style)])
    return [*lines, *trial_end_lines(view, trial, width, styles)]


def trial_end_lines(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    """Say how the trial ended and why; nothing while it has not."""
    best = trial.number == view.best
    if trial.state is TrialState.COMPLETE:
        text = f"complete at {fmt.format_score(trial.value)}"
    elif trial.reason:
        text = sanitize_text(trial.reason)
    elif trial.state is TrialState.PAUSED:
        text = f"paused at step {trial.step} until the session is resumed"
    else:
        return []
    style = styles.trial_style(trial.state, best=best)
    glyph = trial_state_glyph(trial, best=best)
    return [[(line, style)] for line in wrap_at_spaces(f"{glyph} {text}", width)]


def rungs_sentence(trial: TrialView) -> str:
    """Return `rung 1 0.6823 kept 2/9 · rung 2 …`."""
    rung_texts = (
        f"rung {index} {fmt.format_score(rung.value)} {_decision_word(rung)} "
        f"{rung.rank}/{rung.among}"
        for index, rung in enumerate(trial.rungs, start=1)
    )
    return " · ".join(rung_texts)


def _decision_word(rung: Rung) -> str:
    return "spared" if rung.spared else "kept" if rung.kept else f"{GLYPHS['pruned']} cut"


def _decision_text(rung: Rung, width: int) -> str:
    return (
        f"{_decision_word(rung)} · {sanitize_text(rung.rule)}"
        if width >= RULE_MIN_WIDTH
        else _decision_word(rung)
    )


def _cutoff_text(rung: Rung) -> str:
    has_cutoff = rung.cutoff is not None and math.isfinite(rung.cutoff)
    return fmt.format_score(rung.cutoff) if has_cutoff else fmt.NONE


def _rung_epoch_text(trial: TrialView, rung: Rung) -> str:
    """Return the epoch of the evaluation that was compared: the first at the rung or beyond."""
    later_evaluations = (item for item in trial.evaluations if item.share >= rung.share - 1e-6)
    item = next(later_evaluations, None)
    return fmt.NONE if item is None else fmt.format_amount(item.epoch)
