"""Choosing the columns of the table of trials, and their order."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.screen import ModalScreen

from tuner.render.styles import TextRun
from tuner.render.text_fitting import fit_text
from tuner.render.trial_columns import Column
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import theme_styles
from tuner.tui.widgets.row_table import RowTable
from tuner.tui.widgets.trial_table import TrialTable


class ColumnList(RowTable):
    """One row per column; every change shows in the table at once."""

    BINDINGS = [
        key("space", "show_hide", "columns.toggle", "Show", "Show or hide the column"),
        key("shift+down,J", "move_column(1)", "columns.down", "Move", "Move right", display="J K"),
        key("shift+up,K", "move_column(-1)", "columns.up", "Move back", "Move left", show=False),
        key("h", "toggle_constant", "columns.constant", "Hide same", "Hide what never differs"),
        key("0", "reset_columns", "columns.reset", "Reset", "The default columns in their order"),
    ]

    def __init__(self, table: TrialTable) -> None:
        self._table = table
        self._layout = table.reader.layout
        super().__init__("Columns", id="columns")

    def keys_in_order(self) -> Sequence[str]:
        return [column.key for column in self._table.arranged_columns]

    def header_runs(self, width: int) -> Sequence[TextRun]:
        return [(fit_text("  COLUMN      WHAT IT HOLDS", width), theme_styles(self).muted)]

    def runs_of_row(self, key: str, width: int) -> Sequence[TextRun]:
        """Draw a tick, the column's title and what it holds."""
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
        columns = self._table.arranged_columns
        visible_count = sum(self._layout.is_column_shown(column) for column in columns)
        constant_tick = "✓" if self._layout.hides_constant else "·"
        hint = f"space show   J/K move   h hide same ≡ {constant_tick}   0 reset   esc close"
        self.set_border_text(f"{visible_count} of {len(columns)}", hint)

    def on_mount(self) -> None:
        self.update_border_text()

    def action_show_hide(self) -> None:
        self._layout.toggle_column(self._column_by_key(self.selected_key))
        self._redraw_table_and_list()

    def action_open(self) -> None:
        """Show or hide the column on a second click."""
        self.action_show_hide()

    def action_move_column(self, step: int) -> None:
        """Move the column; the cursor goes with it."""
        key = self.selected_key
        self._layout.move_column(self._table.arranged_columns, key, step)
        self.select_key(key)
        self._redraw_table_and_list()

    def action_toggle_constant(self) -> None:
        """Hide the columns that never differ, or show them."""
        self._layout.hides_constant = not self._layout.hides_constant
        self._redraw_table_and_list()

    def action_reset_columns(self) -> None:
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
    """The list of columns, over the table."""

    BINDINGS = [key("escape,enter,c", "close", "columns.close", "Close", "Back to the table")]

    def __init__(self, table: TrialTable) -> None:
        super().__init__()
        self._table = table

    def compose(self) -> ComposeResult:
        yield ColumnList(self._table)

    def action_close(self) -> None:
        self.dismiss()
