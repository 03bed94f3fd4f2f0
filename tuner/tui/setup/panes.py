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
from tuner.results.format import plain
from tuner.tui.render.names import wrapped
from tuner.tui.setup.checks import ChecksView, Line
from tuner.tui.setup.field_list import FieldList
from tuner.tui.setup.fields import Field, Value, field_text, parse_field
from tuner.tui.setup.preview import RecipePreview
from tuner.tui.setup.prompt import Prompt, SetupPane
from tuner.tui.setup.rungs import sketch
from tuner.tui.setup.suggestions import DATA_ENDINGS, KNOWN_MODELS, PathSuggester

SKETCH_WIDTH = 34

CommitField = Callable[[Field, Value], None]
"""Takes a field's new value over into the recipe; TunerError where it would be wrong."""


class FormPane(SetupPane):
    """A form, and what its fields need to be typed."""

    class Help(Message):
        """A line about the selected field; news go before it unless the cursor `moved`."""

        def __init__(self, text: str, *, moved: bool) -> None:
            super().__init__()
            self.text, self.moved = text, moved

    def __init__(
        self, title: str, fields: Sequence[Field], commit: CommitField, folder: Path, *, id: str
    ) -> None:
        super().__init__(id=id)
        self.entitle(title)
        self._fields = fields
        self._commit = commit
        self._folder = folder

    def compose(self) -> ComposeResult:
        """The form, and the line that is typed in."""
        yield FieldList(self._fields)
        yield Prompt()

    @property
    def form(self) -> FieldList:
        """The form itself."""
        return self.query_one(FieldList)

    def show(self, values: Mapping[str, Value]) -> None:
        """Shows these values, by key."""
        self.form.show(values)

    @on(FieldList.Selected)
    def tell_about(self, event: FieldList.Selected) -> None:
        """Passes the field's help on."""
        event.stop()
        text = f"{event.field.label}: {event.field.help}"
        self.post_message(self.Help(text, moved=event.moved))

    @on(FieldList.Refused)
    def pass_refusal(self, event: FieldList.Refused) -> None:
        """Refusals of the form are shown like those of the prompt."""
        event.stop()
        self.post_message(Prompt.Refused(event.reason))

    @on(FieldList.Changed)
    def commit_value(self, event: FieldList.Changed) -> None:
        """A value that was chosen with one key."""
        event.stop()
        try:
            self._commit(event.field, event.value)
        except TunerError as error:
            self.post_message(Prompt.Refused(str(error)))

    @on(FieldList.Asked)
    def open_prompt(self, event: FieldList.Asked) -> None:
        """A value is typed where it stands."""
        event.stop()
        form, field = self.form, event.field

        def submit(text: str) -> None:
            self._commit(field, parse_field(field, text))

        value = field_text(field, event.value)
        self.ask(form, 2 + form.value_column(), "", value, submit, self._suggester(field))

    def _suggester(self, field: Field) -> Suggester | None:
        if field.key == "model.name":
            return PathSuggester(self._folder, known=KNOWN_MODELS)
        if field.kind in ("file", "share or file"):
            return PathSuggester(self._folder, endings=DATA_ENDINGS)
        return None


class SearchPane(FormPane):
    """The search's settings, and beside them what the pruner makes of the trials."""

    DEFAULT_CSS = """
    SearchPane {
        & > #rungs { dock: right; width: 38; padding: 1 2; color: $text-muted; }
    }
    """

    def compose(self) -> ComposeResult:
        """The sketch stands beside the form."""
        yield Static(id="rungs", markup=False)
        yield from super().compose()

    def show_search(self, search: SearchSection, estimates: Sequence[str]) -> None:
        """Draws the sketch anew, and below it what the search will take."""
        lines = sketch(search, SKETCH_WIDTH)
        for estimate in estimates:
            lines += wrapped(plain(estimate), SKETCH_WIDTH)
        self.query_one("#rungs", Static).update("\n".join(lines))


class PreviewPane(SetupPane):
    """recipe.toml as it would be saved."""

    def __init__(self, title: str, *, id: str) -> None:
        super().__init__(id=id)
        self.entitle(title)

    def compose(self) -> ComposeResult:
        """The text alone."""
        yield RecipePreview()

    def show(self, text: str, saved: str) -> None:
        """Shows the text, lines that are not saved yet marked."""
        self.query_one(RecipePreview).show(text, saved)


class ChecksPane(SetupPane):
    """What is known about the recipe before any training."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self.entitle("Checks")

    def compose(self) -> ComposeResult:
        """The lines alone."""
        yield ChecksView()

    def show(self, lines: Sequence[Line], subtitle: str) -> None:
        """Shows these findings; the subtitle says how old they are."""
        self.query_one(ChecksView).show(lines)
        self.hint(subtitle)
