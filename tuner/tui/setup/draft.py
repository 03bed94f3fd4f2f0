"""What the setup screen edits: a recipe's text, the recipe that it means, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tuner.errors import TunerError
from tuner.recipe.document import RecipeDocument
from tuner.recipe.types import GroupSpec, Recipe

Change = Callable[[RecipeDocument], None]
UNDO_LIMIT = 500


Guard = Callable[[Recipe], None]
"""Raises TunerError for a recipe that the session cannot have."""


def accept_any_recipe(recipe: Recipe) -> None:
    """The guard of a draft: every recipe will do."""


@dataclass(frozen=True, slots=True)
class UndoStep:
    """The text before (or, for redo, after) the edit that `what` names."""

    text: str
    what: str
    joined: str = ""


class Draft:
    """The text is the truth; every edit is checked as a whole before it counts.

    `recipe` is the last one that was right, None where there never was one; `problem` says why
    the present text is none ("" where it is). Only a text from outside can be wrong.
    """

    def __init__(self, text: str, *, read_only: str = "", guard: Guard = accept_any_recipe) -> None:
        """`read_only` is the reason why nothing may be changed, "" where it may."""
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
        """The recipe file as it would be saved."""
        return self._text

    @property
    def has_unsaved_changes(self) -> bool:
        """Whether there is something to save."""
        return self._text != self.saved_text

    def apply_edit(self, what: str, change: Change, *, joined: str = "") -> None:
        """Applies a change; TunerError, and nothing changed, where the recipe would be wrong.

        Edits one after the other with the same `joined` name (a drag) are one step of undo.
        """
        self._refuse_read_only()
        if self.problem:
            raise TunerError(f"{self.problem} (ctrl+e opens the editor, u goes back)")
        document = self._document or RecipeDocument.from_text(self._text)
        # A change that fails half-way leaves a document that nobody may use again.
        self._document = None
        change(document)
        recipe = document.parse_recipe()
        self._guard(recipe)
        self._document = document
        if document.toml_text != self._text:
            self._record_undo_step(what, joined)
            self._text, self.recipe = document.toml_text, recipe

    def replace_text(self, what: str, text: str) -> None:
        """Takes a text from outside, right or wrong, as one step of undo."""
        self._refuse_read_only()
        if text != self._text:
            self._record_undo_step(what, "")
            self._load_text(text)

    def undo_edit(self) -> str:
        """Goes one step back and says which; TunerError where there is none."""
        return self._move_in_history(self._done, self._undone, "nothing to undo")

    def redo_edit(self) -> str:
        """Takes the last undo back; TunerError where there is none."""
        return self._move_in_history(self._undone, self._done, "nothing to redo")

    def mark_saved(self) -> None:
        """The present text is what the file holds."""
        self.saved_text = self._text

    def _move_in_history(self, back: list[UndoStep], forth: list[UndoStep], nothing: str) -> str:
        self._refuse_read_only()
        if not back:
            raise TunerError(nothing)
        step = back.pop()
        forth.append(UndoStep(self._text, step.what))
        self._load_text(step.text)
        return step.what

    def _record_undo_step(self, what: str, joined: str) -> None:
        self._undone.clear()
        if joined and self._done and self._done[-1].joined == joined:
            return
        self._done.append(UndoStep(self._text, what, joined))
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
    """Makes these the document's groups; where one rate alone differs, writes that rate alone."""
    before = document.parse_groups()
    changed = [(old, new) for old, new in zip(before, groups, strict=False) if old != new]
    if len(before) == len(groups) and len(changed) == 1:
        old, new = changed[0]
        if replace(old, lr=new.lr) == new:
            document.set_value(f'groups."{new.name}".lr', new.lr)
            return
    document.replace_groups(groups)
