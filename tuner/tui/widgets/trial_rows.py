"""Which trials are rows of the table, and in which order; changed by what changed alone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from itertools import islice

from tuner.render.trial_columns import SortKey
from tuner.session.view import SessionView, TrialView
from tuner.tui.widgets.ordering import Ordering

TrialTest = Callable[[TrialView], bool]


class TrialRows:
    """All trials in an order, and those of them that match a filter.

    Sorting and filtering look at every trial, once; a trial that changed costs O(log trials).
    """

    def __init__(self, view: SessionView, test: TrialTest | None = None) -> None:
        self.view = view
        self.test = test
        self._sort_key: Callable[[TrialView], SortKey] = lambda trial: (-trial.number,)
        self._all_trials = self._matching_trials = Ordering()
        self._matching_numbers: list[int] = []

    @property
    def ordered_numbers(self) -> list[int]:
        return self._matching_trials.ordered_numbers

    def index_of_trial(self, number: int) -> int | None:
        """Return where a trial stands, None where it does not match."""
        return self._matching_trials.index_of_number(number)

    def newest_trials(self, count: int) -> list[int]:
        """Return the newest trials that match, the newest first."""
        if self.test is None:
            return list(islice(reversed(self.view.trials), count))
        return self._matching_numbers[-count:][::-1]

    def sort_by_key(self, sort_key: Callable[[TrialView], SortKey], *, is_reversed: bool) -> None:
        self._sort_key = sort_key
        sortable_trials = ((number, sort_key(trial)) for number, trial in self.view.trials.items())
        self._all_trials = Ordering(sortable_trials, is_reversed=is_reversed)
        self._restrict_to(set(self._matching_numbers))

    def set_direction(self, *, is_reversed: bool) -> None:
        self._all_trials = self._all_trials.with_direction(is_reversed=is_reversed)
        self._restrict_to(set(self._matching_numbers))

    def apply_filter(self, test: TrialTest | None) -> None:
        """Take on a filter and keep the order."""
        self.test = test
        matching: set[int] = set()
        if test is not None:
            matching = {number for number, trial in self.view.trials.items() if test(trial)}
        self._matching_numbers = sorted(matching)
        self._restrict_to(matching)

    def _restrict_to(self, matching: set[int]) -> None:
        self._matching_trials = (
            self._all_trials if self.test is None else self._all_trials.restricted_to(matching)
        )

    def update_position(self, number: int) -> bool:
        """Put a changed trial where it belongs; return False where all rows stay where they are."""
        trial = self.view.trials[number]
        order = self._sort_key(trial)
        has_moved = self._all_trials.update_position(number, order)
        if self.test is None:
            return has_moved
        is_matching = self.test(trial)
        index = bisect_left(self._matching_numbers, number)
        was_matching = self._matching_numbers[index : index + 1] == [number]
        if is_matching and not was_matching:
            self._matching_numbers.insert(index, number)
        elif was_matching and not is_matching:
            del self._matching_numbers[index]
        return (
            self._matching_trials.update_position(number, order)
            if is_matching
            else self._matching_trials.remove_number(number)
        )
