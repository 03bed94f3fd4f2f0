"""What a search has shown so far: its figures, of which `export.outcome_text` makes sentences."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.export.search_advice import advice_after_search
from tuner.recipe.origins import BASELINE
from tuner.results.paired import SIGNIFICANCE_LEVEL
from tuner.session.folder import Session
from tuner.session.scores import (
    ScoreGain,
    ScoreWithInterval,
    complete_baseline_trial,
    gain_over_trial,
    score_of_trial,
)
from tuner.session.search_end import trials_cut_short
from tuner.session.status import TrialCounts, count_trial_states
from tuner.session.view import SessionView, TrialState, TrialView

_HAPPENED = {
    TrialState.PRUNED: "was pruned",
    TrialState.COLLAPSED: "collapsed",
    TrialState.FAILED: "failed",
}


@dataclass(frozen=True, slots=True)
class Summary:
    """The best and the baseline of one session, and what became of its trials.

    `gain` is the best's over the baseline, None where one of them is missing or both are the same;
    `why_no_baseline` says in a sentence why there is none. `equals` are the complete trials that
    score exactly what the best does, itself among them. `cut_short` has the share of its schedule
    that a complete trial had done when the time was up. `advice` says what to do where the search
    found nothing better than the baseline.
    """

    metric: str
    best: ScoreWithInterval | None
    baseline: ScoreWithInterval | None
    gain: ScoreGain | None
    why_no_baseline: str
    equals: int
    counts: TrialCounts
    cut_short: dict[int, float]
    advice: str = ""

    @property
    def candidate_count(self) -> int:
        """Count the complete trials that the best was chosen from, without the baseline."""
        return self.counts.complete - (self.baseline is not None)

    @property
    def corrected_p_value(self) -> float | None:
        """Return the p-value of best against baseline, times the number of candidates (Bonferroni).

        None where the two could not be paired.
        """
        difference = self.gain.difference if self.gain else None
        if difference is None or difference.p is None:
            return None
        return min(1.0, difference.p * max(1, self.candidate_count))

    @property
    def beats_baseline(self) -> bool:
        if self.gain is None or self.gain.difference is None or not self.gain.is_improvement:
            return False
        return (
            self.corrected_p_value < SIGNIFICANCE_LEVEL
            if self.corrected_p_value is not None
            else self.gain.difference.is_significant
        )


def summarize_session(session: Session, view: SessionView) -> Summary:
    """Summarize a session as its log stands now."""
    best, baseline = view.find_best_trial(), complete_baseline_trial(view)
    gain = None
    nothing_better = best is baseline and view.count_trials(TrialState.COMPLETE) > 1
    if best is not None and baseline is not None and best is not baseline:
        gain = gain_over_trial(session, view, best, baseline)
    return Summary(
        metric=view.metric,
        best=score_of_trial(session, view, best) if best else None,
        baseline=score_of_trial(session, view, baseline) if baseline else None,
        gain=gain,
        why_no_baseline="" if baseline else _why_no_baseline(view),
        equals=_count_equal_to_best(view, best),
        counts=count_trial_states(view),
        cut_short={trial.number: trial.share for trial in trials_cut_short(view)},
        advice=advice_after_search(session, view) if nothing_better else "",
    )


def _count_equal_to_best(view: SessionView, best: TrialView | None) -> int:
    complete = (t for t in view.trials.values() if t.state is TrialState.COMPLETE)
    return (
        0
        if best is None
        else sum(t.current_standing() == best.current_standing() for t in complete)
    )


def _why_no_baseline(view: SessionView) -> str:
    """Say why no baseline is complete: not yet, never, or because the only trial is one itself."""
    for trial in view.trials.values():
        if trial.origin == BASELINE:
            happened = _HAPPENED.get(trial.state, f"is {trial.state.value}")
            return f"The baseline (trial {trial.number}) {happened}."
    recipe = view.recipe
    if view.planned == 1 and not any(trial.params for trial in view.trials.values()):
        is_baseline = recipe is not None and recipe.preset == BASELINE
        description = "itself the baseline" if is_baseline else "the only one"
        return f"Nothing was searched: this trial is {description}."
    if recipe is None or recipe.search.baseline:
        return "No baseline has run."
    return "No baseline was asked for (search.baseline = false)."
