"""Numbers kept in order while what they are ordered by changes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import Self

from tuner.render.trial_columns import SortKey


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
