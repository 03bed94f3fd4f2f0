"""Numbers kept in order while what they are ordered by changes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import Self

from tuner.tui.render.columns import Order


class Ordering:
    """Moves only what changed, so that ten thousand trials cost no more than ten.

    What numbers are ordered by is a tuple; the number itself comes last in it.
    """

    def __init__(self, found: Iterable[tuple[int, Order]] = (), *, backwards: bool = False) -> None:
        self._take(sorted((*order, number) for number, order in found), backwards)

    def _take(self, entries: list[Order], backwards: bool) -> None:
        self._backwards = backwards
        self._entries = entries
        self._orders = {entry[-1]: entry for entry in entries}
        ordered = list(self._orders)
        self._numbers: list[int] = ordered[::-1] if backwards else ordered

    @property
    def numbers(self) -> list[int]:
        """All numbers in their order."""
        return self._numbers

    def only(self, chosen: Collection[int]) -> Self:
        """Those of these numbers that are in, in the same order."""
        return self._with([entry for entry in self._entries if entry[-1] in chosen])

    def turned(self, *, backwards: bool) -> Self:
        """The same numbers forwards or backwards."""
        return self._with(list(self._entries), backwards)

    def _with(self, entries: list[Order], backwards: bool | None = None) -> Self:
        other = type(self)()
        other._take(entries, self._backwards if backwards is None else backwards)
        return other

    def place(self, number: int) -> int | None:
        """Where a number stands, None where it is not in."""
        entry = self._orders.get(number)
        return None if entry is None else self._seen(bisect_left(self._entries, entry))

    def put(self, number: int, order: Order) -> bool:
        """Add a number, or move it; False where nothing changed."""
        entry = (*order, number)
        if self._orders.get(number) == entry:
            return False
        self.drop(number)
        self._orders[number] = entry
        at = bisect_left(self._entries, entry)
        self._numbers.insert(len(self._entries) - at if self._backwards else at, number)
        self._entries.insert(at, entry)
        return True

    def drop(self, number: int) -> bool:
        """Take a number out; False where it was not in."""
        entry = self._orders.pop(number, None)
        if entry is None:
            return False
        at = bisect_left(self._entries, entry)
        del self._numbers[self._seen(at)]
        del self._entries[at]
        return True

    def _seen(self, at: int) -> int:
        return len(self._entries) - 1 - at if self._backwards else at
