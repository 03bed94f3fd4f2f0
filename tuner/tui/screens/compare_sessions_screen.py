"""The best trials of several sessions side by side."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult

from tuner.errors import TunerError
from tuner.render.status_text import screen_title_runs
from tuner.render.styles import Styles, TextRun
from tuner.session.comparison import Candidate, best_candidate, with_best_first
from tuner.tui.screens.picker_screen import POLL_SECONDS
from tuner.tui.screens.views_screen import ViewsScreen
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.views.comparison_view import ComparisonView
from tuner.tui.widgets.drawn_line import DrawnLine, TooSmall
from tuner.tui.widgets.key_bindings import key


class SessionComparisonView(ComparisonView):
    """The best trials of several sessions; those without any are left out and named."""

    HEADING = "Best trials"

    def __init__(self, readers: Sequence[SessionReader]) -> None:
        super().__init__(id="compare")
        self._readers = list(readers)

    def comparison_candidates(self) -> Sequence[Candidate]:
        candidates: list[Candidate] = []
        for reader in self._readers:
            try:
                candidates.append(best_candidate(reader.session, reader.view))
            except TunerError:
                continue
        return with_best_first(candidates) if candidates else []

    def empty_table_texts(self) -> tuple[str, ...]:
        unfinished_names = [
            reader.session.name for reader in self._readers if reader.view.best is None
        ]
        texts = ("The best trials of the marked sessions are compared here",)
        if not unfinished_names:
            return (*texts, "it takes two sessions; esc goes back to mark another")
        return (*texts, f"no complete trial yet: {', '.join(unfinished_names)}", "esc goes back")

    def remove_candidate(self, candidate: Candidate) -> None:
        removed_name = candidate.session.name
        self._readers = [reader for reader in self._readers if reader.session.name != removed_name]
        self.show_everything()

    def compares_sessions(self) -> bool:
        return True


class CompareSessionsScreen(ViewsScreen):
    """The best trials of sessions; it follows what the sessions log meanwhile."""

    VIEWS = ("Compare",)
    KEY_ORDER = (
        "compare.row",
        "compare.baseline",
        "compare.unmark",
        "compare.differing",
        "compare.rows",
        "view.zoom",
    )
    BINDINGS = [key("escape", "back", "app.back", "Back", "One step back")]

    def __init__(self, readers: Sequence[SessionReader]) -> None:
        super().__init__()
        self._readers = list(readers)

    def compose(self) -> ComposeResult:
        self.set_breakpoint_classes()
        yield DrawnLine(self._title_line, id="title")
        yield SessionComparisonView(self._readers)
        yield self.make_key_bar()
        yield TooSmall()

    def on_mount(self) -> None:
        self.query_one(SessionComparisonView).focus_first_pane()
        self.set_interval(POLL_SECONDS, self._read_sessions)

    def _read_sessions(self) -> None:
        """Read new events while the screen is on top."""
        if not self.is_current:
            return
        changed_names = self.tuner_app.catalog.read_sessions()
        if not changed_names.isdisjoint(reader.session.name for reader in self._readers):
            self.query_one(SessionComparisonView).show_everything()

    def leave_screen(self) -> None:
        self.app.pop_screen()

    def _title_line(self, width: int, styles: Styles) -> list[TextRun]:
        count: list[TextRun] = [(f"{len(self._readers)} marked ", styles.muted)]
        return screen_title_runs(["sessions", "compare"], [], count, width, styles)
