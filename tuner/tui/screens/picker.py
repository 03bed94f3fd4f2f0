"""All sessions of a folder."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container
from textual.timer import Timer

from tuner.results import format as fmt
from tuner.tui.catalog import Catalog
from tuner.tui.charts.curves import best_so_far, draw_best
from tuner.tui.feed import Feed
from tuner.tui.render.lined import Lines
from tuner.tui.render.sessions import compact_lines, summary_lines
from tuner.tui.render.status import best_text, gpu_title_runs, title_runs
from tuner.tui.render.styles import Run, Styles
from tuner.tui.screens.actions import SessionScreen
from tuner.tui.widgets.bars import DrawnLine, TooSmall
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.keybar import KeyBar
from tuner.tui.widgets.lines import Pane, centred, styles_of
from tuner.tui.widgets.rows import RowTable
from tuner.tui.widgets.session_table import SessionTable

POLL = 0.2
ROOMY = 13
"""From this height on the summary has its ranges as bars."""


class SummaryPane(Pane):
    """What the selected session is about and how far it is."""

    def __init__(self) -> None:
        super().__init__("Summary", id="summary")
        self.can_focus = False

    def lines(self, width: int, height: int) -> Lines:
        """Full or compact, as the height is."""
        screen = self.screen
        feed = screen.target() if isinstance(screen, PickerScreen) else None
        styles = styles_of(self)
        if feed is None or not isinstance(screen, PickerScreen):
            return centred(("The selected session is summed up here",), width, height, styles)
        draw = summary_lines if height >= ROOMY else compact_lines
        return draw(feed, screen.tuner_app.clock(), width, styles)


class BestPane(Pane):
    """The best value so far of the selected session."""

    def __init__(self) -> None:
        super().__init__("Best so far", id="best")
        self.can_focus = False

    def lines(self, width: int, height: int) -> Lines:
        """A staircase."""
        screen, styles = self.screen, styles_of(self)
        feed = screen.target() if isinstance(screen, PickerScreen) else None
        points = best_so_far(feed.view) if feed else []
        if not points:
            texts = ("The best value so far", "grows here with complete trials")
            return centred(texts, width, height, styles)
        return draw_best(points, width, height, styles)


class PickerScreen(SessionScreen):
    """A table of sessions above the summary of the selected one."""

    KEY_ORDER = (
        "sessions.compare",
        "sessions.open",
        "sessions.new",
        "session.edit",
        "session.start",
        "session.pause",
        "session.resume",
        "session.drain",
        "sessions.clone",
        "view.filter",
        "session.export",
        "session.stop",
    )
    BINDINGS = [
        Binding("n", "new", "New", id="sessions.new", tooltip="A new session"),
        Binding(
            "c",
            "clone",
            "Clone",
            show=False,
            id="sessions.clone",
            tooltip="A draft with the same recipe",
        ),
        Binding(
            "C",
            "compare",
            "Compare",
            id="sessions.compare",
            tooltip="Compare the best trials of the marked sessions",
        ),
        Binding("slash", "filter", "Filter", id="view.filter", tooltip="Filter the sessions"),
        Binding("escape", "back", "Back", show=False, id="app.back", tooltip="Take the filter off"),
    ]

    def __init__(self, catalog: Catalog) -> None:
        super().__init__()
        self._catalog = catalog
        self._polling: list[Timer] = []

    def compose(self) -> ComposeResult:
        """Title, table, summary and chart, keys."""
        self.take_size()
        yield DrawnLine(self._title, id="title")
        app = self.tuner_app
        yield SessionTable(lambda: list(self._catalog.feeds.values()), app.state_of, app.clock)
        with Container(id="below"):
            yield SummaryPane()
            yield BestPane()
        yield FilterBar("running rte")
        yield from self.hint("picker")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """The table has the keys."""
        self.query_one(SessionTable).focus()

    def on_screen_resume(self) -> None:
        """Somebody looks again: read at once, then on and on."""
        self._stop()
        self._polling = [self.set_interval(POLL, self._poll), self.set_interval(1.0, self._tick)]
        self.call_after_refresh(self._poll, redraw=True)

    def on_screen_suspend(self) -> None:
        """Nobody looks: nothing is read."""
        self._stop()

    def _stop(self) -> None:
        for timer in self._polling:
            timer.stop()
        self._polling = []

    def _poll(self, *, redraw: bool = False) -> None:
        if not self.is_current:
            return
        table = self.query_one(SessionTable)
        changed = self._catalog.read(first=table.selected)
        table.all_read = True
        if changed or redraw:
            table.sessions_changed()
            self._show_selected()

    def _tick(self) -> None:
        self.query_one(SessionTable).forget()
        self.query_one(SummaryPane).redraw()

    def _show_selected(self) -> None:
        summary, best = self.query_one(SummaryPane), self.query_one(BestPane)
        feed = self.target()
        summary.heading = "Summary" if feed is None else feed.session.name
        summary.entitle(hint="" if feed is None else "enter opens")
        best.entitle(hint=best_text(feed.view).removeprefix("best ") if feed else "")
        summary.redraw()
        best.redraw()
        self.redraw_keys()

    def session_stirred(self) -> None:
        """A worker is being started, or could not be."""
        self.query_one(SessionTable).sessions_changed()
        self._show_selected()

    def _title(self, width: int, styles: Styles) -> list[Run]:
        gpu = self.tuner_app.machine.any_gpu()
        shown = [*gpu_title_runs(gpu, width, styles), ("  ", styles.text)] if gpu else []
        room = max(width - 24 - sum(len(text) for text, _ in shown), 0)
        root = fmt.plain(self._catalog.root)
        right = [*shown, (root[-room:] + " " if room else "", styles.muted)]
        return title_runs(["sessions"], [], right, width, styles)

    def target(self) -> Feed | None:
        """The session under the cursor."""
        return self.query_one(SessionTable).feed() if self.is_mounted else None

    def deleted(self, feed: Feed) -> None:
        """Its row goes."""
        self._catalog.forget(feed.session)
        self.query_one(SessionTable).sessions_changed()
        self._show_selected()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Opening and cloning need a session."""
        if action in ("clone",) and self.target() is None:
            return False
        if action == "compare":
            return self.is_mounted and bool(self.query_one(SessionTable).marked())
        return super().check_action(action, parameters)

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        """Sum up another session."""
        event.stop()
        self._show_selected()

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        """Its live view."""
        event.stop()
        if feed := self.target():
            self.tuner_app.open_feed(feed)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Live."""
        self.query_one(SessionTable).filter_by(event.text)
        if event.closed:
            self.query_one(SessionTable).focus()

    def action_filter(self) -> None:
        """Open the filter's line."""
        self.query_one(FilterBar).open()

    def action_new(self) -> None:
        """The first screen of a new session."""
        self.tuner_app.new_session()

    def action_clone(self) -> None:
        """A draft with the same recipe."""
        if feed := self.target():
            self.tuner_app.clone(feed.session)

    def on_session_table_marks_changed(self) -> None:
        """There may be something to compare."""
        self.refresh_bindings()

    def action_compare(self) -> None:
        """The best trials of the marked sessions side by side."""
        from tuner.session.contest import FEWEST, MOST
        from tuner.tui.screens.compare_sessions import CompareSessionsScreen

        marked = self.query_one(SessionTable).marked()
        if FEWEST <= len(marked) <= MOST:
            self.app.push_screen(CompareSessionsScreen(marked))
        else:
            said = f"{FEWEST} to {MOST} sessions can be compared: {len(marked)} marked, space marks"
            self.tuner_app.tell(said, failed=True)

    def action_back(self) -> None:
        """The filter is the only layer."""
        if self.query_one(FilterBar).text:
            self.query_one(FilterBar).clear()
