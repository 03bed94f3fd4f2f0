"""The setup screen: a draft's recipe, edited in panes, with its TOML beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from textual import getters, on
from textual.app import ComposeResult
from textual.containers import Container

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import read_recipe_text
from tuner.recipe.range_edits import Ends, write_range_ends
from tuner.recipe.types import GroupSpec, Recipe
from tuner.session.folder import Session
from tuner.session.trial_plan import trials_to_continue
from tuner.tui.setup import inspection, layout
from tuner.tui.setup.checks import CheckLine
from tuner.tui.setup.draft import Draft, write_group_edits
from tuner.tui.setup.estimate import Measurement, estimate_lines, first_measurement
from tuner.tui.setup.field_table import FORM, OTHER, SEARCH, TASK
from tuner.tui.setup.fields import FieldValue, FormField, field_value_text, value_in_recipe
from tuner.tui.setup.groups_pane import GroupsPane
from tuner.tui.setup.inspecting import InspectingScreen
from tuner.tui.setup.inspection import Inspection, Partition, Services
from tuner.tui.setup.keys import KEY_ORDER, PANES, SETUP_BINDINGS, TITLES
from tuner.tui.setup.new_session import NewSessionForm
from tuner.tui.setup.panes import ChecksPane, FormPane, PreviewPane, SearchPane
from tuner.tui.setup.parameters import ParametersScreen
from tuner.tui.setup.prompt import Prompt
from tuner.tui.setup.session_history import SessionHistory
from tuner.tui.setup.starting import StartRequested
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.setup.title import SetupTitle
from tuner.tui.shell.external_editor import edit_in_terminal
from tuner.tui.shell.session_app import SessionApp
from tuner.tui.widgets.drawn_line import Choice, TooSmall
from tuner.tui.widgets.first_visit_hint import first_visit_hints
from tuner.tui.widgets.key_bar import KeyBar

__all__ = ["NewSessionScreen", "SetupScreen", "StartRequested"]

FORM_FIELDS = {"task": (*TASK, *FORM), "other": OTHER, "search": SEARCH}


class SetupScreen(InspectingScreen):
    """The editor of one session's recipe: the panes show the draft and ask for edits of it."""

    DEFAULT_CSS = layout.SETUP_CSS
    CSS = layout.TINY_CSS
    tuner_app = getters.app(SessionApp)
    BINDINGS = SETUP_BINDINGS
    KEY_ORDER = KEY_ORDER

    def __init__(
        self,
        session: Session,
        proposed: Mapping[str, Ends] | None = None,
        *,
        past: SessionHistory | None = None,
        services: Services | None = None,
        edit_text: Callable[..., str] = edit_in_terminal,
    ) -> None:
        """Open the draft. `proposed` are narrower ranges by flat name, the first edit of it."""
        super().__init__()
        self.session = session
        self.history = past or SessionHistory.from_session(session)
        self.draft = Draft(
            read_recipe_text(session.recipe_path),
            read_only=self.history.read_only_reason,
            guard=self.history.refuse_incomparable,
        )
        self._proposed = proposed or {}
        self._measured: dict[str, Measurement | None] = {}
        self.inspection = Inspection()
        self._services = services or Services()
        self._edit_text = edit_text
        self._partition = Partition()

    def compose(self) -> ComposeResult:
        folder = Path.cwd()
        yield TooSmall()
        yield SetupTitle()
        names = [f"{number} {title}" for number, title in enumerate(TITLES, start=1)]
        yield Choice(names, hint="[ ] switch", id="setup-tabs")
        with Container(id="setup-panes"):
            yield FormPane(
                "1 Task", FORM_FIELDS["task"], self.commit_field_value, folder, id="task"
            )
            yield GroupsPane("2 Learning-rate groups", self.commit_groups, id="groups")
            yield ChecksPane(id="checks")
            yield FormPane(
                "3 Other hyperparameters", OTHER, self.commit_field_value, folder, id="other"
            )
            yield SearchPane("4 Search", SEARCH, self.commit_field_value, folder, id="search")
            yield PreviewPane("5 recipe.toml", id="recipe")
        yield StatusLine()
        yield from first_visit_hints(self.tuner_app.seen_screens, "setup")
        yield KeyBar()

    def on_mount(self) -> None:
        for name in PANES:
            self.query_one(f"#{name}").add_class("setup-pane")
        self.query_one("#other", FormPane).hint("space searches or fixes")
        self.query_one("#recipe", PreviewPane).hint("ctrl+e opens your editor")
        self._show_past_trials()
        self.action_show_pane(PANES.index(self._pane) + 1)
        self.refresh_draft()
        self._show_initial_status()

    def _show_past_trials(self) -> None:
        """Show what trials made of the recipe, and what they keep from being changed."""
        before = self.history.recipe
        self.query_one(GroupsPane).show_history(
            self.history.rates_by_group, () if before is None else before.groups
        )
        for name, fields in FORM_FIELDS.items():
            locked = {f.key: why for f in fields if (why := self.history.lock_reason(f.key))}
            self.query_one(f"#{name}", FormPane).field_list.lock_fields(locked)

    def _show_initial_status(self) -> None:
        """Show what is wrong with the recipe, else apply the proposed ranges and check it."""
        if self.draft.read_only:
            self.status.show_message(self.draft.read_only, "wrong")
        elif self.draft.problem:
            self.status.show_message(self.draft.problem, "wrong")
        else:
            self._try(self._apply_proposed_ranges)
            self._check()

    def _apply_proposed_ranges(self) -> None:
        """Apply the ranges that another screen proposed, with enough trials to search them."""
        if not self._proposed:
            return

        def narrow_and_plan_trials(document: RecipeDocument) -> None:
            write_range_ends(document, self._proposed)
            recipe = document.parse_recipe()
            trials = trials_to_continue(self.history.view, recipe)
            if trials != recipe.search.trials:
                document.set_value("search.trials", trials)

        ranges = "1 range" if len(self._proposed) == 1 else f"{len(self._proposed)} ranges"
        self._edit_draft(f"zoom into {ranges}", narrow_and_plan_trials)

    def refresh_draft(self) -> None:
        draft, recipe = self.draft, self.draft.recipe
        self.query_one(PreviewPane).show_recipe(draft.recipe_text, draft.saved_text)
        if recipe is not None:
            for name, fields in FORM_FIELDS.items():
                values = {field.key: value_in_recipe(recipe, field) for field in fields}
                self.query_one(f"#{name}", FormPane).show_values(values)
            self.query_one(SearchPane).show_search_settings(
                recipe.search, self._time_and_memory_lines(recipe)
            )
            parameters = self.inspection.model_parameters(recipe)
            self._partition = Partition()
            if parameters is not None:
                self._partition = inspection.partition_model(recipe.groups, parameters)
            hint_basis = self.inspection.hint_context(recipe, self.history.view.rows.get("train"))
            self.query_one(GroupsPane).show_groups(
                recipe.groups, parameters, self._partition, hint_basis
            )
            self._read_model()
        self.refresh_title_and_checks()

    def refresh_title_and_checks(self) -> None:
        draft, recipe = self.draft, self.draft.recipe
        lines = [CheckLine("error", draft.problem)] if draft.problem else []
        if recipe is not None and not draft.problem:
            forecast = self.history.start_forecast(recipe)
            lines += [CheckLine("hint", forecast)] if forecast else []
            lines += self.inspection.status_lines(recipe, self._partition)
        checked = self.inspection.finished_checks
        outdated = checked is not None and checked.text != draft.recipe_text
        outdated_note = "outdated · c checks again" if outdated else ""
        self.query_one(ChecksPane).show_findings(lines, outdated_note)
        self.query_one(SetupTitle).show(
            f"tuner ▸ {self.session.name} ▸ setup", self._draft_state_text()
        )

    def _time_and_memory_lines(self, recipe: Recipe) -> list[str]:
        """Estimate time and memory from trials of this or another session with the same model."""
        key = inspection.model_cache_key(recipe)
        if key not in self._measured:
            other_views = [reader.view for reader in self.tuner_app.catalog.readers.values()]
            self._measured[key] = first_measurement([self.history.view, *other_views], recipe)
        rows = self.inspection.hint_context(recipe, self.history.view.rows.get("train")).rows
        return estimate_lines(recipe, self.history.view, self._measured[key], rows)

    def _draft_state_text(self) -> str:
        if self._starting:
            return "◔ starting…"
        saved = "unsaved" if self.draft.has_unsaved_changes else "saved"
        return f"{self.history.state_with_glyph} · {'read-only' if self.draft.read_only else saved}"

    def commit_field_value(self, field: FormField, value: FieldValue) -> None:
        """Apply one field's value; raise TunerError where the recipe would be wrong."""

        def set_or_unset(document: RecipeDocument) -> None:
            if value is None:
                document.remove_key(field.key)
            else:
                document.set_value(field.key, value)

        self._edit_draft(
            f"{field.label}: {field_value_text(field, value) or 'empty'}", set_or_unset
        )

    def commit_groups(self, groups: tuple[GroupSpec, ...], what: str, joined: str) -> None:
        """Apply groups; raise TunerError where a parameter would be in no group or in two."""
        recipe = self.draft.recipe
        parameters = None if recipe is None else self.inspection.model_parameters(recipe)
        if parameters is not None and not self._partition.problem:
            new_problem = inspection.partition_model(groups, parameters).problem
            if new_problem:
                raise TunerError(new_problem)
        self._edit_draft(what, lambda document: write_group_edits(document, groups), joined)

    def _edit_draft(
        self, what: str, change: Callable[[RecipeDocument], None], joined: str = ""
    ) -> None:
        before = self.draft.recipe_text
        self.draft.apply_edit(what, change, joined=joined)
        if self.draft.recipe_text != before:
            self.refresh_draft()
            self.status.show_message(what, "good")
            self._check_again()

    @on(GroupsPane.ParametersAsked)
    def show_parameters(self) -> None:
        """Show every parameter with its group and its rate, over the screen."""
        recipe = self.draft.recipe
        if recipe is None or not self._partition.resolved:
            self.status.show_message(
                self._partition.problem or "the model is not read yet", "wrong"
            )
        else:
            self.app.push_screen(ParametersScreen(recipe.groups, self._partition.resolved))

    @on(Prompt.Refused)
    def show_input_error(self, message: Prompt.Refused) -> None:
        """Say in one line what is wrong with what was typed or pressed."""
        message.stop()
        self.status.show_message(message.reason, "wrong" if message.reason else "quiet")

    @on(FormPane.Help)
    def show_field_help(self, message: FormPane.Help) -> None:
        message.stop()
        self.status.show_help(message.text, moved=message.moved)

    def action_undo(self) -> None:
        self._try(lambda: self._show_history_step("undone", self.draft.undo_edit()))

    def action_redo(self) -> None:
        self._try(lambda: self._show_history_step("redone", self.draft.redo_edit()))

    def _show_history_step(self, how: str, what: str) -> None:
        self.refresh_draft()
        self.status.show_message(f"{how}: {what}", "good")
        self._check_again()

    def action_editor(self) -> None:
        """Edit the text in the user's own editor; what comes back is one step of undo."""

        def take_over_from_editor() -> None:
            if self.draft.read_only:
                raise TunerError(self.draft.read_only)
            self.draft.replace_text("the editor", self._edit_text(self.app, self.draft.recipe_text))
            self.refresh_draft()
            if self.draft.problem:
                raise TunerError(self.draft.problem)
            self.status.show_message("taken over from the editor; u undoes it", "good")

        self._try(take_over_from_editor)

    def action_back(self) -> None:
        """Leave the zoom, else the screen."""
        if self.has_class("-zoomed"):
            self.remove_class("-zoomed")
        else:
            self._confirm_if_unsaved(self.dismiss)

    def action_leave(self) -> None:
        """Leave the app."""
        self._confirm_if_unsaved(self.app.exit)

    def _confirm_if_unsaved(self, leave: Callable[[], object]) -> None:
        if self.draft.has_unsaved_changes:
            self.query_one(KeyBar).ask_yes_or_no("Leave without saving?", leave)
        else:
            leave()


class NewSessionScreen(NewSessionForm):
    """Asks for what a new session needs, creates it, and goes on in the setup screen."""

    def open_created_session(self, session: Session) -> None:
        self.app.switch_screen(SetupScreen(session, services=self.services))
