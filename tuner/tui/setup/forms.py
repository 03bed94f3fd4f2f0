"""Panes of form fields: a frame around rows, and a prompt over the row being edited."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.suggester import Suggester
from textual.widgets import Static

from tuner.recipe.types import SearchSection
from tuner.render.text_fitting import wrap_at_spaces
from tuner.results.format import sanitize_text
from tuner.tui.setup.field_list import FieldList
from tuner.tui.setup.fields import FieldValue, FormField, field_value_text, parse_field_text
from tuner.tui.setup.prompt import InputPane, Prompt
from tuner.tui.setup.rungs import pruning_sketch
from tuner.tui.setup.suggestions import DATA_ENDINGS, KNOWN_MODELS, PathSuggester

SKETCH_WIDTH = 34

CommitField = Callable[[FormField, FieldValue], None]
"""Write a field's new value into the recipe; TunerError where it is not valid."""


class FormPane(InputPane):
    """A form, with a prompt to type its values."""

    def __init__(
        self,
        heading: str,
        fields: Sequence[FormField],
        commit: CommitField,
        *,
        number: int | None = None,
        id: str,
    ) -> None:
        super().__init__(heading, number=number, id=id)
        self._fields = fields
        self._commit = commit

    def compose(self) -> ComposeResult:
        yield FieldList(self._fields)
        yield Prompt()

    @property
    def field_list(self) -> FieldList:
        return self.query_one(FieldList)

    def show_values(self, values: Mapping[str, FieldValue]) -> None:
        self.field_list.show_values(values)

    def on_field_list_changed(self, event: FieldList.Changed) -> None:
        """Commit a value that was chosen with one key."""
        event.stop()
        self.commit_or_refuse(lambda: self._commit(event.field, event.value))

    def on_field_list_typing_requested(self, event: FieldList.TypingRequested) -> None:
        """Open the prompt over the field's value."""
        event.stop()
        rows, field = self.field_list, event.field
        self.open_prompt_over_row(
            rows,
            2 + rows.value_column_start(),
            "",
            field_value_text(field, event.value),
            lambda text: self._commit(field, parse_field_text(field, text)),
            _suggester_for(field),
        )


def _suggester_for(field: FormField) -> Suggester | None:
    folder = Path.cwd()
    if field.key == "model.name":
        return PathSuggester(folder, known_names=KNOWN_MODELS)
    if field.kind in ("file", "share or file"):
        return PathSuggester(folder, endings=DATA_ENDINGS)
    return None


class SearchPane(FormPane):
    """The search's settings, beside a sketch of what the pruner does to the trials."""

    DEFAULT_CSS = """
    SearchPane {
        & > #rungs { dock: right; width: 38; padding: 1 2; color: $text-muted; }
    }
    """

    def compose(self) -> ComposeResult:
        yield Static(id="rungs", markup=False)
        yield from super().compose()

    def show_search_settings(self, search: SearchSection, estimates: Sequence[str]) -> None:
        """Draw the sketch, and below it how long the search will take."""
        lines = pruning_sketch(search, SKETCH_WIDTH)
        for estimate in estimates:
            lines += wrap_at_spaces(sanitize_text(estimate), SKETCH_WIDTH)
        self.query_one("#rungs", Static).update("\n".join(lines))
