"""The glyph and the word that go with every state, so that no state is told by colour alone."""

from __future__ import annotations

from tuner.results.format import GLYPHS, percent, plain
from tuner.session.view import SessionState, SessionView, TrialState, TrialView

ONE_LABEL = "1 label"
_WORDS = {
    TrialState.WAITING: "wait",
    TrialState.RUNNING: "run",
    TrialState.PAUSED: "pause",
    TrialState.COMPLETE: "done",
    TrialState.FAILED: "fail",
}


def trial_glyph(trial: TrialView, *, best: bool = False) -> str:
    """★ for the best trial, else the glyph of its state."""
    return GLYPHS["best"] if best else GLYPHS[trial.state.value]


def trial_word(trial: TrialView) -> str:
    """A short word; a trial that was ended early shows at which share of its schedule."""
    if is_marked_one_label(trial):
        return ONE_LABEL
    if trial.state in (TrialState.PRUNED, TrialState.COLLAPSED):
        return share_text(trial.step / trial.of) if trial.of else trial.state.value[:5]
    return _WORDS[trial.state]


def is_marked_one_label(trial: TrialView) -> bool:
    """Whether the trial came to an end with one answer for all rows, and no state says so."""
    return trial.one_label and trial.state in (TrialState.COMPLETE, TrialState.PRUNED)


def state_text(view: SessionView, trial: TrialView) -> str:
    """Glyph and state, "best" for the best trial, and whether it has one answer for all rows."""
    best = trial.number == view.best
    word = "best" if best else trial.state.value
    more = f", {one_label_words(view, trial)}" if is_marked_one_label(trial) else ""
    return f"{trial_glyph(trial, best=best)} {word}{more}"


def one_label_words(view: SessionView, trial: TrialView) -> str:
    """The label that all rows are answered with: one label (spam) for every row."""
    label = trial.only_label
    known = label is not None and label < len(view.labels)
    name = f" ({plain(view.labels[label])})" if known and label is not None else ""
    return f"one label{name} for every row"


def share_text(share: float) -> str:
    """A share of the schedule in whole percent."""
    return percent(share)


def session_text(state: SessionState) -> str:
    """Glyph and word of a session's state."""
    return f"{GLYPHS[state.value]} {state.value}"
