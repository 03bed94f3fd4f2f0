"""Which columns the table of trials shows, in which order, as somebody chose them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tuner.session.view import TrialView
from tuner.tui.render.columns import Column


@dataclass
class TableLayout:
    """Kept for a session as long as the app lives. What was never touched follows the defaults.

    `hides_constant`: columns that say the same of every trial are left out by themselves.
    """

    hides_constant: bool = True
    order: list[str] = field(default_factory=list)
    chosen: dict[str, bool] = field(default_factory=dict)

    def arranged(self, columns: Sequence[Column]) -> list[Column]:
        """All columns in the chosen order; new ones keep their place behind their neighbour."""
        if not self.order:
            return list(columns)
        keys = list(self.order)
        before = ""
        for column in columns:
            if column.key not in keys:
                keys.insert(keys.index(before) + 1 if before else 0, column.key)
            before = column.key
        by_key = {column.key: column for column in columns}
        return [by_key[key] for key in keys if key in by_key]

    def shows(self, column: Column) -> bool:
        """Whether it is to be seen, unless it never differs."""
        return self.chosen.get(column.key, not column.optional)

    def asked_for(self) -> set[str]:
        """The columns that somebody wants to see, whatever else there is."""
        return {key for key, shown in self.chosen.items() if shown}

    def toggle(self, column: Column) -> None:
        """Show a column, or hide it."""
        self.chosen[column.key] = not self.shows(column)

    def move(self, columns: Sequence[Column], key: str, step: int) -> None:
        """Move a column among all of them."""
        keys = [column.key for column in self.arranged(columns)]
        at = keys.index(key)
        to = min(max(at + step, 0), len(keys) - 1)
        keys.insert(to, keys.pop(at))
        self.order = keys

    def reset(self) -> None:
        """As it comes."""
        self.order.clear()
        self.chosen.clear()
        self.hides_constant = True


class Differences:
    """Which columns say something else of one trial than of another; learns from what changed."""

    def __init__(self) -> None:
        self.differing: set[str] = set()
        self._first: dict[str, object] = {}
        self._from: dict[str, int] = {}

    def learn(self, columns: Iterable[Column], trials: Iterable[TrialView]) -> bool:
        """Look at these trials; True where a column was found to differ after all."""
        open_columns = [column for column in columns if column.key not in self.differing]
        before = len(self.differing)
        for trial in trials:
            for column in [item for item in open_columns if self._differs(item, trial)]:
                self.differing.add(column.key)
                open_columns.remove(column)
        return len(self.differing) > before

    def _differs(self, column: Column, trial: TrialView) -> bool:
        if column.value is None:
            return True
        value = column.value(trial)
        if self._from.setdefault(column.key, trial.number) == trial.number:
            self._first[column.key] = value
            return False
        return bool(self._first[column.key] != value)

    def is_constant(self, column: Column, trials: int) -> bool:
        """Whether of at least two trials all say the same."""
        return trials > 1 and column.value is not None and column.key not in self.differing
