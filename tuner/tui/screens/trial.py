"""One trial on the whole screen."""

from __future__ import annotations

from collections.abc import Callable, Collection

from textual.app import ComposeResult
from textual.binding import Binding

from tuner.session.view import TrialState, TrialView
from tuner.tui.feed import Feed
from tuner.tui.render.confusion import Mode
from tuner.tui.render.lined import Lines
from tuner.tui.render.marks import trial_glyph
from tuner.tui.render.status import title_runs
from tuner.tui.render.styles import Run, Styles
from tuner.tui.render.trial import trial_lines
from tuner.tui.screens.actions import SessionScreen
from tuner.tui.widgets.bars import DrawnLine, TooSmall
from tuner.tui.widgets.keybar import KeyBar
from tuner.tui.widgets.lines import Pane, styles_of


class TrialPane(Pane):
    """What `tuner show` prints, kept up to date."""

    def __init__(self, feed: Feed, number: int, clock: Callable[[], float]) -> None:
        self.feed = feed
        self.trial = number
        self.mode: Mode = "counts"
        self._now = clock
        super().__init__(f"Trial {number}", id="trial")

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Everything about the trial."""
        now = self._now()
        return trial_lines(self.feed.view, self.trial, width, styles_of(self), now, self.mode)


class TrialScreen(SessionScreen):
    """The detail of one trial; j and k scroll, ← and → go to its neighbours."""

    KEY_ORDER = ("trial.next", "trial.percent", "session.copy", "session.export", "session.prune")
    BINDINGS = [
        Binding(
            "N,right,l",
            "trial(1)",
            "Trial",
            key_display="← →",
            id="trial.next",
            tooltip="The next trial",
        ),
        Binding(
            "B,left,h",
            "trial(-1)",
            "Trial",
            show=False,
            id="trial.previous",
            tooltip="The trial before",
        ),
        Binding("n", "percent", "Percent", id="trial.percent", tooltip="Counts, or row percent"),
        Binding("x", "prune", "Prune", id="session.prune", tooltip="Prune this trial (asks)"),
        Binding("y", "copy", "Copy", id="session.copy", tooltip="Copy the parameters as JSON"),
        Binding("escape", "back", "Back", id="app.back", tooltip="One step back"),
    ]

    def __init__(self, feed: Feed, number: int) -> None:
        super().__init__()
        self.feed = feed
        self._number = number

    def compose(self) -> ComposeResult:
        """Title, the trial, the keys."""
        self.take_size()
        yield DrawnLine(self._title, id="title")
        yield TrialPane(self.feed, self._number, self.tuner_app.clock)
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """Keys scroll."""
        self.query_one(TrialPane).focus()

    def target(self) -> Feed | None:
        """The session of the trial."""
        return self.feed

    def deleted(self, feed: Feed) -> None:
        """Nothing is left to show: the live view goes too."""
        self.app.pop_screen()
        self.tuner_app.catalog.forget(feed.session)
        self.tuner_app.close_study()

    def copied_trial(self) -> TrialView | None:
        """This one."""
        return self.feed.view.trials.get(self._number)

    def trials_changed(self, changed: Collection[int]) -> None:
        """Draw anew where this trial is among them."""
        if self._number in changed:
            self.query_one(TrialPane).redraw()
            self.query_one(DrawnLine).redraw()

    def session_stirred(self) -> None:
        """Other keys may apply."""
        self.redraw_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Pruning needs a trial that runs."""
        if action == "prune":
            trial = self.copied_trial()
            if trial is None or trial.state is not TrialState.RUNNING:
                return False
        return super().check_action(action, parameters)

    def _title(self, width: int, styles: Styles) -> list[Run]:
        view = self.feed.view
        trial = view.trials[self._number]
        best = self._number == view.best
        word = f"{trial_glyph(trial, best=best)} {'best' if best else trial.state.value} "
        path = [self.feed.session.name, f"trial {self._number}"]
        return title_runs(path, [], [(word, styles.trial(trial.state, best=best))], width, styles)

    def action_trial(self, step: int) -> None:
        """A neighbour by number."""
        numbers = sorted(self.feed.view.trials)
        at = min(max(numbers.index(self._number) + step, 0), len(numbers) - 1)
        self._number = numbers[at]
        pane = self.query_one(TrialPane)
        pane.trial = self._number
        pane.heading = f"Trial {self._number}"
        pane.entitle()
        pane.redraw()
        pane.scroll_home(animate=False)
        self.query_one(DrawnLine).redraw()
        self.redraw_keys()

    def action_percent(self) -> None:
        """Counts or percent in the confusion matrix."""
        pane = self.query_one(TrialPane)
        pane.mode = "counts" if pane.mode == "row" else "row"
        pane.redraw()

    def action_prune(self) -> None:
        """Ask, then prune."""
        if trial := self.copied_trial():
            self.prune(trial)

    def action_back(self) -> None:
        """To the live view."""
        self.app.pop_screen()
