"""The table of trials: sorted, filtered, marked, following what runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Protocol

from textual.message import Message
from textual.reactive import reactive

from tuner.session.status import ALIVE
from tuner.session.view import SessionView
from tuner.tui.feed import Feed
from tuner.tui.render.columns import (
    STATE,
    Column,
    metric_names,
    parameter_names,
    state_width,
    trial_columns,
)
from tuner.tui.render.styles import Run
from tuner.tui.render.trials import fitting, row_runs
from tuner.tui.table_layout import Differences
from tuner.tui.widgets.lines import styles_of
from tuner.tui.widgets.rows import RowTable
from tuner.tui.widgets.trial_keys import TRIAL_KEYS
from tuner.tui.widgets.trial_rows import Test, TrialRows


class Marks(Protocol):
    """The trials that are marked, in the order of marking (`Workspace` has them)."""

    marks: list[int]

    def toggle_mark(self, number: int) -> bool:
        """Mark a trial or take its mark off; False where there can be no more."""
        ...


class TrialTable(RowTable):
    """One row a trial. Redraws and moves only the trials that changed."""

    BINDINGS = TRIAL_KEYS
    following: reactive[bool] = reactive(True)

    class MarksChanged(Message):
        """A trial was marked, or its mark taken off; `full`: there can be no more."""

        def __init__(self, *, full: bool = False) -> None:
            super().__init__()
            self.full = full

    def __init__(self, feed: Feed, now: Callable[[], float], marks: Marks | None = None) -> None:
        self.feed = feed
        self._now = now
        self._marks = marks
        self._drawn_marks: set[int] = set()
        self._names: list[str] = []
        self._metrics: list[str] = []
        self._every: list[Column] = []
        self._columns: list[Column] = []
        self._constant = 0
        self._differences = Differences()
        self._sorted_by = "metric"
        self._backwards = False
        self._rows = TrialRows(feed.view)
        self._first_column = 0
        self._best: int | None = None
        self._drawn_metric = feed.view.metric
        super().__init__("Trials", number=1, id="trials")
        self.show()

    @property
    def view(self) -> SessionView:
        """The session; a recording that is wound back begins another view."""
        return self.feed.view

    # From the view to the rows

    def show(self) -> None:
        """Show everything anew."""
        view = self.view
        if self._rows.view is not view:
            self._rows = TrialRows(view, self._rows.test)
        self._names = parameter_names(view.trials.values())
        self._metrics = metric_names(view.trials.values())
        self._every = trial_columns(view, self._names, self._moment, self._metrics, self._is_marked)
        self._differences = Differences()
        self._differences.learn(self._every, view.trials.values())
        self._best, self._drawn_metric = view.best, view.metric
        self._arrange()
        self._rows.sift(self._rows.test)
        self._reorder()

    def trials_changed(self, changed: Collection[int]) -> None:
        """Some trials are no longer what they were when they were drawn."""
        if self._knows_not(changed):
            self.show()
            return
        if self._differences.learn(self._every, [self.view.trials[n] for n in changed]):
            self._arrange()
        stale = set(changed)
        if self._best != self.view.best:
            stale |= {number for number in (self._best, self.view.best) if number is not None}
            self._best = self.view.best
        self._place_again(stale)
        self._follow_newest()
        self.describe()

    def _knows_not(self, changed: Collection[int]) -> bool:
        """Whether the columns are others than before."""
        trials = [self.view.trials[number] for number in changed]
        return (
            self.view.metric != self._drawn_metric
            or parameter_names(trials, self._names) != self._names
            or metric_names(trials, self._metrics) != self._metrics
            or len(str(max(changed, default=0))) >= self._every[0].width
            or state_width(trials) > next(c.width for c in self._every if c.key == STATE)
        )

    def _place_again(self, stale: Collection[int]) -> None:
        moved = [self._rows.place(number) for number in stale]
        self.forget(stale)
        if any(moved):
            self.rows_changed()

    def tick(self) -> None:
        """A second passed: what runs has run longer."""
        self.forget(self.feed.tally.running)

    def filter_by(self, test: Test | None) -> None:
        """Show only the trials that pass."""
        self._rows.sift(test)
        self._rows_moved()

    def marks_changed(self) -> None:
        """Draw the rows whose mark came or went, wherever it was set."""
        marked = set(self._marks.marks if self._marks else ())
        changed = {number for number in marked ^ self._drawn_marks if number in self.view.trials}
        self._drawn_marks = marked
        self._place_again(changed)
        self.describe()

    def keys_in_order(self) -> Sequence[int]:
        """The numbers of the trials that are shown."""
        return self._rows.numbers

    def place_of(self, key: object) -> int | None:
        """Where a trial stands."""
        return self._rows.place_of(key) if isinstance(key, int) else None

    def newest(self, count: int) -> list[int]:
        """The newest trials that pass the filter, the newest first."""
        return self._rows.newest(count)

    @property
    def sorted_by(self) -> str:
        """The key of the column that sorts."""
        return self._sorted_by

    @property
    def columns(self) -> list[Column]:
        """All columns there could be, in the order that was chosen."""
        return self.feed.layout.arranged(self._every)

    def never_differs(self, column: Column) -> bool:
        """Whether all trials say the same in it."""
        return self._differences.is_constant(column, len(self.view.trials))

    def _moment(self) -> float:
        """Now; without a worker, which may have gone without a word, when it said the last one."""
        known = self.view.last_time
        return self._now() if self.feed.state in ALIVE or known is None else known

    def _is_marked(self, number: int) -> bool:
        return number in self._drawn_marks

    def _arrange(self) -> None:
        layout = self.feed.layout
        shown = [column for column in self.columns if layout.shows(column)]
        constant = {
            column.key
            for column in shown
            if self.never_differs(column) and column.key not in layout.chosen
        }
        self._constant = len(constant)
        hidden = constant if layout.hides_constant else set()
        self._columns = [column for column in shown if column.key not in hidden]
        self._strips.clear()
        self.refresh()
        self.describe()

    @property
    def _sorting(self) -> Column:
        found = (column for column in self._every if column.key == self._sorted_by)
        return next(found, self._every[2])

    def _shown(self, width: int) -> list[Column]:
        return fitting(self._columns, width, self._first_column, self.feed.layout.asked_for())

    def _reorder(self) -> None:
        self._rows.sort(self._sorting.order, backwards=self._backwards)
        self._rows_moved()

    def _rows_moved(self) -> None:
        if self.is_mounted:
            self.rows_changed()
            self._follow_newest()
        self.describe()

    def _follow_newest(self) -> None:
        if not (self.following and self.feed.complete):
            return
        newest = max(self.feed.tally.running, default=None)
        if newest is not None and self.selected != newest:
            self.select(newest)

    # What is drawn

    def header_runs(self, width: int) -> Sequence[Run]:
        """The titles, the sorting one marked."""
        styles = styles_of(self)
        runs: list[Run] = []
        for column in self._shown(width):
            sorting = column.key == self._sorted_by
            style = styles.accent if sorting else styles.muted
            runs.append((column.heading(self._sign if sorting else "") + " ", style))
        return runs

    def row_runs(self, key: int, width: int) -> Sequence[Run]:
        """One trial."""
        return row_runs(self._shown(width), self.view.trials[key], styles_of(self))

    def empty_lines(self) -> Sequence[str]:
        """Why there is nothing, and what to do."""
        if self._rows.test is not None and self.view.trials:
            return ("No trial passes the filter", "esc takes it off")
        if self.view.lifecycle in ("", "session_created"):
            return ("Every trial will be a row here", "s starts the search", "e edits the recipe")
        return ("Every trial will be a row here", "the first one starts when the model is loaded")

    def describe(self) -> None:
        """Counts in the title; order, following and what is hidden in the hint."""
        shown, total = len(self.keys_in_order()), len(self.view.trials)
        planned = f" of {self.feed.tally.planned(self.view)}" if self.view.planned else ""
        filtered = self._rows.test is not None
        detail = f"{shown} of {total} pass" if filtered else f"{total}{planned}"
        if self._drawn_marks:
            detail += f" · {len(self._drawn_marks)} marked"
        self.entitle(detail, "   ".join(self._hints()))

    def _hints(self) -> list[str]:
        hints = [
            f"sort {self._sorting.title} {self._sign}",
            f"f follow {'✓' if self.following else '·'}",
        ]
        if self._constant and self.feed.layout.hides_constant:
            hints.append(f"{self._constant} same hidden")
        room = max(self.room - 1, 0)
        if room and (hidden := len(self._columns) - len(self._shown(room))):
            hints.append(f"→ {hidden} more")
        return hints

    @property
    def _sign(self) -> str:
        return "▴" if self._backwards else "▾"

    def on_mount(self) -> None:
        """Start where the action is."""
        self.marks_changed()
        self.rows_changed()
        self._follow_newest()

    def on_resize(self) -> None:
        """More or fewer columns fit."""
        self.describe()

    # Keys

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        """Who moves the cursor wants to look there."""
        if event.by_user:
            self.following = False

    def watch_following(self) -> None:
        """Say so in the border."""
        if self.is_mounted:
            self._follow_newest()
            self.describe()

    def header_clicked(self, x: int) -> None:
        """Sort by the column that was clicked; again turns it round."""
        left = 0
        for column in self._shown(self.room - 1):
            if left <= x <= left + column.width:
                self._sort(column.key, turn=column.key == self._sorted_by)
                return
            left += column.width + 1

    def action_sort_by(self, step: int) -> None:
        """The next or the previous column sorts."""
        keys = [column.key for column in self._columns] or [self._sorted_by]
        at = keys.index(self._sorted_by) if self._sorted_by in keys else -1
        self._sort(keys[(at + step) % len(keys)], turn=False)

    def action_reverse(self) -> None:
        """Worst first."""
        self._sort(self._sorted_by, turn=True)

    def _sort(self, key: str, *, turn: bool) -> None:
        self._backwards = not self._backwards if turn else False
        self._sorted_by = key
        if turn:
            self._rows.turn(backwards=self._backwards)
            self._rows_moved()
        else:
            self._reorder()

    def action_follow(self) -> None:
        """Following on or off."""
        self.following = not self.following

    def action_columns(self, step: int) -> None:
        """Other columns, where not all fit."""
        kept = self.feed.layout.asked_for()
        every = [column for column in self._columns if column.moves and column.key not in kept]
        moving = every[self._first_column :]
        hidden_right = moving and moving[-1] not in self._shown(self.room - 1)
        if step < 0 or hidden_right:
            self._first_column = max(self._first_column + step, 0)
        self.forget()
        self.describe()

    def action_mark(self) -> None:
        """Mark the trial under the cursor, or take its mark off."""
        if self._marks is not None and isinstance(self.selected, int):
            done = self._marks.toggle_mark(self.selected)
            self.marks_changed()
            self.post_message(self.MarksChanged(full=not done))

    def action_constant(self) -> None:
        """Columns that never differ, or without them."""
        self.feed.layout.hides_constant = not self.feed.layout.hides_constant
        self._arrange()

    def action_choose_columns(self) -> None:
        """Choose the columns."""
        from tuner.tui.screens.columns import ColumnsScreen

        self.app.push_screen(ColumnsScreen(self))

    def columns_chosen(self) -> None:
        """The layout was changed."""
        self._first_column = 0
        self._arrange()
