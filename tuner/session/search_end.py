"""How a search ends: whether it came to a result, and if not, why not."""

from __future__ import annotations

from collections import Counter

from tuner.errors import NotFinished, StudyFailed, TunerError
from tuner.results.format import format_percent
from tuner.session.view import SessionView, TrialState, TrialView

_WORDS = {
    TrialState.COLLAPSED: "collapsed",
    TrialState.FAILED: "failed",
    TrialState.PRUNED: "pruned",
    TrialState.PAUSED: "unfinished",
    TrialState.RUNNING: "unfinished",
}
_LONGEST_REASON = 120


def has_complete_trial(view: SessionView) -> bool:
    """Check for a complete trial: without one there is no best trial and nothing to export."""
    return view.count_trials(TrialState.COMPLETE) > 0


def reason_without_result(view: SessionView, over: str) -> str:
    """Explain in one sentence why a finished search has no result.

    "no trial is complete: 5 collapsed (one label for every row …), 2 failed (out of memory); all 7
    trials have ended". `over` says why the search is over.
    """
    by_state: dict[str, list[TrialView]] = {}
    for trial in view.trials.values():
        by_state.setdefault(_WORDS.get(trial.state, str(trial.state)), []).append(trial)
    ends = [
        f"{len(trials)} {word}{_causes_in_parentheses(trials)}" for word, trials in by_state.items()
    ]
    return f"no trial is complete: {', '.join(ends) or 'none was started'}{over and f'; {over}'}"


def cut_short_text(share: float) -> str:
    """Say that a complete trial stopped at this share of its schedule; "" for the whole of it."""
    return (
        ""
        if share >= 1.0
        else f"cut short at {format_percent(share)} of its schedule: the time was up"
    )


def trials_cut_short(view: SessionView) -> list[TrialView]:
    """List complete trials that ran out of time before the end of their schedule."""
    complete = (t for t in view.trials.values() if t.state is TrialState.COMPLETE)
    return [trial for trial in complete if trial.share < 1.0]


def no_best_error(view: SessionView, name: str, consequence: str) -> TunerError:
    """Build the error for a missing best trial: not there yet, or never to come."""
    if view.lifecycle == "session_failed":
        return StudyFailed(f"{name}: {consequence}: {view.reason}")
    return NotFinished(f"{name} has no complete trial yet: {consequence}")


def _causes_in_parentheses(trials: list[TrialView]) -> str:
    """Summarize the causes of a group of trials: `(2 out of memory, 1 died)`."""
    if trials[0].state in (TrialState.PAUSED, TrialState.RUNNING):
        shares = [
            format_percent(trial.step / trial.total_steps) for trial in trials if trial.total_steps
        ]
        return f" ({', '.join(shares)} of the schedule done)" if shares else ""
    reasons = {trial.reason for trial in trials if trial.reason}
    if len(reasons) == 1:
        return f" ({_shorten_reason(reasons.pop())})"
    causes = Counter(trial.reason.split(":")[0].split(",")[0] for trial in trials if trial.reason)
    if len(causes) == 1:
        return f" ({_shorten_reason(next(iter(causes)))})"
    counted = [f"{count} {_shorten_reason(cause)}" for cause, count in causes.most_common(3)]
    return f" ({', '.join(counted)})" if counted else ""


def _shorten_reason(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[: _LONGEST_REASON - 1]}…"
