"""One session as it runs: trials, curves, events, confusion, importance."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.css.query import NoMatches
from textual.widget import Widget

from tuner.errors import TunerError
from tuner.results.filters import parse_filter
from tuner.session.view import SessionState, TrialState, TrialView
from tuner.tui.feed import Feed, Reading, SessionRead
from tuner.tui.render.status import (
    device_runs,
    progress_runs,
    spent_runs,
    state_runs,
    title_runs,
)
from tuner.tui.render.styles import Run, Styles
from tuner.tui.screens.actions import SessionScreen
from tuner.tui.widgets.bars import Choice, DrawnLine, TooSmall, choice_runs
from tuner.tui.widgets.confusion import ConfusionPane
from tuner.tui.widgets.curves import CurvesPane
from tuner.tui.widgets.events import EventsPane
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.importance import ImportancePane
from tuner.tui.widgets.keybar import KeyBar
from tuner.tui.widgets.lines import Pane
from tuner.tui.widgets.rows import RowTable
from tuner.tui.widgets.trial_table import TrialTable

POLL = 0.1
"""Seconds between two looks at the log."""
BETWEEN_SLICES = 0.01
"""Seconds for keys and frames between two slices of older history."""
VIEWS = ("Live", "Config", "Log")
PANES = ("trials", "curves", "events", "confusion", "importance")
TABS = ("2 Curves", "3 Events", "4 Confusion", "5 Importance")


class LiveScreen(SessionScreen):
    """The live view, with the recipe and the log as its neighbours."""

    KEY_ORDER = (
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
        Binding(
            "right_square_bracket",
            "view(1)",
            "View",
            key_display="[ ]",
            id="view.next",
            tooltip="Next view",
        ),
        Binding(
            "left_square_bracket",
            "view(-1)",
            "View",
            show=False,
            id="view.previous",
            tooltip="Previous view",
        ),
        Binding("z", "zoom", "Zoom", id="view.zoom", tooltip="One pane alone, and back"),
        *(
            Binding(
                str(number),
                f"pane({number})",
                "Pane",
                key_display="1-5",
                show=number == 1,
                id=f"view.pane_{number}",
                tooltip=f"The {PANES[number - 1]} pane",
            )
            for number in range(1, 6)
        ),
        Binding("escape", "back", "Back", show=False, id="app.back", tooltip="One step back"),
    ]

    def __init__(self, feed: Feed) -> None:
        super().__init__()
        self.feed = feed
        self._view_index = 0
        self._awaiting = False
        self._catching_up = True
        self._shown_until = 0

    def compose(self) -> ComposeResult:
        """Title, what runs, the panes, what is spent, the keys."""
        self.take_size()
        yield DrawnLine(self._title, id="title")
        with Container(id="live"):
            yield DrawnLine(self._progress, id="progress")
            with Container(id="panes"):
                yield TrialTable(self.feed, self.tuner_app.clock)
                yield Choice(TABS, hint="2-5 switch", id="tabs")
                yield CurvesPane(self.feed, self.selected_trial)
                yield EventsPane(lambda: self.feed.view)
                yield ConfusionPane(lambda: self.feed.view, self.selected_trial)
                yield ImportancePane(lambda: self.feed.view)
            yield DrawnLine(self._device, id="device")
            yield DrawnLine(self._spent, id="spent")
        yield FilterBar("state:pruned accuracy>0.78 lr.head<1e-3 !9,12")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Show what is known, then look again and again."""
        self._activate(1)
        self.query_one(TrialTable).focus()
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
        self.tuner_app.close_live()

    def selected_trial(self) -> int | None:
        """The number of the trial under the cursor."""
        try:
            number = self.query_one(TrialTable).selected
        except NoMatches:
            return None
        return number if isinstance(number, int) else None

    def copied_trial(self) -> TrialView | None:
        """The selected trial."""
        selected = self.selected_trial()
        return None if selected is None else self.feed.view.trials.get(selected)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Pruning needs a running trial under the cursor; panes are in the live view alone."""
        if action == "prune":
            trial = self.copied_trial()
            running = trial is not None and trial.state is TrialState.RUNNING
            return running and bool(super().check_action(action, parameters))
        if action in ("filter", "zoom", "pane") and self._view_index:
            return False
        return super().check_action(action, parameters)

    # From the log to the panes

    def _show_everything(self) -> None:
        """What somebody else read from the same feed: the picker, before this screen was there."""
        self._shown_until = self.feed.view.next_seq
        self.query_one(TrialTable).show()
        self.query_one(EventsPane).events_came()
        for name in PANES[1:]:
            self.query_one(f"#{name}", Pane).redraw()
        self._redraw_lines()
        self.redraw_keys()

    def _poll(self) -> None:
        if self._awaiting or self._catching_up:
            return
        if self.feed.view.next_seq != self._shown_until:
            self._show_everything()
        reading = self.feed.read()
        if reading is not None:
            self._awaiting = True
            self.post_message(SessionRead(reading))
        if not self.feed.complete:
            self._catch_up()

    def _catch_up(self) -> None:
        """More than one look can read: slice after slice, and only the lines tell how far it is."""
        if not self.feed.complete:
            self.feed.read()
        self._catching_up = not self.feed.complete
        if not self._catching_up:
            self._show_everything()
            return
        self._redraw_lines()
        self.set_timer(BETWEEN_SLICES, self._catch_up)

    def on_session_read(self, event: SessionRead) -> None:
        """Only what changed is drawn anew."""
        self._awaiting = False
        self._shown_until = self.feed.view.next_seq
        reading = event.reading
        with self.app.batch_update():
            self._show_trials(reading)
            if reading.events:
                self.query_one(EventsPane).events_came()
                self.query_one(ImportancePane).redraw()
            self._redraw_lines()
        for screen in self.app.screen_stack:
            if screen is not self and hasattr(screen, "trials_changed"):
                screen.trials_changed(reading.trials)
        self.redraw_keys()

    def _show_trials(self, reading: Reading) -> None:
        table = self.query_one(TrialTable)
        table.trials_changed(reading.trials)
        if reading.trials or reading.events:
            self.query_one(CurvesPane).redraw()
        if self.selected_trial() in reading.trials:
            self.query_one(ConfusionPane).redraw()

    def _tick(self) -> None:
        if self.state() is SessionState.RUNNING:
            self.query_one(TrialTable).tick()
        self._redraw_lines()

    def _redraw_lines(self) -> None:
        for line in self.query(DrawnLine):
            line.redraw()

    def session_stirred(self) -> None:
        """A worker is being started, or could not be."""
        self._redraw_lines()
        self.redraw_keys()

    # The lines

    def _title(self, width: int, styles: Styles) -> list[Run]:
        views = choice_runs(VIEWS, self._view_index, styles)
        state = state_runs(self.feed.view, self.feed.tally, self.state(), styles)
        return title_runs(
            [self.feed.session.name], views, [*state, (" ", styles.text)], width, styles
        )

    def _progress(self, width: int, styles: Styles) -> list[Run]:
        if not self.feed.complete:
            count = len(self.feed.view.trials)
            return [(f" reading the log, {count} trials so far", styles.muted)]
        return progress_runs(self.feed.view, self.feed.tally, self.state(), width, styles)

    def _device(self, width: int, styles: Styles) -> list[Run]:
        return device_runs(self.feed, self.tuner_app.clock(), width, styles)

    def _spent(self, width: int, styles: Styles) -> list[Run]:
        return spent_runs(self.feed, self.tuner_app.clock(), width, styles)

    # Selection and filter

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        """The other panes show the trial under the cursor."""
        event.stop()
        self.query_one(ConfusionPane).trial_selected()
        self.query_one(CurvesPane).redraw()
        self.redraw_keys()

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        """All about a trial."""
        from tuner.tui.screens.trial import TrialScreen

        event.stop()
        self.app.push_screen(TrialScreen(self.feed, event.key))

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Live; what cannot be read leaves the filter as it was and says so."""
        bar, table = self.query_one(FilterBar), self.query_one(TrialTable)
        try:
            table.filter_by(parse_filter(event.text) if event.text.strip() else None)
            bar.complain("")
        except TunerError as error:
            bar.complain(str(error))
            if event.closed:
                table.filter_by(None)
                self.tuner_app.tell(str(error), failed=True)
        if event.closed:
            table.focus()

    def action_filter(self) -> None:
        """Open the filter's line."""
        self.query_one(FilterBar).open()

    def action_prune(self) -> None:
        """Ask, then prune the selected trial."""
        trial = self.copied_trial()
        if trial is not None:
            self.prune(trial)

    # Panes and views

    def action_pane(self, number: int) -> None:
        """Focus a pane, in the narrow layout by its tab."""
        if number > 1:
            self._activate(number - 1)
        pane = self.query_one(f"#{PANES[number - 1]}")
        if self.query_one("#panes").has_class("-zoom"):
            self._zoom(pane)
        pane.focus()

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """A tab was clicked."""
        self.action_pane(event.index + 2)

    def _activate(self, index: int) -> None:
        self.query_one(Choice).choose(index - 1)
        for place, name in enumerate(PANES[1:], start=1):
            self.query_one(f"#{name}").set_class(place == index, "-active")

    def action_zoom(self) -> None:
        """The focused pane on the whole screen, or all panes again."""
        panes = self.query_one("#panes")
        focused = self.focused
        if panes.has_class("-zoom"):
            self._zoom(None)
        elif focused is not None and focused.id in PANES:
            self._zoom(focused)

    def _zoom(self, pane: Widget | None) -> None:
        self.query_one("#panes").set_class(pane is not None, "-zoom")
        for name in PANES:
            self.query_one(f"#{name}").set_class(pane is not None and pane.id == name, "-zoomed")

    async def action_view(self, step: int) -> None:
        """The next or the previous view."""
        await self.show_view((self._view_index + step) % len(VIEWS))

    async def show_view(self, index: int) -> None:
        """Live, Config or Log; the last two are made when they are first looked at."""
        self._view_index = index
        name = VIEWS[index].lower()
        if name != "live" and not self.query(f"#{name}"):
            await self.mount(_neighbour(name, self.feed), before=self.query_one(FilterBar))
        for other in VIEWS:
            for widget in self.query(f"#{other.lower()}"):
                widget.display = other.lower() == name
        self._redraw_lines()
        panes = self.query_one(f"#{name}").query(f"{RowTable.__name__}, {Pane.__name__}")
        if panes:
            panes.first().focus()
        self.redraw_keys()

    async def action_back(self) -> None:
        """One layer out: zoom, filter, view, screen."""
        if self.query_one("#panes").has_class("-zoom"):
            self._zoom(None)
        elif self._view_index:
            await self.show_view(0)
        elif self.query_one(FilterBar).text:
            self.query_one(FilterBar).clear()
        else:
            self.tuner_app.close_live()


def _neighbour(name: str, feed: Feed) -> Widget:
    from tuner.tui.screens.neighbours import ConfigView, LogView

    return ConfigView(feed) if name == "config" else LogView(feed)
