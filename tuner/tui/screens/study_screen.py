"""One session: its views over one log, one filter, one set of marks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.widget import Widget

from tuner.errors import TunerError
from tuner.render.status_text import screen_title_runs, session_state_runs
from tuner.render.styles import Styles, TextRun
from tuner.session.view import TrialState, TrialView
from tuner.tui.screens.columns_screen import ColumnsScreen
from tuner.tui.screens.session_screen import SessionScreen
from tuner.tui.screens.views_screen import ViewsScreen
from tuner.tui.shell.messages import RowsRequested, TrialChosen, ZoomRequested
from tuner.tui.state.session_reader import SessionDelta, SessionReader, SessionUpdated
from tuner.tui.state.workspace import MAX_MARKS, Workspace
from tuner.tui.views.base_view import View
from tuner.tui.views.live_view import LiveView
from tuner.tui.widgets.drawn_line import DrawnLine, TooSmall, runs_of_choices
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.row_table import RowTable
from tuner.tui.widgets.trial_table import TrialTable

POLL_SECONDS = 0.1
"""Seconds between two looks at the log."""
FRESH_SECONDS = 0.8
"""Seconds for which what was drawn after a reading tells the time well enough."""
BETWEEN_SLICES = 0.005
"""Seconds for keys and frames between two slices of older history."""
BETWEEN_TABLES = 0.4
"""Seconds between two looks at the table while it grows slice by slice."""


class StudyScreen(ViewsScreen, SessionScreen):
    """Reads the session's log and passes on what is new."""

    VIEWS = ("Live", "Analysis", "Compare", "Config", "Log")
    KEY_ORDER: ClassVar[tuple[str, ...]] = (
        "compare.row",
        "compare.unmark",
        "compare.baseline",
        "compare.differing",
        "compare.rows",
        "parallel.keep",
        "analysis.zoom_search",
        "parallel.invert",
        "session.start",
        "session.pause",
        "session.resume",
        "session.drain",
        "session.prune",
        "session.edit",
        "session.export",
        "trials.detail",
        "view.filter",
        "view.next",
        "view.zoom",
        "session.stop",
        "view.pane_1",
        "trials.sort",
    )
    BINDINGS = [
        key("x", "prune", "session.prune", "Prune", "Prune the running trial (asks)"),
        key("/", "filter", "view.filter", "Filter", "Filter the trials"),
    ]

    def __init__(self, reader: SessionReader) -> None:
        super().__init__()
        self.reader = reader
        self.workspace = Workspace(reader)
        self._is_update_posted = False
        self._is_catching_up = True
        self._pending_delta: SessionDelta | None = None
        self._shown_until_seq = 0
        self._drawn_at = 0.0

    def compose(self) -> ComposeResult:
        self.set_breakpoint_classes()
        yield DrawnLine(self._title_line, id="title")
        yield LiveView(self.workspace)
        yield from self.compose_below_views()
        yield FilterBar("state:pruned accuracy>0.78 lr.head<1e-3 !9,12")
        yield from self.first_use_hint("study")
        yield self.make_key_bar()
        yield TooSmall()

    def compose_below_views(self) -> Iterable[Widget]:
        """Yield lines between the views and the key bar."""
        return ()

    def widget_below_views(self) -> Widget:
        return self.query_one(FilterBar)

    def create_view(self, name: str) -> View:
        """Make one of the views beside the live one."""
        from tuner.tui.views.analysis_view import AnalysisView
        from tuner.tui.views.config_view import ConfigView
        from tuner.tui.views.log_view import LogView
        from tuner.tui.views.trial_comparison_view import TrialComparisonView

        if name == "Analysis":
            return AnalysisView(self.workspace)
        if name == "Compare":
            return TrialComparisonView(self.workspace)
        return {"Config": ConfigView, "Log": LogView}[name](self.reader)

    def on_mount(self) -> None:
        """Show what was read before, then go on reading."""
        if view := self.current_view:
            view.focus_first_pane()
        self._show_everything()
        self.call_after_refresh(self._read_history_slice)
        self.set_interval(POLL_SECONDS, self._read_new_events)
        self.set_interval(1.0, self._redraw_elapsed_times)

    # What the keys are about

    def target_reader(self) -> SessionReader | None:
        return self.reader

    def leave_deleted_session(self, reader: SessionReader) -> None:
        self.tuner_app.catalog.forget_session(reader.session)
        self.leave_screen()

    def leave_screen(self) -> None:
        """Go to the picker."""
        self.tuner_app.return_to_picker()

    def marked_trials(self) -> Sequence[int]:
        """Return the marked trials in the order of marking."""
        return self.workspace.marks

    def current_trial(self) -> TrialView | None:
        """Return the trial under the cursor."""
        selected = self.workspace.selected
        return None if selected is None else self.reader.view.trials.get(selected)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse to prune unless the cursor is seen and on a running trial."""
        if action == "prune":
            trial = self.current_trial() if self.view_name == "Live" else None
            if trial is None or trial.state is not TrialState.RUNNING:
                return False
        return super().check_action(action, parameters)

    # From the log to the views

    def _show_everything(self) -> None:
        self._shown_until_seq = self.reader.view.next_seq
        self.workspace.forget_matches()
        for view in self.created_views():
            if view.is_mounted:
                view.show_everything()
        self._redraw_title_line()
        self.refresh_changed_keys()

    def redraw_progress(self) -> None:
        """Show how far the log was read; a hook for replays."""

    def _read_new_events(self) -> None:
        self.redraw_progress()
        if self._is_update_posted or self._is_catching_up:
            return
        if self.reader.view.next_seq != self._shown_until_seq:
            self._show_everything()
        delta = self.reader.read_new_events()
        if delta is not None:
            self._is_update_posted = True
            self.post_message(SessionUpdated(delta))
        if not self.reader.complete:
            self._is_catching_up = True
            self.set_timer(BETWEEN_SLICES, self._read_history_slice)

    def _read_history_slice(self) -> None:
        """Read older history in slices and draw it now and then, with time for keys in between."""
        is_drawing_due = self.reader.complete or time.monotonic() - self._drawn_at >= BETWEEN_TABLES
        if self._pending_delta is not None and is_drawing_due:
            self._draw_delta(self._pending_delta)
            self._pending_delta = None
        elif (delta := self.reader.read_new_events()) is not None:
            self._pending_delta = (
                delta if self._pending_delta is None else self._pending_delta.merged_with(delta)
            )
            self.session_state_changed()
        self._is_catching_up = not self.reader.complete or self._pending_delta is not None
        if self._is_catching_up:
            self.set_timer(BETWEEN_SLICES, self._read_history_slice)

    def on_session_updated(self, event: SessionUpdated) -> None:
        self._is_update_posted = False
        self._draw_delta(event.delta)

    def _draw_delta(self, delta: SessionDelta) -> None:
        """Draw what changed, and nothing else."""
        self._drawn_at = time.monotonic()
        self._shown_until_seq = self.reader.view.next_seq
        self.workspace.trials_changed(delta.trials)
        with self.app.batch_update():
            for view in self.created_views():
                view.receive_delta(delta)
            self._redraw_title_line()
        for screen in self.app.screen_stack:
            if screen is not self and isinstance(screen, SessionScreen):
                screen.trials_changed(delta.trials)
        self.refresh_changed_keys()

    def _redraw_elapsed_times(self) -> None:
        if time.monotonic() - self._drawn_at < FRESH_SECONDS:
            return
        if view := self.current_view:
            view.redraw_elapsed_times()
        self._redraw_title_line()

    def _redraw_title_line(self) -> None:
        self.query_one("#title", DrawnLine).redraw_content()

    def session_state_changed(self) -> None:
        self._redraw_title_line()
        for view in self.created_views():
            view.redraw_lines()
        self.refresh_changed_keys()

    def after_view_switch(self) -> None:
        self._redraw_title_line()

    def _title_line(self, width: int, styles: Styles) -> list[TextRun]:
        view_choice = runs_of_choices(self.VIEWS, self._view_index, styles)
        state_and_counts = session_state_runs(
            self.reader.view, self.reader.trial_counts, self.session_state(), styles
        )
        return screen_title_runs(
            [self.reader.session.name],
            view_choice,
            [*state_and_counts, (" ", styles.text)],
            width,
            styles,
        )

    # Selection and filter

    def on_row_table_row_highlighted(self) -> None:
        """Update the keys: others may apply to the trial under the cursor."""
        self.refresh_changed_keys()

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        event.stop()
        self._open_trial_screen(event.key)

    def _open_trial_screen(self, number: int) -> None:
        from tuner.tui.screens.trial_screen import TrialScreen

        self.app.push_screen(TrialScreen(self.workspace, number))

    async def on_trial_chosen(self, event: TrialChosen) -> None:
        """Go from a chart or an event to the trial's row, or to its screen."""
        table = self.query_one(LiveView).trial_table
        if not table.select_key(event.trial, by_user=True):
            self.tuner_app.notify_user(f"trial {event.trial} does not match the filter")
        elif event.then == "open":
            self._open_trial_screen(event.trial)
        elif event.then == "go":
            if self.view_name != "Live":
                await self.show_view_named("Live")
            table.focus()

    async def on_rows_requested(self, event: RowsRequested) -> None:
        """Go from a cell of the confusion matrix to its rows."""
        from tuner.tui.screens.trial_screen import TrialScreen

        screen = TrialScreen(self.workspace, event.trial)
        await self.app.push_screen(screen)
        await screen.show_rows_of_cell(event.evaluation, event.cell)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Filter while typing; what cannot be parsed leaves the filter as it was and says so."""
        bar = self.query_one(FilterBar)
        if not event.is_closed and event.text != bar.filter_text:
            return  # There is more to come: who types fast does not wait for every letter.
        if event.is_closed and event.text == self.workspace.filter_text:
            bar.show_error("")
            self._focus_current_view()
            return
        try:
            self.workspace.apply_filter_text(event.text)
        except TunerError as error:
            bar.show_error(str(error))
            if event.is_closed:
                self.workspace.apply_filter_text("")
                self.tuner_app.notify_user(str(error), failed=True)
        else:
            self.call_after_refresh(self._show_match_count)
        for view in self.created_views():
            view.receive_filter_change()
        if event.is_closed:
            self._focus_current_view()

    def _focus_current_view(self) -> None:
        if self.current_view is not None:
            self.current_view.focus_first_pane()

    def _show_match_count(self) -> None:
        matching, trials = self.workspace.matching_trials(), self.reader.view.trials
        text = f"{len(matching)} of {len(trials)} match" if self.workspace.trial_filter else ""
        self.query_one(FilterBar).show_result(text)

    def on_screen_resume(self) -> None:
        """Show the marks: another screen may have changed them."""
        for view in self.created_views():
            if view.is_mounted:
                view.receive_marks_change()

    def on_trial_table_columns_requested(self, event: TrialTable.ColumnsRequested) -> None:
        self.app.push_screen(ColumnsScreen(event.table))

    def on_trial_table_marks_changed(self, event: TrialTable.MarksChanged) -> None:
        """Show the marks in all views, and say when no more trials can be marked."""
        for view in self.created_views():
            view.receive_marks_change()
        if event.full:
            self.tuner_app.notify_user(f"{MAX_MARKS} trials are marked already: space unmarks one")

    def on_zoom_requested(self, event: ZoomRequested) -> None:
        """Open the group editor with the brushed ranges."""
        event.stop()
        self.tuner_app.open_setup_screen(self.reader.session, event.ranges)

    def clear_filter(self) -> bool:
        bar = self.query_one(FilterBar)
        had_filter = bool(bar.filter_text)
        if had_filter:
            bar.clear_filter()
        return had_filter

    def action_filter(self) -> None:
        self.query_one(FilterBar).open_for_typing()

    def action_prune(self) -> None:
        """Ask, then prune the trial under the cursor."""
        trial = self.current_trial()
        if trial is not None:
            self.confirm_and_prune(trial)
