"""The glyph and the word that go with every state, so that no state is told by colour alone."""

from __future__ import annotations

from tuner.results.format import GLYPHS, percent
from tuner.session.view import SessionState, TrialState, TrialView

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
    if trial.state in (TrialState.PRUNED, TrialState.COLLAPSED):
        return share_text(trial.step / trial.of) if trial.of else trial.state.value[:5]
    return _WORDS[trial.state]


def share_text(share: float) -> str:
    """A share of the schedule in whole percent."""
    return percent(share)


def session_text(state: SessionState) -> str:
    """Glyph and word of a session's state."""
    return f"{GLYPHS[state.value]} {state.value}"
