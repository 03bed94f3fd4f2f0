"""Trials counted by what became of them, kept up to date by what changed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Self

from tuner.recipe.origins import repeated_trial_number
from tuner.session.trial_plan import total_planned_trials
from tuner.session.view import ENDED_STATES, SessionView, TrialState, TrialView


class TrialCounter:
    """Counts trials by state and sums what pruning saved; updates look at changed trials only."""

    def __init__(self) -> None:
        self._states: dict[int, TrialState] = {}
        self._saved: dict[int, float] = {}
        self._counts: Counter[TrialState] = Counter()
        self._of_plan: set[int] = set()
        self.running: set[int] = set()
        self.seconds_saved = 0.0

    @classmethod
    def of_whole_view(cls, view: SessionView) -> Self:
        counter = cls()
        counter.recount_trials(view, view.trials)
        return counter

    def recount_trials(self, view: SessionView, changed: Iterable[int]) -> None:
        for number in changed:
            trial = view.trials[number]
            before = self._states.get(number)
            if before is not None:
                self._counts[before] -= 1
            self._states[number] = trial.state
            if repeated_trial_number(trial.origin) is None:
                self._of_plan.add(number)
            self._counts[trial.state] += 1
            (self.running.add if trial.state is TrialState.RUNNING else self.running.discard)(
                number
            )
            self._record_saved_seconds(number, saved_seconds(trial))

    def count_in_states(self, *states: TrialState) -> int:
        return sum(self._counts[state] for state in states)

    def planned_trials(self, view: SessionView) -> int:
        """Return how many trials the search will have had, as `session.trial_plan` counts them."""
        return total_planned_trials(view.planned, len(self._states), len(self._of_plan))

    @property
    def ended_count(self) -> int:
        return self.count_in_states(*ENDED_STATES)

    def _record_saved_seconds(self, number: int, seconds: float) -> None:
        self.seconds_saved += seconds - self._saved.get(number, 0.0)
        self._saved[number] = seconds


def saved_seconds(trial: TrialView) -> float:
    """Estimate how much longer a pruned trial would have run, at its own pace."""
    if trial.state not in (TrialState.PRUNED, TrialState.COLLAPSED) or not trial.step:
        return 0.0
    return trial.seconds * max(trial.total_steps / trial.step - 1, 0.0)
