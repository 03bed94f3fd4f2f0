"""A session as it runs: trials, curves, events, confusion, importance."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.results import format as fmt
from tuner.session.view import SessionState
from tuner.tui.feed import Reading
from tuner.tui.render.status import device_runs, progress_runs, spent_runs, times_runs
from tuner.tui.render.styles import Run, Styles
from tuner.tui.views.base import View
from tuner.tui.widgets.bars import DrawnLine
from tuner.tui.widgets.confusion import ConfusionPane
from tuner.tui.widgets.curves import CurvesPane
from tuner.tui.widgets.events import EventsPane
from tuner.tui.widgets.importance import ImportancePane
from tuner.tui.widgets.lines import Pane
from tuner.tui.widgets.outcome import OutcomeBar
from tuner.tui.widgets.rows import RowTable
from tuner.tui.widgets.trial_table import TrialTable
from tuner.tui.workspace import Workspace


class LiveView(View):
    """Redraws only what changed."""

    PANES = ("trials", "curves", "events", "confusion", "importance")
    ALWAYS = 1
    TABS = ("2 Curves", "3 Events", "4 Confusion", "5 Importance")
    FILTERS = True

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="live")
        self.workspace = workspace
        self.feed = workspace.feed
        self._stamps: dict[str, object] = {}
        self._table = TrialTable(self.feed, lambda: self.tuner_app.clock(), workspace)

    def above(self) -> Iterable[Widget]:
        """What runs, and once it has ended, what it has shown."""
        yield DrawnLine(self._progress, id="progress")
        yield OutcomeBar(self.feed)

    def panes(self) -> Iterable[Widget]:
        """Five of them."""
        selected, table = self.workspace.selected_trial, self._table
        yield table
        yield CurvesPane(
            self.feed,
            selected,
            newest=table.newest,
            passes=lambda number: table.place_of(number) is not None,
            marks=lambda: self.workspace.marks,
        )
        yield EventsPane(lambda: self.feed.view, selected=selected)
        yield ConfusionPane(lambda: self.feed.view, selected)
        yield ImportancePane(lambda: self.feed.view)

    def below(self) -> Iterable[Widget]:
        """On what it runs, and what is spent."""
        yield DrawnLine(self._device, id="device")
        yield DrawnLine(self._spent, id="spent")

    @property
    def table(self) -> TrialTable:
        """The table of trials."""
        return self._table

    def show_everything(self) -> None:
        """What somebody else read from the same feed: the picker, before this view was there."""
        self.table.show()
        self.query_one(EventsPane).events_came()
        for name in self.PANES[1:]:
            self.query_one(f"#{name}", Pane).redraw()
        self.redraw_lines()
        self._follow_outcome()

    def session_read(self, reading: Reading) -> None:
        """Only what changed is drawn anew; while history is read, the table and the lines alone."""
        self.table.trials_changed(reading.trials)
        if reading.complete:
            self.query_one(EventsPane).events_came()
            for name in ("curves", "confusion", "importance"):
                self._redraw_if_new(name)
        self.redraw_lines()
        self._follow_outcome()

    def _follow_outcome(self) -> None:
        state = self.tuner_app.state_of(self.feed)
        self.query_one(OutcomeBar).follow(state, complete=self.feed.complete)

    def _redraw_if_new(self, name: str) -> None:
        """Most of what is read are steps, which change none of these panes."""
        stamp = self._stamp(name)
        if self._stamps.get(name) != stamp:
            self._stamps[name] = stamp
            self.query_one(f"#{name}", Pane).redraw()

    def _stamp(self, name: str) -> object:
        """What the pane depends on, as far as a log that grows can change it."""
        view = self.feed.view
        if name == "curves":
            return self.query_one(CurvesPane).stamp()
        if name == "importance":
            return view.importance, view.importance_trials, self.feed.tally.ended
        numbers = (self.workspace.selected, view.best)
        shown = [view.trials[number] for number in numbers if number in view.trials]
        return [(trial.number, trial.state, len(trial.evaluations)) for trial in shown]

    def tick(self) -> None:
        """What runs has run longer."""
        if self.tuner_app.state_of(self.feed) is SessionState.RUNNING:
            self.table.tick()
        self.redraw_lines()
        self._follow_outcome()

    def filter_changed(self) -> None:
        """Other rows, other curves."""
        self.table.filter_by(self.workspace.test)
        self.query_one(CurvesPane).redraw()

    def marks_changed(self) -> None:
        """Other rows and curves stand out."""
        self.table.marks_changed()
        self.query_one(CurvesPane).redraw()

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        """The other panes show the trial under the cursor."""
        self.workspace.selected = event.key if isinstance(event.key, int) else None
        self.query_one(ConfusionPane).trial_selected()
        self.query_one(CurvesPane).redraw()

    # The lines

    def _progress(self, width: int, styles: Styles) -> list[Run]:
        if not self.feed.complete:
            count = len(self.feed.view.trials)
            return [(f" reading the log, {fmt.counted(count, 'trial')} so far", styles.muted)]
        state, now = self.tuner_app.state_of(self.feed), self.tuner_app.clock()
        times = times_runs(self.feed, now, width, styles)
        return progress_runs(self.feed.view, self.feed.tally, state, width, styles, times)

    def _device(self, width: int, styles: Styles) -> list[Run]:
        machine = self.tuner_app.machine.look(self.feed)
        return device_runs(self.feed, self.tuner_app.clock(), width, styles, machine)

    def _spent(self, width: int, styles: Styles) -> list[Run]:
        gpu = self.tuner_app.machine.look(self.feed).gpu
        return spent_runs(self.feed, self.tuner_app.clock(), width, styles, gpu)
