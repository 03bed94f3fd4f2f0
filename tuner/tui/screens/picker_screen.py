"""All sessions of a folder."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Container
from textual.timer import Timer

from tuner.render.charts.learning_curves import draw_best_so_far
from tuner.render.renderable_lines import Lines
from tuner.render.session_summary import compact_summary_lines, session_summary_lines
from tuner.render.status_text import best_trial_text, gpu_title_runs, screen_title_runs
from tuner.render.styles import Styles, TextRun
from tuner.results import format as fmt
from tuner.tui.screens.session_screen import SessionScreen
from tuner.tui.state.session_catalog import SessionCatalog
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.widgets.drawn_line import DrawnLine, TooSmall
from tuner.tui.widgets.filter_bar import FilterBar
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles
from tuner.tui.widgets.row_table import RowTable
from tuner.tui.widgets.session_table import SessionTable

POLL_SECONDS = 0.2
FULL_SUMMARY_HEIGHT = 13
"""From this height on the summary has its ranges as bars."""


class SessionSummaryPane(Pane):
    """What the selected session is about and how far it is."""

    def __init__(self) -> None:
        super().__init__("Summary", id="summary")
        self.can_focus = False

    def content_lines(self, width: int, height: int) -> Lines:
        """Draw the full or the compact summary, depending on the height."""
        screen = self.screen
        reader = screen.target_reader() if isinstance(screen, PickerScreen) else None
        styles = theme_styles(self)
        if reader is None or not isinstance(screen, PickerScreen):
            return empty_state_lines(
                ("The summary of the selected session",), width, height, styles
            )
        draw = session_summary_lines if height >= FULL_SUMMARY_HEIGHT else compact_summary_lines
        return draw(reader, screen.tuner_app.clock(), width, styles)


class BestSoFarPane(Pane):
    """The best value so far of the selected session, as a staircase."""

    def __init__(self) -> None:
        super().__init__("Best so far", id="best")
        self.can_focus = False

    def content_lines(self, width: int, height: int) -> Lines:
        screen, styles = self.screen, theme_styles(self)
        reader = screen.target_reader() if isinstance(screen, PickerScreen) else None
        if reader and (lines := draw_best_so_far(reader.view, width, height, styles)):
            return lines
        texts = ("The best value so far", "grows here with complete trials")
        return empty_state_lines(texts, width, height, styles)


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
        key("n", "new", "sessions.new", "New", "A new session"),
        key("c", "clone", "sessions.clone", "Clone", "A draft with the same recipe", show=False),
        key("C", "compare", "sessions.compare", "Compare", "Compare the marked sessions"),
        key("/", "filter", "view.filter", "Filter", "Filter the sessions"),
        key("escape", "back", "app.back", "Back", "Take the filter off", show=False),
    ]

    def __init__(self, catalog: SessionCatalog) -> None:
        super().__init__()
        self._catalog = catalog
        self._polling_timers: list[Timer] = []

    def compose(self) -> ComposeResult:
        self.set_breakpoint_classes()
        yield DrawnLine(self._title_line, id="title")
        app = self.tuner_app
        yield SessionTable(
            lambda: list(self._catalog.readers.values()), app.displayed_state, app.clock
        )
        with Container(id="below"):
            yield SessionSummaryPane()
            yield BestSoFarPane()
        yield FilterBar("running rte")
        yield from self.first_use_hint("picker")
        yield self.make_key_bar()
        yield TooSmall()

    def on_mount(self) -> None:
        self.query_one(SessionTable).focus()

    def on_screen_resume(self) -> None:
        """Read at once, then again and again while the screen is on top."""
        self._stop_polling()
        self._polling_timers = [
            self.set_interval(POLL_SECONDS, self._read_sessions),
            self.set_interval(1.0, self._redraw_elapsed_times),
        ]
        self.call_after_refresh(self._read_sessions, redraw=True)

    def on_screen_suspend(self) -> None:
        """Stop reading: another screen is on top."""
        self._stop_polling()

    def _stop_polling(self) -> None:
        for timer in self._polling_timers:
            timer.stop()
        self._polling_timers = []

    def _read_sessions(self, *, redraw: bool = False) -> None:
        if not self.is_current:
            return
        table = self.query_one(SessionTable)
        changed = self._catalog.read_sessions(first=table.selected_key)
        table.is_all_read = True
        if changed or redraw:
            table.update_sessions()
            self._show_selected_session()

    def _redraw_elapsed_times(self) -> None:
        self.query_one(SessionTable).redraw_rows()
        self.query_one(SessionSummaryPane).redraw_content()

    def _show_selected_session(self) -> None:
        summary, best = self.query_one(SessionSummaryPane), self.query_one(BestSoFarPane)
        reader = self.target_reader()
        summary.heading = "Summary" if reader is None else reader.session.name
        summary.set_border_text(hint="" if reader is None else "enter opens")
        best.set_border_text(
            hint=best_trial_text(reader.view).removeprefix("best ") if reader else ""
        )
        summary.redraw_content()
        best.redraw_content()
        self.refresh_changed_keys()

    def session_state_changed(self) -> None:
        self.query_one(SessionTable).update_sessions()
        self._show_selected_session()

    def _title_line(self, width: int, styles: Styles) -> list[TextRun]:
        gpu = self.tuner_app.machine.latest_gpu_reading()
        gpu_runs = [*gpu_title_runs(gpu, width, styles), ("  ", styles.text)] if gpu else []
        room = max(width - 24 - sum(len(text) for text, _ in gpu_runs), 0)
        root = fmt.sanitize_text(self._catalog.root)
        right = [*gpu_runs, (root[-room:] + " " if room else "", styles.muted)]
        return screen_title_runs(["sessions"], [], right, width, styles)

    def target_reader(self) -> SessionReader | None:
        return self.query_one(SessionTable).selected_session() if self.is_mounted else None

    def leave_deleted_session(self, reader: SessionReader) -> None:
        self._catalog.forget_session(reader.session)
        self.query_one(SessionTable).update_sessions()
        self._show_selected_session()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse to clone without a session, and to compare without marked ones."""
        if action in ("clone",) and self.target_reader() is None:
            return False
        if action == "compare":
            return self.is_mounted and bool(self.query_one(SessionTable).marked_sessions())
        return super().check_action(action, parameters)

    def on_row_table_row_highlighted(self, event: RowTable.RowHighlighted) -> None:
        event.stop()
        self._show_selected_session()

    def on_row_table_row_opened(self, event: RowTable.RowOpened) -> None:
        event.stop()
        if reader := self.target_reader():
            self.tuner_app.open_session_view(reader)

    def on_filter_bar_changed(self, event: FilterBar.Changed) -> None:
        """Filter while typing."""
        self.query_one(SessionTable).filter_by_words(event.text)
        if event.is_closed:
            self.query_one(SessionTable).focus()

    def action_filter(self) -> None:
        self.query_one(FilterBar).open_for_typing()

    def action_new(self) -> None:
        self.tuner_app.open_new_session_screen()

    def action_clone(self) -> None:
        """Make a draft with the same recipe."""
        if reader := self.target_reader():
            self.tuner_app.clone_session(reader.session)

    def on_session_table_marks_changed(self) -> None:
        """Update the keys: there may be sessions to compare now, or none any more."""
        self.refresh_bindings()

    def action_compare(self) -> None:
        """Compare the best trials of the marked sessions."""
        from tuner.session.comparison import FEWEST_CANDIDATES, MOST_CANDIDATES
        from tuner.tui.screens.compare_sessions_screen import CompareSessionsScreen

        marked = self.query_one(SessionTable).marked_sessions()
        if FEWEST_CANDIDATES <= len(marked) <= MOST_CANDIDATES:
            self.app.push_screen(CompareSessionsScreen(marked))
        else:
            limits = f"{FEWEST_CANDIDATES} to {MOST_CANDIDATES} sessions can be compared"
            message = f"{limits}: {len(marked)} marked, space marks"
            self.tuner_app.notify_user(message, failed=True)

    def action_back(self) -> None:
        """Take the filter off."""
        if self.query_one(FilterBar).filter_text:
            self.query_one(FilterBar).clear_filter()
