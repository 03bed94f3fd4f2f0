"""One trial on the whole screen: tabs over one scope, and what can be asked for from here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget

from tuner.results import format as fmt
from tuner.results.format import plain
from tuner.session import commands
from tuner.session.status import ALIVE
from tuner.session.view import SessionState, TrialState, TrialView
from tuner.tui.feed import Feed
from tuner.tui.messages import RowsWished
from tuner.tui.render.errors import Cell
from tuner.tui.render.marks import state_text
from tuner.tui.render.status import title_runs
from tuner.tui.render.styles import Run, Styles
from tuner.tui.screens.trial_keys import KEY_ORDER, KEYS
from tuner.tui.screens.views import ViewsScreen
from tuner.tui.trial_scope import TrialScope
from tuner.tui.views.trial import ALL_TABS, NARROW, NARROW_NAMES, WIDE, OverviewTab, TrialTab
from tuner.tui.widgets.bars import Choice, DrawnLine, TooSmall, choice_runs
from tuner.tui.widgets.keybar import KeyBar
from tuner.tui.workspace import MOST_MARKS, Workspace

MARK = "◈"


class TrialScreen(ViewsScreen):
    """The detail of one trial; j and k go to its neighbours, ← and → through its evaluations."""

    VIEWS = WIDE
    KEY_ORDER: ClassVar[tuple[str, ...]] = KEY_ORDER
    BINDINGS = [*KEYS]

    def __init__(self, workspace: Workspace, number: int) -> None:
        super().__init__()
        self.workspace = workspace
        self.feed = workspace.feed
        self._first = number
        self._scope: TrialScope | None = None

    @property
    def scope(self) -> TrialScope:
        """What the panes are about."""
        if self._scope is None:
            self._scope = TrialScope(self.workspace, self._first, self.tuner_app.clock)
        return self._scope

    def compose(self) -> ComposeResult:
        """Title, tabs where the title has no room for them, the tab, the keys."""
        self.take_size()
        yield DrawnLine(self._title, id="title")
        yield Choice(NARROW_NAMES, hint="[ ] switch tab", id="trial-tabs")
        yield OverviewTab(self.scope)
        yield from self.hint("trial")
        yield KeyBar()
        yield TooSmall()

    def on_mount(self) -> None:
        """The first pane scrolls."""
        if view := self.view:
            view.focus_first()

    # The tabs

    @property
    def is_narrow(self) -> bool:
        """Whether panes are tabs."""
        return self.has_class("-narrow") or self.has_class("-low")

    @property
    def names(self) -> tuple[str, ...]:
        """The tabs that there are in this size."""
        return NARROW if self.is_narrow else WIDE

    def make_view(self, name: str) -> TrialTab:
        """A tab that was not looked at before."""
        return ALL_TABS[name](self.scope)

    def after_views(self) -> Widget:
        """Tabs are mounted before this."""
        return self.query_one(KeyBar)

    def view_changed(self) -> None:
        """The tab says which it is; it may have been made for another evaluation."""
        self.query_one("#trial-tabs", Choice).choose(self._view_index)
        self.query_one("#title", DrawnLine).redraw()
        if (view := self.view) and view.is_mounted:
            view.show_everything()

    async def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """A tab was clicked."""
        await self.show_view(event.index)

    async def action_pane(self, number: int) -> None:
        """Focus a pane; where the overview has no room for it, the tab that has it."""
        if self.view_name == "Overview" and self.is_narrow and number > 1:
            await self.show_view(min(number, 5) - 1)
        else:
            await super().action_pane(number)

    async def action_back(self) -> None:
        """One layer out: zoom, what is open in the tab, tab, screen."""
        view = self.view
        if view is not None and view.zoomed:
            view.zoom(None)
            view.step_back()
        elif view is not None and view.step_back():
            return
        elif self._view_index:
            await self.show_view(0)
        else:
            self.leave()

    async def on_resize(self, event: events.Resize) -> None:  # noqa: ARG002
        """Another size may have other tabs: the fourth is one or the other."""
        self.call_after_refresh(self._settle)

    async def _settle(self) -> None:
        if self.is_mounted and (self.view is None or not self.view.display):
            await self.show_view(self._view_index)

    async def on_rows_wished(self, event: RowsWished) -> None:
        """From a cell of the confusion matrix to its rows."""
        await self.show_rows(event.at, event.cell)

    async def show_rows(self, at: int, cell: Cell) -> None:
        """The rows of one cell of the confusion matrix, at one evaluation."""
        self.scope.narrow_to(at, cell)
        await self.open_view("Errors")

    # What the keys are about

    def target(self) -> Feed | None:
        """The session of the trial."""
        return self.feed

    def leave(self) -> None:
        """To the session."""
        self.app.pop_screen()

    def deleted(self, feed: Feed) -> None:
        """Nothing is left to show: the session's screen goes, too."""
        self.app.pop_screen()
        self.tuner_app.catalog.forget(feed.session)
        self.tuner_app.close_study()

    def marked(self) -> Sequence[int]:
        """In the order of marking."""
        return self.workspace.marks

    def copied_trial(self) -> TrialView | None:
        """This one."""
        return self.feed.view.trials.get(self.scope.number)

    def trials_changed(self, changed: Collection[int]) -> None:
        """Draw anew where this trial is among them, or one of its re-runs."""
        if self.scope.number in changed or any(self.scope.concerns(one) for one in changed):
            self._redraw()

    def session_stirred(self) -> None:
        """Other keys may apply."""
        self.redraw_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Pruning needs a trial that runs."""
        if action == "prune":
            trial = self.copied_trial()
            if trial is None or trial.state is not TrialState.RUNNING:
                return False
        if action in ("scrub", "mode", "against"):
            return bool(self.scope.trial.evaluations)
        return super().check_action(action, parameters)

    def _redraw(self) -> None:
        self.query_one("#title", DrawnLine).redraw()
        if view := self.view:
            view.show_everything()
        self.redraw_keys()

    def _title(self, width: int, styles: Styles) -> list[Run]:
        trial, view = self.scope.trial, self.feed.view
        best = trial.number == view.best
        word = state_text(view, trial)
        score = f" {fmt.score(trial.value)}" if trial.value is not None else ""
        mark = f"{MARK} " if trial.number in self.workspace.marks else ""
        right = [(mark, styles.accent), (f"{word}{score} ", styles.trial(trial.state, best=best))]
        tabs = [] if self.is_narrow else choice_runs(WIDE, self._view_index, styles)
        used = sum(cell_len(text) for text, _ in (*tabs, *right))
        return title_runs(self._path(width - used - 8), tabs, right, width, styles)

    def _path(self, room: int) -> list[str]:
        """The session's name gives way to the trial's number: its end stays, as far as it fits."""
        name, trial = plain(self.feed.session.name), f"trial {self.scope.number}"
        room -= cell_len("tuner ▸  ▸ ") + len(trial)
        if cell_len(name) <= room:
            return [name, trial]
        return [f"…{name[-(room - 1) :]}", trial] if room > 3 else [trial]

    # Moving

    def action_trial(self, step: int) -> None:
        """A neighbour among the trials that pass the filter."""
        if self.scope.go(step):
            for tab in self.query(TrialTab):
                tab.to_top()
            self._redraw()

    def action_scrub(self, step: int) -> None:
        """An earlier or later evaluation, in all panes."""
        self.scope.scrub(step)
        self._redraw()

    # How it is shown

    def action_mode(self) -> None:
        """Counts, percent of rows, percent of columns."""
        self.scope.next_mode()
        self._redraw()

    def action_against(self) -> None:
        """The difference with the best, then with each marked trial, then none."""
        before = self.scope.other
        self.scope.next_other()
        if self.scope.other is None and before is None:
            self.tuner_app.tell("nothing to compare with: space marks trials, or one is the best")
        self._redraw()

    def action_log(self) -> None:
        """Logarithmic y."""
        if isinstance(view := self.view, TrialTab):
            view.toggle_log()

    def action_drawn(self) -> None:
        """Train, eval or both."""
        self.scope.next_drawn()
        self._redraw()

    # What can be asked for

    def action_mark(self) -> None:
        """Mark for compare, or take the mark off."""
        if not self.workspace.toggle_mark(self.scope.number):
            self.tuner_app.tell(f"{MOST_MARKS} trials are marked: no more can be compared")
        self._redraw()

    def action_folder(self) -> None:
        """The path of the trial's folder into the clipboard."""
        folder = self.feed.session.trial_folder(self.scope.number)
        if not folder.is_dir():
            self.tuner_app.tell(f"{folder} is not there: the trial has left no files")
            return
        self.app.copy_to_clipboard(str(folder))
        self.tuner_app.tell(f"{folder} copied")

    def action_prune(self) -> None:
        """Ask, then prune."""
        if trial := self.copied_trial():
            self.prune(trial)

    def action_rerun(self) -> None:
        """The same values again; the worker picks a seed that they have not had."""
        number = self.scope.number
        command = commands.Enqueue(params={}, rerun_of=number)
        self._want(command, f"trial {number} again, on another seed")

    def action_enqueue(self) -> None:
        """A copy with other values."""
        from tuner.tui.screens.enqueue import EnqueueScreen

        number = self.scope.number

        def asked(params: dict[str, object] | None) -> None:
            if params:
                command = commands.Enqueue(params=params, copy_of=number)
                self._want(command, f"an edited copy of trial {number}")

        if self._takes_trials():
            self.app.push_screen(EnqueueScreen(self.feed, self.scope.trial), asked)

    def _takes_trials(self) -> bool:
        if self.state() is not SessionState.STOPPED:
            return True
        name = self.feed.session.name
        self.tuner_app.tell(f"{name} was stopped for good: it takes no more trials", failed=True)
        return False

    def _want(self, command: commands.Enqueue, what: str) -> None:
        """Send it now; where nobody is at work, say when it will be read."""
        if not self._takes_trials():
            return
        state = self.state()
        if state is SessionState.FINISHED:
            self.ask(
                f"Start {self.feed.session.name} for {what}?", lambda: self._start_for(command)
            )
            return
        self._send(command, self.feed)
        later = "next" if state in ALIVE else f"once the session goes on; it is {state.value}"
        self.tuner_app.tell(f"{what}: {later}")

    def _start_for(self, command: commands.Enqueue) -> None:
        self._send(command, self.feed)
        self.tuner_app.launch(self.feed.session)
