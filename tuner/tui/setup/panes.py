"""The numbered panes: forms, the group editor, the preview and the checks, each in its border."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.message import Message
from textual.suggester import Suggester
from textual.widgets import Static

from tuner.errors import TunerError
from tuner.recipe.types import SearchSection
from tuner.render.text_fitting import wrap_at_spaces
from tuner.results.format import sanitize_text
from tuner.tui.setup.checks import CheckLine, ChecksView
from tuner.tui.setup.field_list import FieldList
from tuner.tui.setup.fields import FieldValue, FormField, field_value_text, parse_field_text
from tuner.tui.setup.preview import RecipePreview
from tuner.tui.setup.prompt import Prompt, SetupPane
from tuner.tui.setup.rungs import pruning_sketch
from tuner.tui.setup.suggestions import DATA_ENDINGS, KNOWN_MODELS, PathSuggester

SKETCH_WIDTH = 34

CommitField = Callable[[FormField, FieldValue], None]
"""Write a field's new value into the recipe; TunerError where it is not valid."""


class FormPane(SetupPane):
    """A form, with a prompt to type its values."""

    class Help(Message):
        """Help for the selected field; it replaces a message only if the cursor `moved`."""

        def __init__(self, text: str, *, moved: bool) -> None:
            super().__init__()
            self.text, self.moved = text, moved

    def __init__(
        self, title: str, fields: Sequence[FormField], commit: CommitField, folder: Path, *, id: str
    ) -> None:
        super().__init__(id=id)
        self.entitle(title)
        self._fields = fields
        self._commit = commit
        self._folder = folder

    def compose(self) -> ComposeResult:
        yield FieldList(self._fields)
        yield Prompt()

    @property
    def field_list(self) -> FieldList:
        return self.query_one(FieldList)

    def show_values(self, values: Mapping[str, FieldValue]) -> None:
        self.field_list.show_values(values)

    @on(FieldList.Selected)
    def forward_field_help(self, event: FieldList.Selected) -> None:
        event.stop()
        text = f"{event.field.label}: {event.field.help}"
        self.post_message(self.Help(text, moved=event.moved))

    @on(FieldList.Refused)
    def forward_refusal(self, event: FieldList.Refused) -> None:
        event.stop()
        self.post_message(Prompt.Refused(event.reason))

    @on(FieldList.Changed)
    def commit_field_value(self, event: FieldList.Changed) -> None:
        """Commit a value that was chosen with one key."""
        event.stop()
        try:
            self._commit(event.field, event.value)
        except TunerError as error:
            self.post_message(Prompt.Refused(str(error)))

    @on(FieldList.Asked)
    def prompt_for_value(self, event: FieldList.Asked) -> None:
        """Open the prompt over the field's value."""
        event.stop()
        form, field = self.field_list, event.field

        def submit_value(text: str) -> None:
            self._commit(field, parse_field_text(field, text))

        value = field_value_text(field, event.value)
        self.open_prompt_over_row(
            form, 2 + form.value_column_start(), "", value, submit_value, self._suggester_for(field)
        )

    def _suggester_for(self, field: FormField) -> Suggester | None:
        if field.key == "model.name":
            return PathSuggester(self._folder, known_names=KNOWN_MODELS)
        if field.kind in ("file", "share or file"):
            return PathSuggester(self._folder, endings=DATA_ENDINGS)
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


class PreviewPane(SetupPane):
    """recipe.toml as it would be saved."""

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self.entitle(title)

    def compose(self) -> ComposeResult:
        """The text alone."""
        yield RecipePreview()

    def show_recipe(self, text: str, saved: str) -> None:
        """Shows the text, lines that are not saved yet marked."""
        self.query_one(RecipePreview).show_recipe(text, saved)


class ChecksPane(SetupPane):
    """What is known about the recipe before any training."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.entitle("Checks")

    def compose(self) -> ComposeResult:
        """The lines alone."""
        yield ChecksView()

    def show_findings(self, lines: Sequence[CheckLine], subtitle: str) -> None:
        """Shows these findings; the subtitle says how old they are."""
        self.query_one(ChecksView).show(lines)
        self.hint(subtitle)
