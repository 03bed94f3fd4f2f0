"""At which shares of its schedule a trial was compared with others, and what came of it."""

from __future__ import annotations

import math

from tuner.results import format as fmt
from tuner.results.format import GLYPHS, plain
from tuner.session.events import Rung
from tuner.session.view import SessionView, TrialState, TrialView
from tuner.tui.render.lined import Lines
from tuner.tui.render.marks import share_text, trial_glyph
from tuner.tui.render.names import fit, wrapped
from tuner.tui.render.styles import Styles

RULE_FROM = 50
"""Below this width the rule is left out."""


def rung_lines(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    """A line for each rung, and how it ended; nothing where there is neither."""
    if not trial.rungs:
        return end_lines(view, trial, width, styles)
    head = f"{'RUNG':>4}{'EPOCH':>6}{'SHARE':>7}{'VALUE':>9}{'CUTOFF':>9}{'RANK':>7}  DECISION"
    lines: Lines = [[(fit(head, width).rstrip(), styles.muted)]]
    for index, rung in enumerate(trial.rungs):
        epoch = _epoch(trial, rung)
        numbers = f"{index + 1:>4}{epoch:>6}{share_text(rung.share):>7}{fmt.score(rung.value):>9}"
        numbers += f"{_cutoff(rung):>9}{f'{rung.rank}/{rung.among}':>7}  "
        style = styles.paused if rung.spared else styles.complete if rung.kept else styles.pruned
        shown = fit(_verdict(rung, width), max(width - len(numbers), 5)).rstrip()
        lines.append([(numbers, styles.text), (shown, style)])
    return [*lines, *end_lines(view, trial, width, styles)]


def end_lines(view: SessionView, trial: TrialView, width: int, styles: Styles) -> Lines:
    """How the trial ended and why; nothing while it has not."""
    best = trial.number == view.best
    if trial.state is TrialState.COMPLETE:
        text = f"complete at {fmt.score(trial.value)}"
    elif trial.reason:
        text = plain(trial.reason)
    elif trial.state is TrialState.PAUSED:
        text = f"waits at step {trial.step} until the session is resumed"
    else:
        return []
    style = styles.trial(trial.state, best=best)
    glyph = trial_glyph(trial, best=best)
    return [[(line, style)] for line in wrapped(f"{glyph} {text}", width)]


def rungs_in_words(trial: TrialView) -> str:
    """rung 1 0.6823 kept 2/9 · rung 2 …, for a summary."""
    told = (
        f"rung {index} {fmt.score(rung.value)} {_word(rung)} {rung.rank}/{rung.among}"
        for index, rung in enumerate(trial.rungs, start=1)
    )
    return " · ".join(told)


def _word(rung: Rung) -> str:
    return "spared" if rung.spared else "kept" if rung.kept else f"{GLYPHS['pruned']} cut"


def _verdict(rung: Rung, width: int) -> str:
    return f"{_word(rung)} · {plain(rung.rule)}" if width >= RULE_FROM else _word(rung)


def _cutoff(rung: Rung) -> str:
    known = rung.cutoff is not None and math.isfinite(rung.cutoff)
    return fmt.score(rung.cutoff) if known else fmt.NONE


def _epoch(trial: TrialView, rung: Rung) -> str:
    """The epoch of the evaluation that was compared: the first one at the rung or beyond."""
    found = (item for item in trial.evaluations if item.share >= rung.share - 1e-6)
    item = next(found, None)
    return fmt.NONE if item is None else fmt.amount(item.epoch)
