"""An edited copy of a trial: its values in a form, each checked when it is typed."""

from __future__ import annotations

from functools import partial
from typing import Any

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from tuner.recipe.origins import SEED
from tuner.recipe.paths import parse_typed_value
from tuner.recipe.space import check_trial_values
from tuner.recipe.types import Recipe
from tuner.results.format import sanitize_text
from tuner.session.reruns import trial_values_now
from tuner.session.view import TrialView
from tuner.tui.setup.fields import FieldValue, FormField
from tuner.tui.setup.forms import FormPane
from tuner.tui.setup.prompt import Prompt
from tuner.tui.setup.row_list import InputRefused
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.widgets.key_bindings import key

IN_ANY_RANGE = "values outside the search range are allowed"
IF_NO_SEED = "without a seed the trial has the recipe's"


class EnqueueScreen(ModalScreen[dict[str, Any] | None]):
    """A form that returns the values on ctrl+s, None on esc."""

    BINDINGS = [
        key("ctrl+s", "enqueue", "form.enqueue", "Enqueue", "Enqueue the trial"),
        key("escape", "close", "form.close", "Cancel", "Enqueue nothing"),
    ]

    def __init__(self, reader: SessionReader, trial: TrialView) -> None:
        super().__init__()
        self._trial = trial
        values = trial_values_now(reader.view, trial)
        recipe = reader.view.require_recipe()
        names = [name for name in values if name != SEED]
        self._fields = [_value_field(name, recipe, IN_ANY_RANGE) for name in names]
        self._fields.append(_value_field(SEED, recipe, IF_NO_SEED, optional=True))
        self._initial_values: dict[str, FieldValue] = {name: values[name] for name in names}
        self._values = dict(self._initial_values)

    def compose(self) -> ComposeResult:
        with Container(id="form"):
            yield FormPane("Values", self._fields, self._commit_value, id="form-values")
            yield Static("", id="form-message", markup=False)
            keys = " enter Type   ctrl+s Enqueue   ↑ ↓ Value   esc Cancel"
            yield Static(Content(keys), id="form-keys")

    @property
    def form(self) -> FormPane:
        return self.query_one(FormPane)

    def on_mount(self) -> None:
        title = Content(f"A copy of trial {self._trial.number}, edited")
        self.query_one("#form").border_title = title
        self.form.styles.height = len(self._fields)
        self.form.field_list.focus()
        self._show_values()

    def _commit_value(self, field: FormField, value: FieldValue) -> None:
        if value is None:
            self._values.pop(field.key, None)
        else:
            self._values[field.key] = value
        self._show_values()

    def _show_values(self) -> None:
        self.form.show_values(self._values)
        names = {*self._values, *self._initial_values}
        changed = sum(self._values.get(n) != self._initial_values.get(n) for n in names)
        self._show_status(f"{changed} changed; {self.form.field_list.selected_field.help}")

    def _show_status(self, text: str, *, is_error: bool = False) -> None:
        status_line = self.query_one("#form-message", Static)
        status_line.update(Content(f" {sanitize_text(text)}"))
        status_line.set_class(is_error, "-wrong")

    def on_field_list_selected(self) -> None:
        self._show_values()

    def on_input_refused(self, event: InputRefused) -> None:
        if event.reason:
            self._show_status(event.reason, is_error=True)
        else:
            self._show_values()

    def action_enqueue(self) -> None:
        """Enqueue the trial, unless what is being typed is wrong."""
        if self.form.query_one(Prompt).submit_if_open():
            self.dismiss(self._values)

    def action_close(self) -> None:
        self.dismiss(None)


def _value_field(name: str, recipe: Recipe, help: str, *, optional: bool = False) -> FormField:
    read = partial(_parse_trial_value, name, recipe)
    return FormField(name, name, help, optional=optional, read=read)


def _parse_trial_value(name: str, recipe: Recipe, text: str) -> FieldValue:
    """Parse what was typed; raise TunerError where no trial can have this value."""
    value: FieldValue = parse_typed_value(text, name)
    check_trial_values(recipe, {name: value})
    return value
