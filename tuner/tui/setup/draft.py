"""The recipe being edited: its text, the recipe it parses to, and undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.types import GroupSpec, Recipe

Change = Callable[[RecipeDocument], None]
UNDO_LIMIT = 500


Guard = Callable[[Recipe], None]
"""Raise TunerError for a recipe that the session cannot have."""


def accept_any_recipe(recipe: Recipe) -> None:
    """Guard a draft, which may have any recipe."""


@dataclass(frozen=True, slots=True)
class UndoStep:
    """The text before (or, for redo, after) an edit."""

    text: str
    edit_name: str
    drag_id: str = ""


class Draft:
    """A recipe's text; every edit is validated as a whole before it counts.

    `recipe` is the last valid one, None where there never was one; `problem` says why
    the current text is not one ("" where it is). Only a text from outside can be invalid.
    """

    def __init__(self, text: str, *, read_only: str = "", guard: Guard = accept_any_recipe) -> None:
        """Load the text. `read_only` says why nothing may be changed, "" where it may."""
        self.read_only = read_only
        self._guard = guard
        self.saved_text = text
        self.recipe: Recipe | None = None
        self.problem = ""
        self._undone: list[UndoStep] = []
        self._done: list[UndoStep] = []
        self._text = text
        self._document: RecipeDocument | None = None
        self._load_text(text)

    @property
    def recipe_text(self) -> str:
        """The recipe's TOML as it would be saved."""
        return self._text

    @property
    def has_unsaved_changes(self) -> bool:
        return self._text != self.saved_text

    def apply_edit(self, edit_name: str, change: Change, *, drag_id: str = "") -> None:
        """Apply a change; TunerError, and no change, where the recipe would be invalid.

        Consecutive edits with the same `drag_id` are one step of undo.
        """
        self._refuse_read_only()
        if self.problem:
            raise TunerError(f"{self.problem} (ctrl+e opens the editor, u undoes)")
        document = self._document or RecipeDocument.from_text(self._text)
        # A change that fails half-way leaves a document that nobody may use again.
        self._document = None
        change(document)
        recipe = document.parse_recipe()
        self._guard(recipe)
        self._document = document
        if document.toml_text != self._text:
            self._record_undo_step(edit_name, drag_id)
            self._text, self.recipe = document.toml_text, recipe

    def replace_text(self, edit_name: str, text: str) -> None:
        """Take over a text from outside, valid or not, as one step of undo."""
        self._refuse_read_only()
        if text != self._text:
            self._record_undo_step(edit_name, "")
            self._load_text(text)

    def undo_edit(self) -> str:
        """Go one step back and return its name; TunerError where there is none."""
        return self._move_in_history(self._done, self._undone, "nothing to undo")

    def redo_edit(self) -> str:
        """Take the last undo back and return its name; TunerError where there is none."""
        return self._move_in_history(self._undone, self._done, "nothing to redo")

    def mark_saved(self) -> None:
        self.saved_text = self._text

    def _move_in_history(self, back: list[UndoStep], forth: list[UndoStep], nothing: str) -> str:
        self._refuse_read_only()
        if not back:
            raise TunerError(nothing)
        step = back.pop()
        forth.append(UndoStep(self._text, step.edit_name))
        self._load_text(step.text)
        return step.edit_name

    def _record_undo_step(self, edit_name: str, drag_id: str) -> None:
        self._undone.clear()
        if drag_id and self._done and self._done[-1].drag_id == drag_id:
            return
        self._done.append(UndoStep(self._text, edit_name, drag_id))
        del self._done[:-UNDO_LIMIT]

    def _load_text(self, text: str) -> None:
        self._text, self._document = text, None
        try:
            recipe = RecipeDocument.from_text(text).parse_recipe()
            self._guard(recipe)
            self.recipe, self.problem = recipe, ""
        except TunerError as error:
            self.problem = str(error)

    def _refuse_read_only(self) -> None:
        if self.read_only:
            raise TunerError(self.read_only)


def write_group_edits(document: RecipeDocument, groups: tuple[GroupSpec, ...]) -> None:
    """Write the document's groups; where only one rate differs, write that rate alone."""
    before = document.parse_groups()
    changed = [(old, new) for old, new in zip(before, groups, strict=False) if old != new]
    if len(before) == len(groups) and len(changed) == 1:
        old, new = changed[0]
        if replace(old, lr=new.lr) == new:
            document.set_value(f'groups."{new.name}".lr', new.lr)
            return
    document.replace_groups(groups)
