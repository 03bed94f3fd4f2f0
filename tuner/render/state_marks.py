"""A glyph and a word for every state, so that none is shown by colour alone."""

from __future__ import annotations

from tuner.results.format import format_percent, sanitize_text
from tuner.results.state_glyphs import GLYPHS
from tuner.session.view import SessionState, SessionView, TrialState, TrialView

ONE_LABEL = "1 label"
_STATE_WORDS = {
    TrialState.WAITING: "wait",
    TrialState.RUNNING: "run",
    TrialState.PAUSED: "pause",
    TrialState.COMPLETE: "done",
    TrialState.FAILED: "fail",
}


def trial_state_glyph(trial: TrialView, *, best: bool = False) -> str:
    """Return ★ for the best trial, else the glyph of its state."""
    return GLYPHS["best"] if best else GLYPHS[trial.state.value]


def trial_state_word(trial: TrialView) -> str:
    """Return a short word; a trial that was ended early shows its share of the schedule."""
    if is_marked_one_label(trial):
        return ONE_LABEL
    if trial.state in (TrialState.PRUNED, TrialState.COLLAPSED):
        return (
            schedule_share_text(trial.step / trial.total_steps)
            if trial.total_steps
            else trial.state.value[:5]
        )
    return _STATE_WORDS[trial.state]


def is_marked_one_label(trial: TrialView) -> bool:
    """Whether the trial predicts one label for every row, and its state does not say so."""
    return trial.one_label and trial.state in (TrialState.COMPLETE, TrialState.PRUNED)


def trial_state_text(view: SessionView, trial: TrialView) -> str:
    """Return glyph and state, and whether the trial predicts one label for every row."""
    best = trial.number == view.best
    word = "best" if best else trial.state.value
    more = f", {one_label_text(view, trial)}" if is_marked_one_label(trial) else ""
    return f"{trial_state_glyph(trial, best=best)} {word}{more}"


def one_label_text(view: SessionView, trial: TrialView) -> str:
    """Return `one label (spam) for every row`."""
    label = trial.only_label
    has_name = label is not None and label < len(view.labels)
    name = f" ({sanitize_text(view.labels[label])})" if has_name and label is not None else ""
    return f"one label{name} for every row"


def schedule_share_text(share: float) -> str:
    return format_percent(share)


def session_state_text(state: SessionState) -> str:
    return f"{GLYPHS[state.value]} {state.value}"
