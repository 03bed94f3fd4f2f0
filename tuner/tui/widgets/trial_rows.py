"""Which trials are rows of the table, and in which order; changed by what changed alone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import islice

from tuner.session.view import SessionView, TrialView
from tuner.tui.render.columns import Order
from tuner.tui.widgets.ordering import Ordering

Test = Callable[[TrialView], bool]


class TrialRows:
    """All trials in an order, and those of them that pass a filter.

    Sorting and filtering look at every trial, once; a trial that changed costs O(log trials).
    """

    def __init__(self, view: SessionView, test: Test | None = None) -> None:
        self.view = view
        self.test = test
        self._order: Callable[[TrialView], Order] = lambda trial: (-trial.number,)
        self._all = self._passing = Ordering()
        self._by_number: list[int] = []

    @property
    def numbers(self) -> list[int]:
        """The trials that pass, in their order."""
        return self._passing.numbers

    def place_of(self, number: int) -> int | None:
        """Where a trial stands, None where it does not pass."""
        return self._passing.place(number)

    def newest(self, count: int) -> list[int]:
        """The newest trials that pass, the newest first."""
        if self.test is None:
            return list(islice(reversed(self.view.trials), count))
        return self._by_number[-count:][::-1]

    def sort(self, order: Callable[[TrialView], Order], *, backwards: bool) -> None:
        """Take on an order."""
        self._order = order
        found = ((number, order(trial)) for number, trial in self.view.trials.items())
        self._all = Ordering(found, backwards=backwards)
        self._keep(set(self._by_number))

    def turn(self, *, backwards: bool) -> None:
        """The same order forwards or backwards."""
        self._all = self._all.turned(backwards=backwards)
        self._keep(set(self._by_number))

    def sift(self, test: Test | None) -> None:
        """Take on a filter, in the order there is."""
        self.test = test
        passing: set[int] = set()
        if test is not None:
            passing = {number for number, trial in self.view.trials.items() if test(trial)}
        self._by_number = sorted(passing)
        self._keep(passing)

    def _keep(self, passing: set[int]) -> None:
        self._passing = self._all if self.test is None else self._all.only(passing)

    def place(self, number: int) -> bool:
        """A trial changed: put it where it belongs; False where all rows stay where they are."""
        trial = self.view.trials[number]
        order = self._order(trial)
        moved = self._all.put(number, order)
        if self.test is None:
            return moved
        passes = self.test(trial)
        at = bisect_left(self._by_number, number)
        known = self._by_number[at : at + 1] == [number]
        if passes and not known:
            self._by_number.insert(at, number)
        elif known and not passes:
            del self._by_number[at]
        return self._passing.put(number, order) if passes else self._passing.drop(number)
