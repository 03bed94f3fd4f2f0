"""One session: its views over one log, one filter, one set of marks."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding
from textual.widget import Widget

from tuner.errors import TunerError
from tuner.session.view import TrialState, TrialView
from tuner.tui.feed import Feed, Reading, SessionRead
from tuner.tui.messages import RowsWished, TrialChosen, ZoomWished
from tuner.tui.render.status import state_runs, title_runs
from tuner.tui.render.styles import Run, Styles
from tuner.tui.screens.views import ViewsScreen
from tuner.tui.views.base import View
from tuner.tui.views.live import LiveView
from tuner.tui.widgets.bars import DrawnLine, TooSmall, choice_runs
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.keybar import KeyBar
from tuner.tui.widgets.rows import RowTable
from tuner.tui.widgets.trial_table import TrialTable
from tuner.tui.workspace import MOST_MARKS, Workspace

POLL = 0.1
"""Seconds between two looks at the log."""
FRESH = 0.8
"""Seconds for which what was drawn after a reading tells the time well enough."""
BETWEEN_SLICES = 0.005
"""Seconds for keys and frames between two slices of older history."""
BETWEEN_TABLES = 0.4
"""Seconds between two looks at the table while it grows slice by slice."""


class StudyScreen(ViewsScreen):
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
        Binding(
            "x",
            "prune",
            "Prune",
            id="session.prune",
            tooltip="Prune the running trial (asks)",
        ),
        Binding("slash", "filter", "Filter", id="view.filter", tooltip="Filter the trials"),
    ]

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed = feed
        self.workspace = Workspace(feed)
        self._awaiting = False
        self._catching_up = True
        self._unshown: Reading | None = None
        self._shown_until = 0
        self._drawn_at = 0.0

    def compose(self) -> ComposeResult:
        """Title, the view, the filter, the keys."""
        self.take_size()
        yield DrawnLine(self._title, id="title")
        yield LiveView(self.workspace)
        yield from self.lines_below()
        yield FilterBar("state:pruned accuracy>0.78 lr.head<1e-3 !9,12")
        yield from self.hint("study")
        yield KeyBar()
        yield TooSmall()

    def lines_below(self) -> Iterable[Widget]:
        """Lines under every view."""
        return ()

    def make_view(self, name: str) -> View:
        """The views next to the live one."""
        from tuner.tui.views.analysis import AnalysisView
        from tuner.tui.views.compare import CompareView
        from tuner.tui.views.config import ConfigView
        from tuner.tui.views.log import LogView

        if name == "Analysis":
            return AnalysisView(self.workspace)
        if name == "Compare":
            return CompareView(self.workspace)
        return {"Config": ConfigView, "Log": LogView}[name](self.feed)

    def on_mount(self) -> None:
        """Show what is known, then look again and again."""
        if view := self.view:
            view.focus_first()
        self._show_everything()
        self.call_after_refresh(self._catch_up)
        self.set_interval(POLL, self._poll)
        self.set_interval(1.0, self._tick)

    # What the keys are about

    def target(self) -> Feed | None:
        """The session of this screen."""
        return self.feed

    def deleted(self, feed: Feed) -> None:
        """Nothing is left to show."""
        self.tuner_app.catalog.forget(feed.session)
        self.leave()

    def leave(self) -> None:
        """To the picker."""
        self.tuner_app.close_study()

    def marked(self) -> Sequence[int]:
        """In the order of marking."""
        return self.workspace.marks

    def copied_trial(self) -> TrialView | None:
        """The selected trial."""
        selected = self.workspace.selected
        return None if selected is None else self.feed.view.trials.get(selected)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Pruning needs a running trial under a cursor that shows."""
        if action == "prune":
            trial = self.copied_trial() if self.view_name == "Live" else None
            if trial is None or trial.state is not TrialState.RUNNING:
                return False
        return super().check_action(action, parameters)

    # From the log to the views

    def _show_everything(self) -> None:
        self._shown_until = self.feed.view.next_seq
        self.workspace.forget()
        for view in self.views():
            if view.is_mounted:
                view.show_everything()
        self._redraw_title()
        self.redraw_keys()

    def tell_progress(self) -> None:
        """The log was looked at."""

    def _poll(self) -> None:
        self.tell_progress()
        if self._awaiting or self._catching_up:
            return
        if self.feed.view.next_seq != self._shown_until:
            self._show_everything()
        reading = self.feed.read()
        if reading is not None:
            self._awaiting = True
            self.post_message(SessionRead(reading))
        if not self.feed.complete:
            self._catching_up = True
            self.set_timer(BETWEEN_SLICES, self._catch_up)

    def _catch_up(self) -> None:
        """More than one look can read: slices and tables in turn, with time for keys in between."""
        due = self.feed.complete or time.monotonic() - self._drawn_at >= BETWEEN_TABLES
        if self._unshown is not None and due:
            self._show(self._unshown)
            self._unshown = None
        elif (reading := self.feed.read()) is not None:
            self._unshown = reading if self._unshown is None else self._unshown.then(reading)
            self.session_stirred()
        self._catching_up = not self.feed.complete or self._unshown is not None
        if self._catching_up:
            self.set_timer(BETWEEN_SLICES, self._catch_up)

    def on_session_read(self, event: SessionRead) -> None:
        """The log grew, or the session's state changed."""
        self._awaiting = False
        self._show(event.reading)

    def _show(self, reading: Reading) -> None:
        """Only what changed is drawn anew."""
        self._drawn_at = time.monotonic()
        self._shown_until = self.feed.view.next_seq
        self.workspace.trials_changed(reading.trials)
        with self.app.batch_update():
            for view in self.views():
                view.take(reading)
            self._redraw_title()
        for screen in self.app.screen_stack:
            if screen is not self and hasattr(screen, "trials_changed"):
                screen.trials_changed(reading.trials)
        self.redraw_keys()

    def _tick(self) -> None:
        if time.monotonic() - self._drawn_at < FRESH:
            return
        if view := self.view:
            view.tick()
        self._redraw_title()

    def _redraw_title(self) -> None:
        self.query_one("#title", DrawnLine).redraw()

    def session_stirred(self) -> None:
        """A worker is being started, or could not be."""
        self._redraw_title()
        for view in self.views():
            view.redraw_lines()
        self.redraw_keys()

    def view_changed(self) -> None:
        """The title says which."""
        self._redraw_title()

    def _title(self, width: int, styles: Styles) -> list[Run]:
        views = choice_runs(self.VIEWS, self._view_index, styles)
        state = state_runs(self.feed.view, self.feed.tally, self.state(), styles)
        return title_runs(
            [self.feed.session.name], views, [*state, (" ", styles.text)], width, styles
        )

    # Selection and filter

    def on_row_table_row_highlighted(self) -> None:
        """Other keys may apply to the trial under the cursor."""
        self.redraw_keys()

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        """All about a trial."""
        event.stop()
        self._open_trial(event.key)

    def _open_trial(self, number: int) -> None:
        from tuner.tui.screens.trial import TrialScreen

        self.app.push_screen(TrialScreen(self.workspace, number))

    async def on_trial_chosen(self, event: TrialChosen) -> None:
        """From a chart or an event to the trial: to its row, or to all about it."""
        table = self.query_one(LiveView).table
        if not table.select(event.trial, by_user=True):
            self.tuner_app.tell(f"trial {event.trial} does not pass the filter")
        elif event.then == "open":
            self._open_trial(event.trial)
        elif event.then == "go":
            if self.view_name != "Live":
                await self.open_view("Live")
            table.focus()

    async def on_rows_wished(self, event: RowsWished) -> None:
        """From a cell of the confusion matrix to its rows."""
        from tuner.tui.screens.trial import TrialScreen

        screen = TrialScreen(self.workspace, event.trial)
        await self.app.push_screen(screen)
        await screen.show_rows(event.at, event.cell)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Live; what cannot be read leaves the filter as it was and says so."""
        bar = self.query_one(FilterBar)
        if not event.closed and event.text != bar.text:
            return  # There is more to come: who types fast does not wait for every letter.
        if event.closed and event.text == self.workspace.filter_text:
            bar.complain("")
            self._filter_closed()
            return
        try:
            self.workspace.filter_by(event.text)
        except TunerError as error:
            bar.complain(str(error))
            if event.closed:
                self.workspace.filter_by("")
                self.tuner_app.tell(str(error), failed=True)
        else:
            self.call_after_refresh(self._count_passing)
        for view in self.views():
            view.refilter()
        if event.closed:
            self._filter_closed()

    def _filter_closed(self) -> None:
        if self.view is not None:
            self.view.focus_first()

    def _count_passing(self) -> None:
        shown, trials = self.workspace.passing(), self.feed.view.trials
        text = f"{len(shown)} of {len(trials)} pass" if self.workspace.test else ""
        self.query_one(FilterBar).tell(text)

    def on_screen_resume(self) -> None:
        """Another screen may have marked trials."""
        for view in self.views():
            if view.is_mounted:
                view.remark()

    def on_trial_table_marks_changed(self, event: TrialTable.MarksChanged) -> None:
        """All views know the marks; there can be no more than fit side by side."""
        for view in self.views():
            view.remark()
        if event.full:
            self.tuner_app.tell(f"{MOST_MARKS} trials are marked: space on one takes its mark off")

    def on_zoom_wished(self, event: ZoomWished) -> None:
        """The group editor with the ranges that were brushed."""
        event.stop()
        self.tuner_app.edit_draft(self.feed.session, event.ranges)

    def action_filter(self) -> None:
        """Open the filter's line."""
        self.query_one(FilterBar).open()

    def action_prune(self) -> None:
        """Ask, then prune the selected trial."""
        trial = self.copied_trial()
        if trial is not None:
            self.prune(trial)
