"""The table of trials: sorted, filtered, following what runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from textual.binding import Binding
from textual.reactive import reactive

from tuner.session.view import SessionView, TrialView
from tuner.tui.feed import Feed
from tuner.tui.render.columns import Column, parameter_names, trial_columns
from tuner.tui.render.styles import Run
from tuner.tui.render.trials import fitting, row_runs
from tuner.tui.widgets.lines import styles_of
from tuner.tui.widgets.ordering import Ordering
from tuner.tui.widgets.rows import RowTable

Test = Callable[[TrialView], bool]


class TrialTable(RowTable):
    """One row a trial. Redraws and moves only the trials that changed."""

    BINDINGS = [
        Binding("o", "sort_by(1)", "Sort", id="trials.sort", tooltip="Sort by the next column"),
        Binding(
            "O",
            "sort_by(-1)",
            "Sort back",
            show=False,
            id="trials.sort_back",
            tooltip="Sort by the column before",
        ),
        Binding(
            "R",
            "reverse",
            "Reverse",
            show=False,
            id="trials.reverse",
            tooltip="Turn the order round",
        ),
        Binding(
            "f", "follow", "Follow", show=False, id="trials.follow", tooltip="Follow what runs"
        ),
        Binding(
            "right,l",
            "columns(1)",
            "Columns",
            show=False,
            id="trials.right",
            tooltip="Parameters further right",
        ),
        Binding(
            "left,h",
            "columns(-1)",
            "Columns",
            show=False,
            id="trials.left",
            tooltip="Parameters further left",
        ),
        Binding("enter", "open", "Detail", id="trials.detail", tooltip="All about the trial"),
    ]
    following: reactive[bool] = reactive(True)

    def __init__(self, feed: Feed, now: Callable[[], float]) -> None:
        self.feed = feed
        self.view: SessionView = feed.view
        self._now = now
        self._names: list[str] = []
        self._columns: list[Column] = []
        self._sorted_by = "metric"
        self._backwards = False
        self._ordering = Ordering()
        self._test: Test | None = None
        self._first_parameter = 0
        self._best: int | None = None
        self._drawn_metric = feed.view.metric
        super().__init__("Trials", number=1, id="trials")
        self.show()

    def show(self) -> None:
        """Show everything anew."""
        view = self.view
        self._names = parameter_names(view.trials.values())
        self._columns = trial_columns(view, self._names, self._now)
        self._best = view.best
        self._strips.clear()
        self._reorder()

    def trials_changed(self, changed: Collection[int]) -> None:
        """Some trials are no longer what they were when they were drawn."""
        view = self.view
        names = parameter_names((view.trials[number] for number in changed), self._names)
        if names != self._names or view.metric != self._drawn_metric:
            self.show()
            return
        stale = set(changed) | ({self._best, view.best} if self._best != view.best else set())
        self._best = view.best
        for number in stale:
            if number is not None:
                self._strips.pop((number, self.room), None)
        order = self._sorting.order
        moved = [self._place(number, order) for number in changed]
        if any(moved):
            self.rows_changed()
        else:
            self.refresh()
        self._follow_newest()
        self.describe()

    def tick(self) -> None:
        """A second passed: what runs has run longer."""
        for number in self.feed.tally.running:
            self.forget(number)

    def filter_by(self, test: Test | None) -> None:
        """Show only the trials that pass."""
        self._test = test
        self._reorder()

    def keys_in_order(self) -> Sequence[int]:
        """The numbers of the trials that are shown."""
        return self._ordering.numbers

    @property
    def sorted_by(self) -> str:
        """The key of the column that sorts."""
        return self._sorted_by

    def header_runs(self, width: int) -> Sequence[Run]:
        """The titles, the sorting one marked."""
        styles = styles_of(self)
        mark = "▴" if self._backwards else "▾"
        runs: list[Run] = []
        for column in self._shown(width):
            sorting = column.key == self._sorted_by
            style = styles.accent if sorting else styles.muted
            runs.append((column.heading(mark if sorting else "") + " ", style))
        return runs

    def row_runs(self, key: int, width: int) -> Sequence[Run]:
        """One trial."""
        return row_runs(self._shown(width), self.view.trials[key], styles_of(self))

    def empty_lines(self) -> Sequence[str]:
        """Why there is nothing, and what to do."""
        if self._test is not None and self.view.trials:
            return ("No trial passes the filter", "esc takes it off")
        if self.view.lifecycle in ("", "session_created"):
            return ("Every trial will be a row here", "s starts the search", "e edits the recipe")
        return ("Every trial will be a row here", "the first one starts when the model is loaded")

    def describe(self) -> None:
        """Counts in the title, order and following in the hint."""
        shown, total = len(self.keys_in_order()), len(self.view.trials)
        planned = f" of {self.view.planned}" if self.view.planned else ""
        detail = f"{shown} of {total} pass" if self._test is not None else f"{total}{planned}"
        sign = "▴" if self._backwards else "▾"
        hint = f"sort {self._sorting.title} {sign}   f follow {'✓' if self.following else '·'}"
        hidden = len(self._columns) - len(self._shown(max(self.room - 1, 0)))
        if hidden and self.room:
            hint += f"   → {hidden} more"
        self.entitle(detail, hint)

    @property
    def _sorting(self) -> Column:
        found = [column for column in self._columns if column.key == self._sorted_by]
        return found[0] if found else self._columns[2]

    def _shown(self, width: int) -> list[Column]:
        return fitting(self._columns, width, self._first_parameter)

    def _reorder(self) -> None:
        self._drawn_metric = self.view.metric
        self._ordering = Ordering(backwards=self._backwards)
        order = self._sorting.order
        for number in self.view.trials:
            self._place(number, order)
        if self.is_mounted:
            self.rows_changed()
            self._follow_newest()
        self.describe()

    def _place(self, number: int, order: Callable[[TrialView], tuple[object, ...]]) -> bool:
        trial = self.view.trials[number]
        if self._test is not None and not self._test(trial):
            return self._ordering.drop(number)
        return self._ordering.put(number, order(trial))

    def _follow_newest(self) -> None:
        if not self.following:
            return
        newest = max(self.feed.tally.running, default=None)
        if newest is not None and self.selected != newest:
            self.select(newest)

    def on_mount(self) -> None:
        """Start where the action is."""
        self.rows_changed()
        self._follow_newest()

    def on_resize(self) -> None:
        """More or fewer columns fit."""
        super().on_resize()
        self.describe()

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
        keys = [column.key for column in self._columns]
        at = keys.index(self._sorting.key)
        self._sort(keys[(at + step) % len(keys)], turn=False)

    def action_reverse(self) -> None:
        """Worst first."""
        self._sort(self._sorted_by, turn=True)

    def _sort(self, key: str, *, turn: bool) -> None:
        self._backwards = not self._backwards if turn else False
        self._sorted_by = key
        self._reorder()

    def action_follow(self) -> None:
        """Following on or off."""
        self.following = not self.following

    def action_columns(self, step: int) -> None:
        """Other parameters, where not all fit."""
        left = [column for column in self._columns if column.name][self._first_parameter :]
        hidden_right = left and left[-1] not in self._shown(self.room - 1)
        if step < 0 or hidden_right:
            self._first_parameter = max(self._first_parameter + step, 0)
        self.forget()
        self.describe()
