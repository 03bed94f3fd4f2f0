"""Choosing the columns of the table of trials, and their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.binding import Binding
from textual.screen import ModalScreen

from tuner.render.styles import TextRun
from tuner.render.text_fitting import fit_text
from tuner.render.trial_columns import Column
from tuner.tui.widgets.line_widgets import theme_styles
from tuner.tui.widgets.row_table import RowTable

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
        self._layout = table.reader.layout
        super().__init__("Columns", id="columns")

    def keys_in_order(self) -> Sequence[str]:
        """The columns' keys."""
        return [column.key for column in self._table.arranged_columns]

    def header_runs(self, width: int) -> Sequence[TextRun]:
        """What the columns of this list are."""
        return [(fit_text("  COLUMN      WHAT IT HOLDS", width), theme_styles(self).muted)]

    def runs_of_row(self, key: str, width: int) -> Sequence[TextRun]:
        """A tick, the title, what the column holds."""
        styles, column = theme_styles(self), self._column_by_key(key)
        is_visible, is_constant = (
            self._layout.is_column_shown(column),
            self._table.is_constant_column(column),
        )
        is_hidden_as_constant = (
            is_constant and self._layout.hides_constant and key not in self._layout.visibility
        )
        tick = "·" if not is_visible else "≡" if is_hidden_as_constant else "✓"
        note = "  never differs" if is_constant else ""
        room = max(width - 14 - len(note), 1)
        return [
            (f"{tick} ", styles.accent),
            (fit_text(column.title, 11) + " ", styles.text if is_visible else styles.muted),
            (fit_text(column.description, room), styles.muted),
            (note, styles.muted),
        ]

    def update_border_text(self) -> None:
        """How many are shown, and the keys."""
        columns = self._table.arranged_columns
        visible_count = sum(self._layout.is_column_shown(column) for column in columns)
        constant_tick = "✓" if self._layout.hides_constant else "·"
        hint = f"space show   J/K move   h hide same ≡ {constant_tick}   0 reset   esc close"
        self.set_border_text(f"{visible_count} of {len(columns)}", hint)

    def on_mount(self) -> None:
        """Say what there is."""
        self.update_border_text()

    def action_show_hide(self) -> None:
        """Show or hide."""
        self._layout.toggle_column(self._column_by_key(self.selected_key))
        self._redraw_table_and_list()

    def action_open(self) -> None:
        """A second click."""
        self.action_show_hide()

    def action_move(self, step: int) -> None:
        """Another place; the cursor goes with the column."""
        key = self.selected_key
        self._layout.move_column(self._table.arranged_columns, key, step)
        self.select_key(key)
        self._redraw_table_and_list()

    def action_constant(self) -> None:
        """Hide what never differs, or show it."""
        self._layout.hides_constant = not self._layout.hides_constant
        self._redraw_table_and_list()

    def action_reset(self) -> None:
        """As it comes."""
        self._layout.reset_to_defaults()
        self._redraw_table_and_list()

    def _redraw_table_and_list(self) -> None:
        self._table.update_layout()
        self.redraw_rows()
        self.update_rows()
        self.update_border_text()

    def _column_by_key(self, key: str) -> Column:
        return next(column for column in self._table.arranged_columns if column.key == key)


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
