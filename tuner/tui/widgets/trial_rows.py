"""Which trials are rows of the table, and in which order; changed by what changed alone."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable
from itertools import islice
from typing import Self

from tuner.render.trial_columns import SortKey
from tuner.session.view import SessionView, TrialView

TrialTest = Callable[[TrialView], bool]


class Ordering:
    """Sorted numbers; only one that changed is moved, so that ten thousand cost as little as ten.

    What numbers are ordered by is a tuple; the number itself comes last in it.
    """

    def __init__(
        self, ordered_items: Iterable[tuple[int, SortKey]] = (), *, is_reversed: bool = False
    ) -> None:
        self._set_entries(sorted((*order, number) for number, order in ordered_items), is_reversed)

    def _set_entries(self, entries: list[SortKey], is_reversed: bool) -> None:
        self._is_reversed = is_reversed
        self._entries = entries
        self._orders = {entry[-1]: entry for entry in entries}
        ordered = list(self._orders)
        self._numbers: list[int] = ordered[::-1] if is_reversed else ordered

    @property
    def ordered_numbers(self) -> list[int]:
        return self._numbers

    def restricted_to(self, numbers: Collection[int]) -> Self:
        """Return those of these numbers that are in, in the same order."""
        return self._copy_with([entry for entry in self._entries if entry[-1] in numbers])

    def with_direction(self, *, is_reversed: bool) -> Self:
        return self._copy_with(list(self._entries), is_reversed)

    def _copy_with(self, entries: list[SortKey], is_reversed: bool | None = None) -> Self:
        copied = type(self)()
        copied._set_entries(entries, self._is_reversed if is_reversed is None else is_reversed)
        return copied

    def index_of_number(self, number: int) -> int | None:
        """Return where a number stands, None where it is not in."""
        entry = self._orders.get(number)
        return None if entry is None else self._visible_index(bisect_left(self._entries, entry))

    def update_position(self, number: int, order: SortKey) -> bool:
        """Add a number, or move it; return False where nothing changed."""
        entry = (*order, number)
        if self._orders.get(number) == entry:
            return False
        self.remove_number(number)
        self._orders[number] = entry
        index = bisect_left(self._entries, entry)
        self._numbers.insert(len(self._entries) - index if self._is_reversed else index, number)
        self._entries.insert(index, entry)
        return True

    def remove_number(self, number: int) -> bool:
        """Take a number out; return False where it was not in."""
        entry = self._orders.pop(number, None)
        if entry is None:
            return False
        index = bisect_left(self._entries, entry)
        del self._numbers[self._visible_index(index)]
        del self._entries[index]
        return True

    def _visible_index(self, index: int) -> int:
        return len(self._entries) - 1 - index if self._is_reversed else index


class TrialRows:
    """All trials in an order, and those of them that match a filter: the rows of the table.

    Sorting and filtering look at every trial, once; a trial that changed costs O(log trials).
    """

    def __init__(self, view: SessionView, test: TrialTest | None = None) -> None:
        self.view = view
        self.test = test
        self._sort_key: Callable[[TrialView], SortKey] = lambda trial: (-trial.number,)
        self._all_trials = self.matching = Ordering()
        self._matching_numbers: list[int] = []

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
        self.matching = (
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
            self.matching.update_position(number, order)
            if is_matching
            else self.matching.remove_number(number)
        )
