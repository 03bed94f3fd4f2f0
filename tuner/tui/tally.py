"""Trials counted by what became of them, kept up to date by what changed alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Self

from tuner.recipe.origins import repeated
from tuner.session.plan import planned_in_all
from tuner.session.view import SessionView, TrialState, TrialView

ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED, TrialState.FAILED)


class Tally:
    """Counts, what runs, and what pruning saved: nothing here costs more with more trials."""

    def __init__(self) -> None:
        self._states: dict[int, TrialState] = {}
        self._saved: dict[int, float] = {}
        self._counts: Counter[TrialState] = Counter()
        self._of_plan: set[int] = set()
        self.running: set[int] = set()
        self.saved = 0.0

    @classmethod
    def of(cls, view: SessionView) -> Self:
        """The tally of a whole view."""
        tally = cls()
        tally.update(view, view.trials)
        return tally

    def update(self, view: SessionView, changed: Iterable[int]) -> None:
        """Count these trials anew."""
        for number in changed:
            trial = view.trials[number]
            before = self._states.get(number)
            if before is not None:
                self._counts[before] -= 1
            self._states[number] = trial.state
            if repeated(trial.origin) is None:
                self._of_plan.add(number)
            self._counts[trial.state] += 1
            (self.running.add if trial.state is TrialState.RUNNING else self.running.discard)(
                number
            )
            self._save(number, saved_seconds(trial))

    def count(self, *states: TrialState) -> int:
        """How many trials are in one of these states."""
        return sum(self._counts[state] for state in states)

    def planned(self, view: SessionView) -> int:
        """How many trials the search will have had, as `session.plan` counts them."""
        return planned_in_all(view.planned, len(self._states), len(self._of_plan))

    @property
    def ended(self) -> int:
        """How many trials came to an end, whatever it was."""
        return self.count(*ENDED)

    def _save(self, number: int, seconds: float) -> None:
        self.saved += seconds - self._saved.get(number, 0.0)
        self._saved[number] = seconds


def saved_seconds(trial: TrialView) -> float:
    """What a pruned trial would have taken beyond its end, at its own pace."""
    if trial.state not in (TrialState.PRUNED, TrialState.COLLAPSED) or not trial.step:
        return 0.0
    return trial.seconds * max(trial.of / trial.step - 1, 0.0)
