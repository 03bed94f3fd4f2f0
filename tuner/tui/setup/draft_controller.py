"""Loading, editing, saving and starting the recipe of one session."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import read_recipe_text
from tuner.recipe.range_edits import Ends, write_range_ends
from tuner.recipe.types import GroupSpec, Recipe
from tuner.session.folder import Session
from tuner.session.trial_plan import trials_to_continue
from tuner.tui.setup.draft import Draft, write_group_edits
from tuner.tui.setup.fields import FieldValue, FormField, field_value_text, write_field_value
from tuner.tui.setup.session_history import SessionHistory


class DraftController:
    """A session's recipe as it is being edited. What is refused raises TunerError."""

    def __init__(self, session: Session, history: SessionHistory) -> None:
        self.session, self.history = session, history
        self.is_starting = False
        self.draft = Draft(
            read_recipe_text(session.recipe_path),
            read_only=history.read_only_reason,
            guard=history.refuse_incomparable,
        )

    @property
    def recipe(self) -> Recipe | None:
        """The last valid recipe, None where there never was one."""
        return self.draft.recipe

    @property
    def refusal(self) -> str:
        """Why the draft can be neither saved nor started, "" where it can."""
        return self.draft.read_only or self.draft.problem

    @property
    def state_text(self) -> str:
        """The session's state, and whether there is something to save."""
        if self.is_starting:
            return "◔ starting…"
        saved = "unsaved" if self.draft.has_unsaved_changes else "saved"
        return f"{self.history.state_with_glyph} · {'read-only' if self.draft.read_only else saved}"

    # Editing: each returns the name of the edit

    def set_field(self, field: FormField, value: FieldValue) -> str:
        edit_name = f"{field.label}: {field_value_text(field, value) or 'empty'}"
        self.draft.apply_edit(
            edit_name, lambda document: write_field_value(document, field.key, value)
        )
        return edit_name

    def set_groups(self, groups: tuple[GroupSpec, ...], edit_name: str, drag_id: str = "") -> str:
        """Write the groups; edits of one drag are one step of undo."""
        self.draft.apply_edit(
            edit_name, lambda document: write_group_edits(document, groups), drag_id=drag_id
        )
        return edit_name

    def narrow_ranges(self, proposed: Mapping[str, Ends]) -> str:
        """Write other range ends by flat name, and enough trials to search them with."""

        def write_ranges_and_trials(document: RecipeDocument) -> None:
            write_range_ends(document, proposed)
            recipe = document.parse_recipe()
            trials = trials_to_continue(self.history.view, recipe)
            if trials != recipe.search.trials:
                document.set_value("search.trials", trials)

        edit_name = f"zoom into {len(proposed)} range{'' if len(proposed) == 1 else 's'}"
        self.draft.apply_edit(edit_name, write_ranges_and_trials)
        return edit_name

    def edit_whole_text(self, edit: Callable[[str], str]) -> str:
        """Take over what `edit` makes of the text, valid or not; TunerError where it is not."""
        if self.draft.read_only:
            raise TunerError(self.draft.read_only)
        self.draft.replace_text("the editor", edit(self.draft.recipe_text))
        return "taken over from the editor; u undoes it"

    def undo_last_edit(self) -> str:
        return f"undone: {self.draft.undo_edit()}"

    def redo_last_edit(self) -> str:
        return f"redone: {self.draft.redo_edit()}"

    # Saving and starting

    def is_changed_outside(self) -> bool:
        """Check whether another program has written the recipe file since it was loaded."""
        path = self.session.recipe_path
        return path.exists() and read_recipe_text(path) != self.draft.saved_text

    def save_recipe(self) -> None:
        document = RecipeDocument.from_text(self.draft.recipe_text)
        document.save_atomically(self.session.recipe_path)
        self.draft.mark_saved()

    def lock_for_start(self) -> None:
        """Keep the recipe as it is while a worker starts with it."""
        self.is_starting = True
        self.draft.read_only = "read-only: the worker is starting with this recipe"

    def unlock_after_start(self) -> None:
        """Read the session's log again: the start has succeeded or failed."""
        self.is_starting = False
        self.history = SessionHistory.from_session(self.session)
        self.draft.read_only = self.history.read_only_reason
