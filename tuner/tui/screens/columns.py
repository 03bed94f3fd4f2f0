"""Choosing the columns of the table of trials, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from tuner.tui.render.columns import Column
from tuner.tui.render.names import fit
from tuner.tui.render.styles import Run
from tuner.tui.widgets.lines import styles_of
from tuner.tui.widgets.rows import RowTable

if TYPE_CHECKING:
    from tuner.tui.widgets.trial_table import TrialTable


class ColumnList(RowTable):
    """One row a column; what is changed shows in the table at once."""

    BINDINGS = [
        Binding(
            "space", "show_hide", "Show", id="columns.toggle", tooltip="Show or hide the column"
        ),
        Binding(
            "shift+down,J",
            "move(1)",
            "Move",
            key_display="J K",
            id="columns.down",
            tooltip="Move the column to the right",
        ),
        Binding(
            "shift+up,K",
            "move(-1)",
            "Move back",
            show=False,
            id="columns.up",
            tooltip="Move the column to the left",
        ),
        Binding(
            "h", "constant", "Hide same", id="columns.constant", tooltip="Hide what never differs"
        ),
        Binding("0", "reset", "Reset", id="columns.reset", tooltip="The columns as they come"),
    ]

    def __init__(self, table: TrialTable) -> None:
        self._table = table
        self._layout = table.feed.layout
        super().__init__("Columns", id="columns")

    def keys_in_order(self) -> Sequence[str]:
        """The columns' keys."""
        return [column.key for column in self._table.columns]

    def header_runs(self, width: int) -> Sequence[Run]:
        """What the columns of this list are."""
        return [(fit("  COLUMN      WHAT IT HOLDS", width), styles_of(self).muted)]

    def row_runs(self, key: str, width: int) -> Sequence[Run]:
        """A tick, the title, what the column holds."""
        styles, column = styles_of(self), self._column(key)
        shown, same = self._layout.shows(column), self._table.never_differs(column)
        left_out = same and self._layout.hides_constant and key not in self._layout.chosen
        tick = "·" if not shown else "≡" if left_out else "✓"
        note = "  never differs" if same else ""
        room = max(width - 14 - len(note), 1)
        return [
            (f"{tick} ", styles.accent),
            (fit(column.title, 11) + " ", styles.text if shown else styles.muted),
            (fit(column.about, room), styles.muted),
            (note, styles.muted),
        ]

    def describe(self) -> None:
        """How many are shown, and the keys."""
        every = self._table.columns
        shown = sum(self._layout.shows(column) for column in every)
        same = "✓" if self._layout.hides_constant else "·"
        hint = f"space show   J/K move   h hide same ≡ {same}   0 reset   esc close"
        self.entitle(f"{shown} of {len(every)}", hint)

    def on_mount(self) -> None:
        """Say what there is."""
        self.describe()

    def action_show_hide(self) -> None:
        """Show or hide."""
        self._layout.toggle(self._column(self.selected))
        self._changed()

    def action_open(self) -> None:
        """A second click."""
        self.action_show_hide()

    def action_move(self, step: int) -> None:
        """Another place; the cursor goes with the column."""
        key = self.selected
        self._layout.move(self._table.columns, key, step)
        self.select(key)
        self._changed()

    def action_constant(self) -> None:
        """Hide what never differs, or show it."""
        self._layout.hides_constant = not self._layout.hides_constant
        self._changed()

    def action_reset(self) -> None:
        """As it comes."""
        self._layout.reset()
        self._changed()

    def _changed(self) -> None:
        self._table.columns_chosen()
        self.forget()
        self.rows_changed()
        self.describe()

    def _column(self, key: str) -> Column:
        return next(column for column in self._table.columns if column.key == key)


class ColumnsScreen(ModalScreen[None]):
    """The list over the table."""

    BINDINGS = [
        Binding("escape,enter,c", "close", "Close", id="columns.close", tooltip="Back to the table")
    ]

    def __init__(self, table: TrialTable) -> None:
        super().__init__()
        self._table = table

    def compose(self) -> ComposeResult:
        """The list."""
        yield ColumnList(self._table)

    def action_close(self) -> None:
        """Back."""
        self.dismiss()
