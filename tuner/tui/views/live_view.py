"""A session as it runs: trials, curves, events, confusion, importance."""

from __future__ import annotations

from collections.abc import Iterable

from textual.widget import Widget

from tuner.render.status_text import (
    device_status_runs,
    elapsed_time_runs,
    progress_runs,
    search_progress_runs,
)
from tuner.render.styles import Styles, TextRun
from tuner.results import format as fmt
from tuner.session.view import SessionState
from tuner.tui.state.session_reader import SessionDelta
from tuner.tui.state.workspace import Workspace
from tuner.tui.views.base_view import View
from tuner.tui.widgets.confusion_pane import ConfusionPane
from tuner.tui.widgets.curves_pane import CurvesPane
from tuner.tui.widgets.drawn_line import DrawnLine
from tuner.tui.widgets.events_pane import EventsPane
from tuner.tui.widgets.importance_pane import ImportancePane
from tuner.tui.widgets.line_widgets import Pane
from tuner.tui.widgets.outcome_bar import OutcomeBar
from tuner.tui.widgets.row_table import RowTable
from tuner.tui.widgets.trial_table import TrialTable


class LiveView(View):
    """A session as it runs. Most events change few panes: the others are left as they are."""

    PANES = ("trials", "curves", "events", "confusion", "importance")
    ALWAYS = 1
    TABS = ("2 Curves", "3 Events", "4 Confusion", "5 Importance")
    FILTERS = True

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="live")
        self.workspace = workspace
        self.reader = workspace.reader
        self._drawn_dependencies: dict[str, object] = {}
        self._trial_table = TrialTable(self.reader, lambda: self.tuner_app.clock(), workspace)

    def compose_above(self) -> Iterable[Widget]:
        yield DrawnLine(self._progress_line, id="progress")
        yield OutcomeBar(self.reader)

    def compose_panes(self) -> Iterable[Widget]:
        selected, trial_table = self.workspace.selected_trial, self._trial_table
        yield trial_table
        yield CurvesPane(
            self.reader,
            selected,
            newest_trials=trial_table.newest_trials,
            matches_filter=lambda number: trial_table.index_of_key(number) is not None,
            marked_trials=lambda: self.workspace.marks,
        )
        yield EventsPane(lambda: self.reader.view, selected_trial=selected)
        yield ConfusionPane(self.workspace, lambda: self.tuner_app.clock())
        yield ImportancePane(lambda: self.reader.view)

    def compose_below(self) -> Iterable[Widget]:
        yield DrawnLine(self._device_line, id="device")
        yield DrawnLine(self._spent_line, id="spent")

    @property
    def trial_table(self) -> TrialTable:
        return self._trial_table

    def show_everything(self) -> None:
        """Draw what another screen read from the same session before this view was made."""
        self.trial_table.rebuild_table()
        self.query_one(EventsPane).append_new_events()
        for name in ("curves", "confusion", "importance"):
            self.query_one(f"#{name}", Pane).redraw_content()
        self.redraw_lines()
        self._update_outcome_bar()

    def redraw_changes(self, delta: SessionDelta) -> None:
        """Draw what changed; while older history is read, the table and the lines alone."""
        self.trial_table.update_trials(delta.trials)
        if delta.complete:
            self.query_one(EventsPane).append_new_events()
            for name in ("curves", "confusion", "importance"):
                self._redraw_if_changed(name)
        self.redraw_lines()
        self._update_outcome_bar()

    def _update_outcome_bar(self) -> None:
        state = self.tuner_app.displayed_state(self.reader)
        self.query_one(OutcomeBar).update_for_state(state, complete=self.reader.complete)

    def _redraw_if_changed(self, name: str) -> None:
        """Redraw a pane unless it would show the same: most events are steps, which change none."""
        dependencies = self._pane_dependencies(name)
        if self._drawn_dependencies.get(name) != dependencies:
            self._drawn_dependencies[name] = dependencies
            self.query_one(f"#{name}", Pane).redraw_content()

    def _pane_dependencies(self, name: str) -> object:
        """Return what the pane depends on, as far as a growing log can change it."""
        view = self.reader.view
        if name == "curves":
            return self.query_one(CurvesPane).content_stamp()
        if name == "importance":
            return view.importance, view.importance_trials, self.reader.trial_counts.ended_count
        numbers = (self.workspace.selected, view.best)
        shown_trials = [view.trials[number] for number in numbers if number in view.trials]
        return [(trial.number, trial.state, len(trial.evaluations)) for trial in shown_trials]

    def redraw_elapsed_times(self) -> None:
        if self.tuner_app.displayed_state(self.reader) is SessionState.RUNNING:
            self.trial_table.update_running_times()
        self.redraw_lines()
        self._update_outcome_bar()

    def redraw_after_filter(self) -> None:
        self.trial_table.filter_trials(self.workspace.trial_filter)
        self.query_one(CurvesPane).redraw_content()

    def redraw_after_marks(self) -> None:
        self.trial_table.update_marks()
        self.query_one(CurvesPane).redraw_content()

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        """Show the trial under the cursor in the other panes."""
        self.workspace.selected = event.key if isinstance(event.key, int) else None
        self.query_one(ConfusionPane).redraw_content()
        self.query_one(CurvesPane).redraw_content()

    # The lines

    def _progress_line(self, width: int, styles: Styles) -> list[TextRun]:
        if not self.reader.complete:
            count = len(self.reader.view.trials)
            return [
                (f" reading the log, {fmt.count_in_words(count, 'trial')} so far", styles.muted)
            ]
        state, now = self.tuner_app.displayed_state(self.reader), self.tuner_app.clock()
        times = elapsed_time_runs(self.reader, now, width, styles)
        return progress_runs(
            self.reader.view, self.reader.trial_counts, state, width, styles, times
        )

    def _device_line(self, width: int, styles: Styles) -> list[TextRun]:
        machine = self.tuner_app.machine.latest_reading(self.reader)
        return device_status_runs(self.reader, self.tuner_app.clock(), width, styles, machine)

    def _spent_line(self, width: int, styles: Styles) -> list[TextRun]:
        gpu = self.tuner_app.machine.latest_reading(self.reader).gpu
        return search_progress_runs(self.reader, self.tuner_app.clock(), width, styles, gpu)
