"""Writing the best parameters, or trials, to a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import getters, work
from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tuner.errors import TunerError
from tuner.export.session_export import export_as_text, write_export
from tuner.recipe.findings import ModelDescription
from tuner.recipe.types import Recipe
from tuner.render.renderable_lines import Lines
from tuner.render.text_fitting import wrap_at_spaces
from tuner.results import format as fmt
from tuner.results.format import sanitize_text
from tuner.tui.shell.messages import PreviewRead
from tuner.tui.shell.session_app import SessionApp
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.widgets.drawn_line import Choice
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import Pane, theme_styles

FORMATS = ("json", "toml", "csv")
MAX_PREVIEW_LINES = 2000


@dataclass(frozen=True)
class TrialSelection:
    """Some trials: as an argument, as a title, and as a part of the file's name."""

    argument: str
    title: str
    stem: str


def available_selections(
    reader: SessionReader, marks: Sequence[int], trial: int | None
) -> list[TrialSelection]:
    """Return the best trial, the trial that is looked at, the marked ones, and all."""
    view = reader.view
    selections: list[TrialSelection] = []
    if (best := view.find_best_trial()) is not None:
        title = f"best trial #{best.number} {fmt.format_score(best.value)}"
        selections.append(TrialSelection("best", title, "best"))
    if trial is not None and trial != view.best:
        selections.append(TrialSelection(str(trial), f"trial #{trial}", f"trial-{trial}"))
    if marks:
        numbers = ",".join(map(str, marks))
        selections.append(TrialSelection(numbers, f"marked ({len(marks)})", "marked"))
    return [*selections, TrialSelection("all", "all trials", "trials")]


class ExportPreview(Pane):
    """The file as it would be written."""

    def __init__(self) -> None:
        self.text, self._is_error = "", False
        super().__init__("Preview", id="export-preview")
        self.can_focus = False

    def show_text(self, text: str, *, failed: bool = False) -> None:
        """Show another text from its beginning, or why there is none."""
        self.text, self._is_error = text, failed
        self.redraw_content()
        self.scroll_home(animate=False)

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """Draw the first lines of the text."""
        styles = theme_styles(self)
        if self._is_error:
            return [
                [(line, styles.failed)] for line in wrap_at_spaces(sanitize_text(self.text), width)
            ]
        return [
            [(sanitize_text(line), styles.text)]
            for line in self.text.splitlines()[:MAX_PREVIEW_LINES]
        ]


class ExportScreen(ModalScreen[None]):
    """Which trials, in which format, to which file."""

    AUTO_FOCUS = ""
    tuner_app = getters.app(SessionApp)
    BINDINGS = [
        key("escape", "close", "export.close", "Cancel", "Write nothing"),
        key("enter", "write", "export.write", "Write", "Write the file"),
        key("y", "copy", "export.copy", "Copy", "Copy the text instead"),
        key("up,k", "choose_trials(-1)", "export.what_before", "Which", "Previous trials"),
        key("down,j", "choose_trials(1)", "export.what_after", "Which", "Next trials"),
        key("left,h", "choose_format(-1)", "export.format_before", "As", "Previous format"),
        key("right,l", "choose_format(1)", "export.format_after", "As", "Next format"),
        key("pageup", "scroll_preview(-1)", "export.page_up", "Page", "Preview: page up"),
        key("pagedown", "scroll_preview(1)", "export.page_down", "Page", "Preview: page down"),
        key("tab", "edit_file_name", "export.name", "File", "Into the file's name, and back"),
    ]

    def __init__(
        self, reader: SessionReader, marks: Sequence[int] = (), trial: int | None = None
    ) -> None:
        super().__init__()
        self._session = reader.session
        self._selections = available_selections(reader, marks, trial)

    def compose(self) -> ComposeResult:
        with Container(id="export"):
            yield Choice(
                [selection.title for selection in self._selections], hint="↑↓ ", id="export-what"
            )
            yield Choice([name.upper() for name in FORMATS], hint="←→ ", id="export-as")
            yield Input(id="export-file", compact=True)
            yield ExportPreview()
            keys = " enter Write   y Copy   tab file   pgup pgdn read   esc Cancel"
            yield Static(Content(keys), id="export-keys")

    def on_mount(self) -> None:
        self.query_one("#export").border_title = Content("Export")
        self._show_selection()

    @property
    def trial_selection(self) -> TrialSelection:
        return self._selections[self.query_one("#export-what", Choice).chosen_index]

    @property
    def export_format(self) -> str:
        return FORMATS[self.query_one("#export-as", Choice).chosen_index]

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        event.choice_bar.show_as_chosen(event.index)
        self._show_selection()

    def action_choose_trials(self, step: int) -> None:
        self._step_choice("#export-what", step)

    def action_choose_format(self, step: int) -> None:
        self._step_choice("#export-as", step)

    def _step_choice(self, selector: str, step: int) -> None:
        choice = self.query_one(selector, Choice)
        choice.show_as_chosen((choice.chosen_index + step) % len(choice.names))
        self._show_selection()

    def _show_selection(self) -> None:
        file_name = f"{self._session.name}.{self.trial_selection.stem}.{self.export_format}"
        self.query_one(Input).value = file_name
        self.query_one(ExportPreview).show_text("…")
        self._load_preview(self.trial_selection.argument, self.export_format)

    @work(thread=True, exclusive=True, group="preview")
    def _load_preview(self, trials: str, format_name: str) -> None:
        try:
            text = export_as_text(self._session, format_name, trials, _describe_model)
        except (TunerError, OSError) as error:
            self.post_message(PreviewRead(trials, format_name, str(error), failed=True))
        else:
            self.post_message(PreviewRead(trials, format_name, text, failed=False))

    def on_preview_read(self, event: PreviewRead) -> None:
        """Show the text unless something else was chosen meanwhile."""
        if (event.trials, event.format) == (self.trial_selection.argument, self.export_format):
            self.query_one(ExportPreview).show_text(event.text, failed=event.failed)

    def action_edit_file_name(self) -> None:
        """Put the cursor into the file's name, or take it out."""
        file_input = self.query_one(Input)
        self.set_focus(None if file_input.has_focus else file_input)

    def action_scroll_preview(self, direction: int) -> None:
        preview = self.query_one(ExportPreview)
        preview.scroll_relative(y=direction * preview.size.height, animate=False)

    def action_copy(self) -> None:
        self.app.copy_to_clipboard(self.query_one(ExportPreview).text)
        self.tuner_app.notify_user("copied the export")

    def on_input_submitted(self) -> None:
        self.action_write()

    def action_write(self) -> None:
        """Write the file in a thread, which goes on when the screen is closed."""
        session, trials = self._session, self.trial_selection.argument
        format_name, target = self.export_format, self.query_one(Input).value

        def write() -> str:
            write_export(
                export_as_text(session, format_name, trials, _describe_model), target, "file"
            )
            return f"written to {target}"

        self.tuner_app.start_export(write)
        self.dismiss(None)

    def action_close(self) -> None:
        self.dismiss(None)


def _describe_model(recipe: Recipe, labels: Sequence[str]) -> ModelDescription:
    from tuner.worker.trainer_queries import query_model_description

    return query_model_description(recipe, labels)
