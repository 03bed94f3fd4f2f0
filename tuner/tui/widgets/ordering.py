"""Numbers kept in order while what they are ordered by changes."""

from __future__ import annotations

from bisect import bisect_left, insort

from tuner.tui.render.columns import Order


class Ordering:
    """Moves only what changed, so that ten thousand trials cost no more than ten."""

    def __init__(self, *, backwards: bool = False) -> None:
        self._backwards = backwards
        self._entries: list[tuple[Order, int]] = []
        self._orders: dict[int, Order] = {}
        self._numbers: list[int] | None = []

    @property
    def numbers(self) -> list[int]:
        """All numbers in their order."""
        if self._numbers is None:
            found = [number for _, number in self._entries]
            self._numbers = found[::-1] if self._backwards else found
        return self._numbers

    def put(self, number: int, order: Order) -> bool:
        """Add a number, or move it; False where nothing changed."""
        if self._orders.get(number) == order:
            return False
        self.drop(number)
        self._orders[number] = order
        insort(self._entries, (order, number))
        self._numbers = None
        return True

    def drop(self, number: int) -> bool:
        """Take a number out; False where it was not in."""
        order = self._orders.pop(number, None)
        if order is None:
            return False
        del self._entries[bisect_left(self._entries, (order, number))]
        self._numbers = None
        return True
