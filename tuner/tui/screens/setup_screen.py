"""The setup screen: a session's recipe, edited in panes, with its TOML beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from textual.app import ComposeResult

from tuner.errors import TunerError
from tuner.recipe.range_edits import Ends
from tuner.recipe.types import GroupSpec, Recipe
from tuner.render.status_text import screen_title_runs
from tuner.render.styles import Styles, TextRun
from tuner.session.folder import Session
from tuner.tui.screens.views_screen import PANE_KEYS, ViewsScreen
from tuner.tui.setup.checks_pane import CheckLine
from tuner.tui.setup.draft_controller import DraftController
from tuner.tui.setup.estimate import Measurement, estimate_lines, first_measurement
from tuner.tui.setup.field_list import FieldList
from tuner.tui.setup.fields import FieldValue, FormField
from tuner.tui.setup.groups_pane import GroupsPane
from tuner.tui.setup.inspection import (
    ChecksFinished,
    Inspection,
    ModelDescribed,
    Services,
    StartEnded,
    ThreadFailed,
    model_cache_key,
)
from tuner.tui.setup.parameters import ParametersScreen
from tuner.tui.setup.prompt import Prompt
from tuner.tui.setup.row_list import InputRefused
from tuner.tui.setup.session_history import SessionHistory
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.shell.external_editor import edit_in_terminal
from tuner.tui.shell.messages import StartRequested
from tuner.tui.views.setup_view import SetupView
from tuner.tui.widgets.drawn_line import DrawnLine, TooSmall
from tuner.tui.widgets.key_bindings import key

GROUPS_PANE_NUMBER = 2
CHECK_TIP = "Check model, data and disk, and test a step"


class SetupScreen(ViewsScreen):
    """Edits one session's recipe.

    `controller` holds the draft, `inspection` what background threads found out about it; the view
    shows both and asks for edits.
    """

    VIEWS = ("Setup",)
    AUTO_FOCUS = ""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny-width"), (60, "-narrow"), (110, "-wide")]
    VERTICAL_BREAKPOINTS = [(0, "-tiny-height"), (16, "-low"), (34, "-high")]
    KEY_ORDER = (
        "groups.type",
        "fields.type",
        "fields.toggle",
        "setup.save",
        "setup.start",
        "setup.undo",
        "groups.fix",
        "groups.freeze",
        "setup.editor",
    )
    BINDINGS = [
        key("ctrl+s", "save", "setup.save", "Save", "Save recipe.toml and check it"),
        key("ctrl+r", "start", "setup.start", "Start", "Save and start the study"),
        key("u", "undo", "setup.undo", "Undo", "Undo the last edit"),
        key("ctrl+y", "redo", "setup.redo", "Redo", "Redo the last undone edit", show=False),
        key("ctrl+e", "editor", "setup.editor", "Editor", "Open in $EDITOR"),
        key("c", "check", "setup.check", "Check", CHECK_TIP, show=False),
        key("escape", "back", "app.back", "Back", "Leave (asks if unsaved)"),
        key("z", "zoom", "view.zoom", "Zoom", "Zoom the pane, and back", show=False),
        replace(PANE_KEYS[0], show=False),
        key("tab", "next_pane(1)", "setup.next", "Pane", "Next pane", show=False),
        key("shift+tab", "next_pane(-1)", "setup.previous", "Pane", "Previous pane", show=False),
        key("]", "next_pane(1)", "view.next", "Tab", "Next tab", show=False),
        key("[", "next_pane(-1)", "view.previous", "Tab", "Previous tab", show=False),
        key("q,ctrl+q", "leave", "setup.leave", "Leave", "Leave the screens", show=False),
    ]

    def __init__(
        self,
        session: Session,
        proposed: Mapping[str, Ends] | None = None,
        *,
        history: SessionHistory | None = None,
        services: Services | None = None,
        edit_text: Callable[..., str] = edit_in_terminal,
    ) -> None:
        """Open a session's recipe; `proposed` are other range ends by flat name, the first edit."""
        super().__init__()
        self.controller = DraftController(session, history or SessionHistory.from_session(session))
        self.inspection = Inspection(services or Services(), self)
        self._proposed = proposed or {}
        self._measurements: dict[str, Measurement | None] = {}
        self._edit_text = edit_text

    def compose(self) -> ComposeResult:
        self.set_breakpoint_classes()
        yield DrawnLine(self._draw_title, id="title")
        yield SetupView(self.commit_field_value, self.commit_groups)
        yield StatusLine()
        yield from self.first_use_hint("setup")
        yield self.make_key_bar()
        yield TooSmall()

    @property
    def setup_view(self) -> SetupView:
        return self.query_one(SetupView)

    @property
    def status_line(self) -> StatusLine:
        return self.query_one(StatusLine)

    def on_mount(self) -> None:
        self.setup_view.show_history(self.controller.history)
        self.setup_view.focus_pane_number(GROUPS_PANE_NUMBER)
        self.refresh_draft()
        if self.controller.refusal:
            self.status_line.show_error(self.controller.refusal)
            return
        if self._proposed:
            self._edit_or_refuse(lambda: self.controller.narrow_ranges(self._proposed))
        self._request_checks()

    # Showing the draft

    def refresh_draft(self) -> None:
        """Show the draft as it is now, and ask for what is not known about it yet."""
        draft, recipe = self.controller.draft, self.controller.recipe
        self.setup_view.recipe_preview.show_recipe(draft.recipe_text, draft.saved_text)
        if recipe is not None:
            rows, estimates = self._trained_rows(), self._estimate_lines(recipe)
            self.setup_view.show_recipe_values(recipe, self.inspection, rows, estimates)
            self.inspection.request_model(recipe)
        self.refresh_title_and_checks()

    def refresh_title_and_checks(self) -> None:
        outdated = self.inspection.is_outdated(self.controller.draft.recipe_text)
        note = "outdated · c checks again" if outdated else ""
        self.setup_view.checks_pane.show_findings(self._check_lines(), note)
        self.query_one("#title", DrawnLine).redraw_content()

    def _check_lines(self) -> list[CheckLine]:
        recipe, problem = self.controller.recipe, self.controller.draft.problem
        if problem:
            return [CheckLine("error", problem)]
        if recipe is None:
            return []
        forecast = self.controller.history.start_forecast(recipe)
        lines = [CheckLine("hint", forecast)] if forecast else []
        return [*lines, *self.inspection.status_lines(recipe)]

    def _trained_rows(self) -> int | None:
        """Return the training rows of the session's trials, None where there are none."""
        return self.controller.history.view.rows.get("train")

    def _estimate_lines(self, recipe: Recipe) -> list[str]:
        """Estimate time and memory from trials of the same model, here or in other sessions."""
        key_of_model, view = model_cache_key(recipe), self.controller.history.view
        if key_of_model not in self._measurements:
            other_views = [reader.view for reader in self.tuner_app.catalog.readers.values()]
            self._measurements[key_of_model] = first_measurement([view, *other_views], recipe)
        rows = self.inspection.hint_context(recipe, self._trained_rows()).rows
        return estimate_lines(recipe, view, self._measurements[key_of_model], rows)

    def _draw_title(self, width: int, styles: Styles) -> list[TextRun]:
        path = [self.controller.session.name, "setup"]
        state = (f"{self.controller.state_text} ", styles.muted)
        return screen_title_runs(path, [], [state], width, styles)

    # Editing

    def commit_field_value(self, field: FormField, value: FieldValue) -> None:
        """Write one field; TunerError where the recipe would be invalid."""
        self._apply_and_show_edit(lambda: self.controller.set_field(field, value))

    def commit_groups(self, groups: tuple[GroupSpec, ...], edit_name: str, drag_id: str) -> None:
        """Write the groups; TunerError where a parameter would be in no group or in two."""
        recipe = self.controller.recipe
        if recipe is not None and not self.inspection.partition(recipe.groups, recipe).problem:
            problem = self.inspection.partition(groups, recipe).problem
            if problem:
                raise TunerError(problem)
        self._apply_and_show_edit(lambda: self.controller.set_groups(groups, edit_name, drag_id))

    def _apply_and_show_edit(self, edit: Callable[[], str]) -> None:
        """Edit the draft, then show it and what was done, unless nothing has changed."""
        previous_text = self.controller.draft.recipe_text
        done = edit()
        if self.controller.draft.recipe_text != previous_text:
            self.refresh_draft()
            problem = self.controller.draft.problem
            self.status_line.show_message(problem or done, "wrong" if problem else "good")
            self._repeat_outdated_checks()

    def _edit_or_refuse(self, edit: Callable[[], str]) -> None:
        """Edit the draft; where that is refused, say why."""
        try:
            self._apply_and_show_edit(edit)
        except TunerError as error:
            self.status_line.show_error(str(error))

    def action_undo(self) -> None:
        self._edit_or_refuse(self.controller.undo_last_edit)

    def action_redo(self) -> None:
        self._edit_or_refuse(self.controller.redo_last_edit)

    def action_editor(self) -> None:
        """Edit the text in the user's own editor, as one step of undo."""
        self._edit_or_refuse(
            lambda: self.controller.edit_whole_text(lambda text: self._edit_text(self.app, text))
        )

    def on_input_refused(self, event: InputRefused) -> None:
        self.status_line.show_error(event.reason)

    def on_field_list_selected(self, event: FieldList.Selected) -> None:
        self.status_line.show_help(event.field.help_line, moved=event.moved)

    def on_groups_pane_parameters_requested(self, event: GroupsPane.ParametersRequested) -> None:
        """List every parameter with its group and its rate, over the screen."""
        event.stop()
        recipe = self.controller.recipe
        partition = None if recipe is None else self.inspection.partition(recipe.groups, recipe)
        if recipe is None or partition is None or not partition.resolved:
            problem = "" if partition is None else partition.problem
            self.status_line.show_error(problem or "the model is not read yet")
        else:
            self.app.push_screen(ParametersScreen(recipe.groups, partition.resolved))

    # The model and the data

    def action_check(self) -> None:
        """Check the recipe as it is now, saved or not, and test a step with it."""
        self._request_checks(rehearse=True)

    def _request_checks(self, *, rehearse: bool = False) -> None:
        draft = self.controller.draft
        if draft.recipe is not None and not draft.problem:
            self.inspection.request_checks(draft.recipe, draft.recipe_text, rehearse=rehearse)
            self.refresh_title_and_checks()

    def _repeat_outdated_checks(self) -> None:
        recipe = self.controller.recipe
        if recipe is not None and self.inspection.needs_new_checks(recipe):
            self._request_checks()

    def on_model_described(self, event: ModelDescribed) -> None:
        self.inspection.receive_model(event)
        self.refresh_draft()

    def on_checks_finished(self, event: ChecksFinished) -> None:
        self.inspection.receive_checks(event)
        self.setup_view.offer_label_metrics(self.inspection.checked_labels())
        self.refresh_draft()
        if self.inspection.rehearse_next:
            self.action_check()
        else:
            self._repeat_outdated_checks()

    def on_thread_failed(self, event: ThreadFailed) -> None:
        """Raise a thread's bug in the app, which shows its trace."""
        raise event.error

    # Saving and starting

    def action_save(self) -> None:
        """Save and check, unless another program has changed the file: then ask first."""
        self._save_then(self.action_check)

    def action_start(self) -> None:
        """Save and start the worker; ask first where that may not be what the user wants."""
        question = "" if self.controller.refusal else self._start_question()
        if question:
            self.request_confirmation(question, lambda: self._save_then(self._start_worker))
        else:
            self._save_then(self._start_worker)

    def _start_question(self) -> str:
        """Return what a start does that cannot be undone, or why it may fail; "" for neither."""
        recipe = self.controller.recipe
        errors = self.inspection.error_count_text(self.controller.draft.recipe_text)
        if errors:
            return f"The checks found {errors}; start anyway?"
        return "" if recipe is None else self.controller.history.start_question(recipe)

    def _save_then(self, proceed: Callable[[], None]) -> None:
        if not all(prompt.submit_if_open() for prompt in self.query(Prompt)):
            return
        if self.controller.refusal:
            self.status_line.show_error(self.controller.refusal)
        elif self.controller.is_changed_outside():
            question = "recipe.toml was changed by something else; overwrite it?"
            self.request_confirmation(question, lambda: self._save_and_proceed(proceed))
        else:
            self._save_and_proceed(proceed)

    def _save_and_proceed(self, proceed: Callable[[], None]) -> None:
        try:
            self.controller.save_recipe()
        except TunerError as error:
            self.status_line.show_error(str(error))
            return
        self.refresh_draft()
        self.status_line.show_message(f"saved {self.controller.session.recipe_path}", "good")
        proceed()

    def _start_worker(self) -> None:
        if self.controller.is_starting:
            return
        refusal = self._start_refusal()
        if refusal:
            self.status_line.show_error(refusal)
            return
        pause_first = self.controller.history.has_live_worker
        self.controller.lock_for_start()
        self.refresh_title_and_checks()
        self.status_line.show_message(f"{'pausing' if pause_first else 'starting'} the worker…")
        self.inspection.request_start(self.controller.session, pause_first=pause_first)

    def _start_refusal(self) -> str:
        """Return why a start would fail or end at once, "" where it would not."""
        recipe = self.controller.recipe
        if recipe is None:
            return ""
        problem = self.inspection.partition(recipe.groups, recipe).problem
        return problem or self.controller.history.start_refusal(recipe)

    def on_start_ended(self, event: StartEnded) -> None:
        self.controller.unlock_after_start()
        self.refresh_title_and_checks()
        if event.problem:
            self.status_line.show_error(event.problem)
        else:
            self.post_message(StartRequested(self.controller.session, self))

    # Panes and the way out

    def action_next_pane(self, step: int) -> None:
        self.setup_view.focus_next_pane(step)

    def leave_screen(self) -> None:
        self._confirm_if_unsaved(self.dismiss)

    def action_leave(self) -> None:
        self._confirm_if_unsaved(self.app.exit)

    def _confirm_if_unsaved(self, leave: Callable[[], object]) -> None:
        if self.controller.draft.has_unsaved_changes:
            self.request_confirmation("Leave without saving?", leave)
        else:
            leave()
