"""The best trials of several sessions side by side."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.binding import Binding

from tuner.errors import TunerError
from tuner.session.contest import Contestant, best_first, best_of
from tuner.tui.feed import Feed
from tuner.tui.render.status import title_runs
from tuner.tui.render.styles import Run, Styles
from tuner.tui.screens.actions import SessionScreen
from tuner.tui.screens.picker import POLL
from tuner.tui.views.contest import ContestView
from tuner.tui.widgets.bars import DrawnLine, TooSmall
from tuner.tui.widgets.keybar import KeyBar


class SessionsContest(ContestView):
    """Sessions without a complete trial are left out, and the table says so."""

    HEADING = "Best trials"

    def __init__(self, feeds: Sequence[Feed]) -> None:
        super().__init__(id="compare")
        self._feeds = list(feeds)

    def contestants(self) -> Sequence[Contestant]:
        """The best of each session."""
        found: list[Contestant] = []
        for feed in self._feeds:
            try:
                found.append(best_of(feed.session, feed.view))
            except TunerError:
                continue
        return best_first(found) if found else []

    def empty_texts(self) -> tuple[str, ...]:
        """Who is lacking."""
        lacking = [feed.session.name for feed in self._feeds if feed.view.best is None]
        texts = ("The best trials of the marked sessions are compared here",)
        if not lacking:
            return (*texts, "two sessions are needed; esc goes back to mark others")
        return (*texts, f"no complete trial yet: {', '.join(lacking)}", "esc goes back")

    def leave_out(self, contestant: Contestant) -> None:
        """Go on without this session."""
        gone = contestant.session.name
        self._feeds = [feed for feed in self._feeds if feed.session.name != gone]
        self.show_everything()

    def sessions_are_compared(self) -> bool:
        """They are."""
        return True


class CompareSessionsScreen(SessionScreen):
    """One view, with the keys of a view; what the sessions log meanwhile is read on."""

    KEY_ORDER = (
        "compare.row",
        "compare.baseline",
        "compare.unmark",
        "compare.differing",
        "compare.rows",
        "view.zoom",
    )
    BINDINGS = [
        Binding("z", "zoom", "Zoom", id="view.zoom", tooltip="One pane alone, and back"),
        *(
            Binding(
                str(number),
                f"pane({number})",
                "Pane",
                key_display="1-4",
                show=number == 1,
                id=f"view.pane_{number}",
                tooltip="The pane with this number",
            )
            for number in range(1, 5)
        ),
        Binding("escape", "back", "Back", id="app.back", tooltip="One step back"),
    ]

    def __init__(self, feeds: Sequence[Feed]) -> None:
        super().__init__()
        self._feeds = list(feeds)

    def compose(self) -> ComposeResult:
        """Title, the view, the keys."""
        self.take_size()
        yield DrawnLine(self._title, id="title")
        yield SessionsContest(self._feeds)
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """The table has the keys."""
        self.query_one(SessionsContest).focus_first()
        self.set_interval(POLL, self._poll)

    def _poll(self) -> None:
        """Read on while somebody looks."""
        if not self.is_current:
            return
        changed = self.tuner_app.catalog.read()
        if not changed.isdisjoint(feed.session.name for feed in self._feeds):
            self.query_one(SessionsContest).show_everything()

    def target(self) -> Feed | None:
        """It is about several sessions, not about one."""
        return None

    def deleted(self, feed: Feed) -> None:
        """Nothing can be deleted here."""

    def _title(self, width: int, styles: Styles) -> list[Run]:
        count: list[Run] = [(f"{len(self._feeds)} marked ", styles.muted)]
        return title_runs(["sessions", "compare"], [], count, width, styles)

    def action_zoom(self) -> None:
        """The focused pane on the whole screen, or all panes again."""
        self.query_one(SessionsContest).toggle_zoom()

    def action_pane(self, number: int) -> None:
        """Focus a pane, in the narrow layout by its tab."""
        self.query_one(SessionsContest).focus_pane(number)

    def action_back(self) -> None:
        """Out of the zoom, then to the picker."""
        view = self.query_one(SessionsContest)
        if view.zoomed:
            view.zoom(None)
        else:
            self.app.pop_screen()
