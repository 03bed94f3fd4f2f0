"""What a search has shown so far, in rows as well as in points, without flattery."""

from __future__ import annotations

from dataclasses import dataclass

from tuner.export.rows import shown_evaluation
from tuner.recipe.origins import BASELINE
from tuner.results.intervals import wilson
from tuner.results.metrics import correct, total
from tuner.session.view import SessionView, TrialState, TrialView


@dataclass(frozen=True, slots=True)
class Score:
    """One trial on the validation rows: `value` of the metric, and the rows answered rightly."""

    trial: int
    value: float
    correct: int
    rows: int

    @property
    def accuracy(self) -> float:
        """Share of rows answered rightly."""
        return self.correct / self.rows if self.rows else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the accuracy."""
        return wilson(self.correct, self.rows)


@dataclass(frozen=True, slots=True)
class Summary:
    """The best and the baseline of one session, and what became of its trials."""

    metric: str
    best: Score | None
    baseline: Score | None
    complete: int
    pruned: int
    collapsed: int
    failed: int

    @property
    def gained_rows(self) -> int | None:
        """Validation rows that the best answers rightly beyond the baseline's."""
        if self.best is None or self.baseline is None:
            return None
        return self.best.correct - self.baseline.correct


def summarize(view: SessionView) -> Summary:
    """The summary of a session as its log tells it now."""
    return Summary(
        metric=view.metric,
        best=_score(view.best_trial()),
        baseline=_score(_baseline(view)),
        complete=view.count(TrialState.COMPLETE),
        pruned=view.count(TrialState.PRUNED),
        collapsed=view.count(TrialState.COLLAPSED),
        failed=view.count(TrialState.FAILED),
    )


def _baseline(view: SessionView) -> TrialView | None:
    """The published recipe's trial, where it ran to its end."""
    for trial in view.trials.values():
        if trial.origin == BASELINE and trial.state is TrialState.COMPLETE:
            return trial
    return None


def _score(trial: TrialView | None) -> Score | None:
    kept = shown_evaluation(trial) if trial else None
    if trial is None or trial.value is None or kept is None:
        return None
    return Score(trial.number, trial.value, correct(kept.confusion), total(kept.confusion))
