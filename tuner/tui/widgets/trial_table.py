"""The table of trials: sorted, filtered, marked, following what runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from textual.message import Message
from textual.reactive import reactive

from tuner.render.styles import TextRun
from tuner.render.trial_columns import (
    STATE,
    Column,
    metric_names_of_trials,
    parameter_names,
    state_column_width,
    trial_columns,
)
from tuner.render.trials_table import select_fitting_columns, trial_row_runs
from tuner.session.view import ALIVE_STATES, SessionView
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.state.table_layout import ColumnDifferences
from tuner.tui.widgets.key_bindings import hidden_key, key
from tuner.tui.widgets.line_widgets import theme_styles
from tuner.tui.widgets.row_table import RowTable
from tuner.tui.widgets.trial_rows import TrialRows, TrialTest


class TrialMarks(Protocol):
    """The trials that are marked, in the order of marking (`Workspace` has them)."""

    marks: list[int]

    def toggle_trial_mark(self, number: int) -> bool:
        """Mark a trial or remove its mark; return False where there can be no more."""
        ...


class TrialTable(RowTable):
    """One row a trial. Redraws and moves only the trials that changed."""

    BINDINGS = [
        key("o", "sort_by(1)", "trials.sort", "Sort", "Sort by the next column"),
        hidden_key(
            "O", "sort_by(-1)", "trials.sort_back", "Sort back", "Sort by the previous column"
        ),
        hidden_key("R", "reverse", "trials.reverse", "Reverse", "Reverse the order"),
        hidden_key("f", "follow", "trials.follow", "Follow", "Follow the newest running trial"),
        key("space", "mark", "trials.mark", "Mark", "Mark the trial for comparing"),
        hidden_key(
            "c", "choose_columns", "trials.columns", "Columns", "Choose and order the columns"
        ),
        hidden_key("C", "constant", "trials.constant", "Same", "Show or hide constant columns"),
        hidden_key("right,l", "columns(1)", "trials.right", "Right", "Columns further right"),
        hidden_key("left,h", "columns(-1)", "trials.left", "Left", "Columns further left"),
        key("enter", "open", "trials.detail", "Detail", "All about the trial"),
    ]
    following: reactive[bool] = reactive(True)

    class ColumnsRequested(Message):
        """The user wants to choose the columns of this table and their order."""

        def __init__(self, table: TrialTable) -> None:
            super().__init__()
            self.table = table

    class MarksChanged(Message):
        """A trial was marked or its mark removed; `full`: there can be no more."""

        def __init__(self, *, full: bool = False) -> None:
            super().__init__()
            self.full = full

    def __init__(
        self, reader: SessionReader, now: Callable[[], float], marks: TrialMarks | None = None
    ) -> None:
        self.reader = reader
        self._now = now
        self._marks = marks
        self._drawn_marks: set[int] = set()
        self._parameter_names: list[str] = []
        self._metric_names: list[str] = []
        self._all_columns: list[Column] = []
        self._columns: list[Column] = []
        self._constant_count = 0
        self._differences = ColumnDifferences()
        self.sort_column_key = "metric"
        self._is_reversed = False
        self._trial_rows = TrialRows(reader.view)
        self._first_column = 0
        self._drawn_best: int | None = None
        self._drawn_metric = reader.view.metric
        super().__init__("Trials", number=1, id="trials")
        self.rebuild_table()

    @property
    def view(self) -> SessionView:
        """The session; a recording that is wound back begins another view."""
        return self.reader.view

    # From the view to the rows

    def rebuild_table(self) -> None:
        view = self.view
        if self._trial_rows.view is not view:
            self._trial_rows = TrialRows(view, self._trial_rows.test)
        self._parameter_names = parameter_names(view.trials.values())
        self._metric_names = metric_names_of_trials(view.trials.values())
        self._all_columns = trial_columns(
            view, self._parameter_names, self._time_of_view, self._metric_names, self._has_mark
        )
        self._differences = ColumnDifferences()
        self._differences.learn_from_trials(self._all_columns, view.trials.values())
        self._drawn_best, self._drawn_metric = view.best, view.metric
        self._choose_columns()
        self._trial_rows.apply_filter(self._trial_rows.test)
        self._sort_rows()

    def update_trials(self, changed: Collection[int]) -> None:
        """Draw and place anew the trials that changed since they were drawn."""
        if self._needs_other_columns(changed):
            self.rebuild_table()
            return
        if self._differences.learn_from_trials(
            self._all_columns, [self.view.trials[n] for n in changed]
        ):
            self._choose_columns()
        stale = set(changed)
        if self._drawn_best != self.view.best:
            stale |= {number for number in (self._drawn_best, self.view.best) if number is not None}
            self._drawn_best = self.view.best
        self._update_positions(stale)
        self._follow_newest()
        self.update_border_text()

    def _needs_other_columns(self, changed: Collection[int]) -> bool:
        trials = [self.view.trials[number] for number in changed]
        return (
            self.view.metric != self._drawn_metric
            or parameter_names(trials, self._parameter_names) != self._parameter_names
            or metric_names_of_trials(trials, self._metric_names) != self._metric_names
            or len(str(max(changed, default=0))) >= self._all_columns[0].width
            or state_column_width(trials)
            > next(c.width for c in self._all_columns if c.key == STATE)
        )

    def _update_positions(self, stale: Collection[int]) -> None:
        moved = [self._trial_rows.update_position(number) for number in stale]
        self.redraw_rows(stale)
        if any(moved):
            self.update_rows()

    def update_running_times(self) -> None:
        """Redraw what shows running times."""
        self.redraw_rows(self.reader.trial_counts.running)

    def filter_trials(self, test: TrialTest | None) -> None:
        """Show only the trials that match."""
        self._trial_rows.apply_filter(test)
        self._update_after_reordering()

    def update_marks(self) -> None:
        """Draw the rows whose mark came or went, wherever it was set."""
        marked = set(self._marks.marks if self._marks else ())
        changed = {number for number in marked ^ self._drawn_marks if number in self.view.trials}
        self._drawn_marks = marked
        self._update_positions(changed)
        self.update_border_text()

    def keys_in_order(self) -> Sequence[int]:
        return self._trial_rows.matching.ordered_numbers

    def index_of_key(self, key: object) -> int | None:
        return self._trial_rows.matching.index_of_number(key) if isinstance(key, int) else None

    def newest_trials(self, count: int) -> list[int]:
        """Return the newest trials that match the filter, the newest first."""
        return self._trial_rows.newest_trials(count)

    @property
    def arranged_columns(self) -> list[Column]:
        """All columns there could be, in the order that was chosen."""
        return self.reader.layout.arrange_columns(self._all_columns)

    def is_constant_column(self, column: Column) -> bool:
        """Return whether all trials say the same in it."""
        return self._differences.is_constant_column(column, len(self.view.trials))

    def _time_of_view(self) -> float:
        """Return now; without a worker, which may have died silently, the last time it logged."""
        last_time = self.view.last_time
        return self._now() if self.reader.state in ALIVE_STATES or last_time is None else last_time

    def _has_mark(self, number: int) -> bool:
        return number in self._drawn_marks

    def _choose_columns(self) -> None:
        layout = self.reader.layout
        wanted_columns = [
            column for column in self.arranged_columns if layout.is_column_shown(column)
        ]
        constant_keys = {
            column.key
            for column in wanted_columns
            if self.is_constant_column(column) and column.key not in layout.visibility
        }
        self._constant_count = len(constant_keys)
        hidden_keys = constant_keys if layout.hides_constant else set()
        self._columns = [column for column in wanted_columns if column.key not in hidden_keys]
        self._cached_strips.clear()
        self.refresh()
        self.update_border_text()

    @property
    def _sort_column(self) -> Column:
        matching_columns = (
            column for column in self._all_columns if column.key == self.sort_column_key
        )
        return next(matching_columns, self._all_columns[2])

    def _fitting_columns(self, width: int) -> list[Column]:
        return select_fitting_columns(
            self._columns, width, self._first_column, self.reader.layout.explicitly_shown()
        )

    def _sort_rows(self) -> None:
        self._trial_rows.sort_by_key(self._sort_column.sort_key, is_reversed=self._is_reversed)
        self._update_after_reordering()

    def _update_after_reordering(self) -> None:
        if self.is_mounted:
            self.update_rows()
            self._follow_newest()
        self.update_border_text()

    def _follow_newest(self) -> None:
        if not (self.following and self.reader.complete):
            return
        newest = max(self.reader.trial_counts.running, default=None)
        if newest is not None and self.selected_key != newest:
            self.select_key(newest)

    # What is drawn

    def header_runs(self, width: int) -> Sequence[TextRun]:
        styles = theme_styles(self)
        runs: list[TextRun] = []
        for column in self._fitting_columns(width):
            sorting = column.key == self.sort_column_key
            style = styles.accent if sorting else styles.muted
            runs.append(
                (column.padded_heading(self._direction_sign if sorting else "") + " ", style)
            )
        return runs

    def runs_of_row(self, key: int, width: int) -> Sequence[TextRun]:
        return trial_row_runs(
            self._fitting_columns(width), self.view.trials[key], theme_styles(self)
        )

    def empty_state_texts(self) -> Sequence[str]:
        if self._trial_rows.test is not None and self.view.trials:
            return ("No trial matches the filter", "esc clears it")
        if self.view.lifecycle in ("", "session_created"):
            return ("Every trial will be a row here", "s starts the search", "e edits the recipe")
        return ("Every trial will be a row here", "the first one starts when the model is loaded")

    def update_border_text(self) -> None:
        shown_count, total = len(self.keys_in_order()), len(self.view.trials)
        planned = (
            f" of {self.reader.trial_counts.planned_trials(self.view)}" if self.view.planned else ""
        )
        filtered = self._trial_rows.test is not None
        detail = f"{shown_count} of {total} match" if filtered else f"{total}{planned}"
        if self._drawn_marks:
            detail += f" · {len(self._drawn_marks)} marked"
        self.set_border_text(detail, "   ".join(self._border_hints()))

    def _border_hints(self) -> list[str]:
        hints = [
            f"sort {self._sort_column.title} {self._direction_sign}",
            f"f follow {'✓' if self.following else '·'}",
        ]
        if self._constant_count and self.reader.layout.hides_constant:
            hints.append(f"{self._constant_count} same hidden")
        content_width = max(self.content_width - 1, 0)
        if content_width and (
            hidden_count := len(self._columns) - len(self._fitting_columns(content_width))
        ):
            hints.append(f"→ {hidden_count} more")
        return hints

    @property
    def _direction_sign(self) -> str:
        return "▴" if self._is_reversed else "▾"

    def on_mount(self) -> None:
        self.update_marks()
        self.update_rows()
        self._follow_newest()

    def on_resize(self) -> None:
        self.update_border_text()

    # Keys

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        """Stop following once the user moves the cursor."""
        if event.by_user:
            self.following = False

    def watch_following(self) -> None:
        if self.is_mounted:
            self._follow_newest()
            self.update_border_text()

    def handle_header_click(self, x: int) -> None:
        """Sort by the column that was clicked; a second click reverses the order."""
        left_edge = 0
        for column in self._fitting_columns(self.content_width - 1):
            if left_edge <= x <= left_edge + column.width:
                self._sort_by_column(column.key, reverse=column.key == self.sort_column_key)
                return
            left_edge += column.width + 1

    def action_sort_by(self, step: int) -> None:
        keys = [column.key for column in self._columns] or [self.sort_column_key]
        index = keys.index(self.sort_column_key) if self.sort_column_key in keys else -1
        self._sort_by_column(keys[(index + step) % len(keys)], reverse=False)

    def action_reverse(self) -> None:
        self._sort_by_column(self.sort_column_key, reverse=True)

    def _sort_by_column(self, key: str, *, reverse: bool) -> None:
        self._is_reversed = not self._is_reversed if reverse else False
        self.sort_column_key = key
        if reverse:
            self._trial_rows.set_direction(is_reversed=self._is_reversed)
            self._update_after_reordering()
        else:
            self._sort_rows()

    def action_follow(self) -> None:
        self.following = not self.following

    def action_columns(self, step: int) -> None:
        """Scroll the columns, where not all fit."""
        always_shown = self.reader.layout.explicitly_shown()
        movable = [
            column
            for column in self._columns
            if column.may_be_left_out and column.key not in always_shown
        ]
        scrolled = movable[self._first_column :]
        hidden_right = scrolled and scrolled[-1] not in self._fitting_columns(
            self.content_width - 1
        )
        if step < 0 or hidden_right:
            self._first_column = max(self._first_column + step, 0)
        self.redraw_rows()
        self.update_border_text()

    def action_mark(self) -> None:
        if self._marks is not None and isinstance(self.selected_key, int):
            was_toggled = self._marks.toggle_trial_mark(self.selected_key)
            self.update_marks()
            self.post_message(self.MarksChanged(full=not was_toggled))

    def action_constant(self) -> None:
        self.reader.layout.hides_constant = not self.reader.layout.hides_constant
        self._choose_columns()

    def action_choose_columns(self) -> None:
        self.post_message(self.ColumnsRequested(self))

    def update_layout(self) -> None:
        self._first_column = 0
        self._choose_columns()
