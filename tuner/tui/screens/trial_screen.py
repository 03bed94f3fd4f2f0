"""One trial on the whole screen: tabs over one scope, and what can be asked for from here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.app import ComposeResult

from tuner.render.misclassified import MatrixCell
from tuner.render.state_marks import trial_state_text
from tuner.render.status_text import screen_title_runs
from tuner.render.styles import Styles, TextRun
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.session import commands
from tuner.session.lifecycle import reason_not_allowed
from tuner.session.view import ALIVE_STATES, SessionState, TrialState, TrialView
from tuner.tui.screens.session_screen import SessionScreen
from tuner.tui.screens.trial_screen_keys import KEY_ORDER, TRIAL_BINDINGS
from tuner.tui.screens.views_screen import ViewsScreen
from tuner.tui.shell.messages import RowsRequested
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.state.trial_scope import TrialScope
from tuner.tui.state.workspace import MAX_MARKS, Workspace
from tuner.tui.views.base_view import View
from tuner.tui.views.trial_tabs import (
    ALL_TABS,
    NARROW_TAB_TITLES,
    NARROW_TABS,
    WIDE_TABS,
    OverviewTab,
    TrialTab,
)
from tuner.tui.widgets.drawn_line import Choice, DrawnLine, TooSmall, runs_of_choices

MARK_SYMBOL = "◈"


class TrialScreen(ViewsScreen, SessionScreen):
    """The detail of one trial; j and k go to its neighbours, ← and → through its evaluations."""

    VIEWS = WIDE_TABS
    KEY_ORDER: ClassVar[tuple[str, ...]] = KEY_ORDER
    BINDINGS = [*TRIAL_BINDINGS]

    def __init__(self, workspace: Workspace, number: int) -> None:
        super().__init__()
        self.workspace = workspace
        self.reader = workspace.reader
        self._first_trial = number
        self._scope: TrialScope | None = None

    @property
    def scope(self) -> TrialScope:
        if self._scope is None:
            self._scope = TrialScope(self.workspace, self._first_trial, self.tuner_app.clock)
        return self._scope

    def compose(self) -> ComposeResult:
        self.set_breakpoint_classes()
        yield DrawnLine(self._title_line, id="title")
        yield Choice(NARROW_TAB_TITLES, hint="[ ] switch tab", id="trial-tabs")
        yield OverviewTab(self.scope)
        yield from self.first_use_hint("trial")
        yield self.make_key_bar()
        yield TooSmall()

    def on_mount(self) -> None:
        if view := self.current_view:
            view.focus_first_pane()

    # The tabs

    @property
    def is_narrow(self) -> bool:
        """Whether panes are tabs."""
        return self.has_class("-narrow") or self.has_class("-low")

    @property
    def view_names(self) -> tuple[str, ...]:
        """The tabs that there are in this size."""
        return NARROW_TABS if self.is_narrow else WIDE_TABS

    def create_view(self, name: str) -> TrialTab:
        return ALL_TABS[name](self.scope)

    def after_view_switch(self) -> None:
        """Update the tab: it may have been drawn for another evaluation."""
        self.query_one("#trial-tabs", Choice).show_as_chosen(self._view_index)
        self.query_one("#title", DrawnLine).redraw_content()
        if (view := self.current_view) and view.is_mounted:
            view.show_everything()

    async def on_choice_chosen(self, event: Choice.Chosen) -> None:
        await self.show_view_at(event.index)

    async def action_pane(self, number: int) -> None:
        """Focus a pane; where the overview has no room for it, show the tab that has it."""
        if self.view_name == "Overview" and self.is_narrow and number > 1:
            await self.show_view_at(min(number, 5) - 1)
        else:
            await super().action_pane(number)

    def leave_zoom(self, view: View) -> None:
        """Leave the zoom, and the text of a row that was zoomed, too."""
        view.zoom_pane(None)
        view.close_inner_layer()

    async def on_resize(self) -> None:
        """Change the tab where the new size has another one in its place."""
        self.call_after_refresh(self._show_existing_tab)

    async def _show_existing_tab(self) -> None:
        if self.is_mounted and (self.current_view is None or not self.current_view.display):
            await self.show_view_at(self._view_index)

    async def on_rows_requested(self, event: RowsRequested) -> None:
        await self.show_rows_of_cell(event.evaluation, event.cell)

    async def show_rows_of_cell(self, evaluation_index: int, cell: MatrixCell) -> None:
        """Show the rows of one cell of the confusion matrix, at one evaluation."""
        self.scope.narrow_to_cell(evaluation_index, cell)
        await self.show_view_named("Errors")

    # What the keys are about

    def target_reader(self) -> SessionReader | None:
        return self.reader

    def leave_screen(self) -> None:
        self.app.pop_screen()

    def leave_deleted_session(self, reader: SessionReader) -> None:
        """Leave the trial and the session, which is gone."""
        self.app.pop_screen()
        self.tuner_app.catalog.forget_session(reader.session)
        self.tuner_app.return_to_picker()

    def marked_trials(self) -> Sequence[int]:
        """Return the marked trials in the order of marking."""
        return self.workspace.marks

    def current_trial(self) -> TrialView | None:
        return self.reader.view.trials.get(self.scope.number)

    def trials_changed(self, changed: Collection[int]) -> None:
        """Redraw if this trial, its reference or one of its re-runs changed."""
        if self.scope.number in changed or any(
            self.scope.involves_trial(number) for number in changed
        ):
            self._redraw_screen()

    def session_state_changed(self) -> None:
        self.refresh_changed_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Refuse to prune a trial that does not run, and to step through no evaluations."""
        if action == "prune":
            trial = self.current_trial()
            if trial is None or trial.state is not TrialState.RUNNING:
                return False
        if action in ("scrub", "cycle_mode", "cycle_reference"):
            return bool(self.scope.trial.evaluations)
        return super().check_action(action, parameters)

    def _redraw_screen(self) -> None:
        self.query_one("#title", DrawnLine).redraw_content()
        if view := self.current_view:
            view.show_everything()
        self.refresh_changed_keys()

    def _title_line(self, width: int, styles: Styles) -> list[TextRun]:
        trial, view = self.scope.trial, self.reader.view
        is_best = trial.number == view.best
        state_word = trial_state_text(view, trial)
        score = f" {fmt.format_score(trial.value)}" if trial.value is not None else ""
        mark = f"{MARK_SYMBOL} " if trial.number in self.workspace.marks else ""
        right = [
            (mark, styles.accent),
            (f"{state_word}{score} ", styles.trial_style(trial.state, best=is_best)),
        ]
        tabs = [] if self.is_narrow else runs_of_choices(WIDE_TABS, self._view_index, styles)
        used_width = sum(cell_len(text) for text, _ in (*tabs, *right))
        return screen_title_runs(
            self._fitted_title_path(width - used_width - 8), tabs, right, width, styles
        )

    def _fitted_title_path(self, room: int) -> list[str]:
        """Return session and trial; a name that does not fit keeps its end."""
        name, trial = sanitize_text(self.reader.session.name), f"trial {self.scope.number}"
        room -= cell_len("tuner ▸  ▸ ") + len(trial)
        if cell_len(name) <= room:
            return [name, trial]
        return [f"…{name[-(room - 1) :]}", trial] if room > 3 else [trial]

    # Moving

    def action_show_neighbour(self, step: int) -> None:
        """Go to a neighbour among the trials that match the filter."""
        if self.scope.show_neighbour(step):
            for tab in self.query(TrialTab):
                tab.scroll_to_top()
            self._redraw_screen()

    def action_scrub(self, step: int) -> None:
        """Show an earlier or later evaluation in all panes."""
        self.scope.step_evaluation(step)
        self._redraw_screen()

    # How it is shown

    def action_cycle_mode(self) -> None:
        """Switch between counts, percent of rows and percent of columns."""
        self.scope.cycle_matrix_mode()
        self._redraw_screen()

    def action_cycle_reference(self) -> None:
        """Show the difference with the best, then with each marked trial, then none."""
        previous_other = self.scope.compared_number
        self.scope.cycle_compared_trial()
        if self.scope.compared_number is None and previous_other is None:
            self.tuner_app.notify_user(
                "nothing to compare with: mark another trial with space first"
            )
        self._redraw_screen()

    def action_toggle_log_scale(self) -> None:
        if isinstance(view := self.current_view, TrialTab):
            view.toggle_log_scale()

    def action_cycle_curves(self) -> None:
        """Draw the training curve, the evaluation curve or both."""
        self.scope.cycle_drawn_curves()
        self._redraw_screen()

    # What can be asked for

    def action_toggle_mark(self) -> None:
        if not self.workspace.toggle_trial_mark(self.scope.number):
            self.tuner_app.notify_user(f"{MAX_MARKS} trials are marked already: space unmarks one")
        self._redraw_screen()

    def action_copy_folder_path(self) -> None:
        """Copy the path of the trial's folder to the clipboard."""
        folder = self.reader.session.trial_folder(self.scope.number)
        if not folder.is_dir():
            self.tuner_app.notify_user(f"{folder} does not exist: the trial left no files")
            return
        self.app.copy_to_clipboard(str(folder))
        self.tuner_app.notify_user(f"copied {folder}")

    def action_prune(self) -> None:
        """Ask, then prune."""
        if trial := self.current_trial():
            self.confirm_and_prune(trial)

    def action_rerun(self) -> None:
        """Enqueue the same values again; the worker picks a seed that they have not had."""
        number = self.scope.number
        command = commands.Enqueue(params={}, rerun_of=number)
        self._enqueue_trial(command, f"trial {number} again, on another seed")

    def action_enqueue(self) -> None:
        """Ask for other values and enqueue a trial with them."""
        from tuner.tui.screens.enqueue_screen import EnqueueScreen

        number = self.scope.number

        def enqueue_copy(params: dict[str, object] | None) -> None:
            if params:
                command = commands.Enqueue(params=params, copy_of=number)
                self._enqueue_trial(command, f"an edited copy of trial {number}")

        if self._accepts_new_trials():
            self.app.push_screen(EnqueueScreen(self.reader, self.scope.trial), enqueue_copy)

    def _accepts_new_trials(self) -> bool:
        name, state = self.reader.session.name, self.session_state()
        reason = reason_not_allowed("enqueue", name, state)
        if reason:
            self.tuner_app.notify_user(reason, failed=True)
        return not reason

    def _enqueue_trial(self, command: commands.Enqueue, description: str) -> None:
        """Send the command; where no worker runs, say when it will be read."""
        if not self._accepts_new_trials():
            return
        state = self.session_state()
        if state is SessionState.FINISHED:
            self.request_confirmation(
                f"Start {self.reader.session.name} for {description}?",
                lambda: self._start_with_command(command),
            )
            return
        self._send_command(command, self.reader)
        when = "next" if state in ALIVE_STATES else f"once the session resumes; it is {state.value}"
        self.tuner_app.notify_user(f"{description}: {when}")

    def _start_with_command(self, command: commands.Enqueue) -> None:
        self._send_command(command, self.reader)
        self.tuner_app.launch_worker(self.reader.session)
