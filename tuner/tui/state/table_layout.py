"""Which columns the table of trials shows, in which order, as somebody chose them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tuner.render.trial_columns import Column
from tuner.session.view import TrialView


@dataclass
class TableLayout:
    """How the user arranged a session's table, kept for the life of the app.

    `hides_constant`: columns with the same value in every trial are hidden automatically.
    """

    hides_constant: bool = True
    order: list[str] = field(default_factory=list)
    visibility: dict[str, bool] = field(default_factory=dict)

    def arrange_columns(self, columns: Sequence[Column]) -> list[Column]:
        """Return all columns in the chosen order; new ones stay behind their default neighbor."""
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

    def is_column_shown(self, column: Column) -> bool:
        """Tell whether the column is shown, unless it is constant."""
        return self.visibility.get(column.key, not column.optional)

    def explicitly_shown(self) -> set[str]:
        """Return the columns that the user turned on."""
        return {key for key, is_shown in self.visibility.items() if is_shown}

    def toggle_column(self, column: Column) -> None:
        self.visibility[column.key] = not self.is_column_shown(column)

    def move_column(self, columns: Sequence[Column], key: str, step: int) -> None:
        keys = [column.key for column in self.arrange_columns(columns)]
        index = keys.index(key)
        new_index = min(max(index + step, 0), len(keys) - 1)
        keys.insert(new_index, keys.pop(index))
        self.order = keys

    def reset_to_defaults(self) -> None:
        self.order.clear()
        self.visibility.clear()
        self.hides_constant = True


class ColumnDifferences:
    """Which columns differ between trials; learned from the trials that changed."""

    def __init__(self) -> None:
        self.differing_keys: set[str] = set()
        self._first: dict[str, object] = {}
        self._from: dict[str, int] = {}

    def learn_from_trials(self, columns: Iterable[Column], trials: Iterable[TrialView]) -> bool:
        """Compare these trials with the first one; return True if a column turned out to differ."""
        open_columns = [column for column in columns if column.key not in self.differing_keys]
        before = len(self.differing_keys)
        for trial in trials:
            for column in [item for item in open_columns if self._value_differs(item, trial)]:
                self.differing_keys.add(column.key)
                open_columns.remove(column)
        return len(self.differing_keys) > before

    def _value_differs(self, column: Column, trial: TrialView) -> bool:
        if column.value is None:
            return True
        value = column.value(trial)
        if self._from.setdefault(column.key, trial.number) == trial.number:
            self._first[column.key] = value
            return False
        return bool(self._first[column.key] != value)

    def is_constant_column(self, column: Column, trials: int) -> bool:
        """Tell whether at least two trials all have the same value."""
        return trials > 1 and column.value is not None and column.key not in self.differing_keys
