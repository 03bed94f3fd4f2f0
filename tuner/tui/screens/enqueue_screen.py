"""An edited copy of a trial: its values in a form, each checked as it is typed."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tuner.errors import TunerError
from tuner.recipe.origins import SEED
from tuner.recipe.paths import parse_typed_value
from tuner.recipe.space import check_trial_values
from tuner.recipe.types import Recipe
from tuner.results.format import sanitize_text
from tuner.session.reruns import trial_values_now
from tuner.session.view import TrialView
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.widgets.key_bindings import key


class ValueInput(Input):
    """The input of one value; up and down go to its neighbours."""

    BINDINGS = [
        key("up", "app.focus_previous", "form.up", "Up", "The value above", show=False),
        key("down", "app.focus_next", "form.down", "Down", "The value below", show=False),
    ]

    def __init__(self, name: str, value: str, hint: str = "") -> None:
        super().__init__(value, placeholder=hint, compact=True)
        self.setting_name, self.initial_text = name, value


class EnqueueScreen(ModalScreen[dict[str, Any] | None]):
    """A form that returns the values on enter, None on esc."""

    BINDINGS = [
        key("escape", "close", "form.close", "Cancel", "Enqueue nothing"),
    ]

    def __init__(self, reader: SessionReader, trial: TrialView) -> None:
        super().__init__()
        self._reader = reader
        self._trial = trial
        self._recipe: Recipe | None = None
        self._problems: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        with Container(id="form"):
            with VerticalScroll(id="form-values", can_focus=False):
                for name, value in trial_values_now(self._reader.view, self._trial).items():
                    if name != SEED:
                        yield from _compose_value_line(name, typeable_value_text(value))
                yield from _compose_value_line(SEED, "", "the recipe's")
            yield Static("", id="form-told", markup=False)
            keys = " enter Enqueue   ↑ ↓ Value   esc Cancel"
            yield Static(Content(keys), id="form-keys")

    def on_mount(self) -> None:
        title = Content(f"A copy of trial {self._trial.number}, edited")
        self.query_one("#form").border_title = title
        self._recipe = self._reader.view.require_recipe()
        self.query(ValueInput).first().focus()
        self._show_status()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Show at once what no trial can have."""
        if isinstance(event.input, ValueInput):
            self._check_value_input(event.input)
            self._show_status()

    def on_input_submitted(self) -> None:
        """Enqueue the trial, unless a value is wrong."""
        for line in self.query(ValueInput):
            self._check_value_input(line)
        self._show_status()
        if not self._problems:
            self.dismiss(self._entered_values())

    def action_close(self) -> None:
        self.dismiss(None)

    def _entered_values(self) -> dict[str, Any]:
        lines = [line for line in self.query(ValueInput) if line.value.strip()]
        return {
            line.setting_name: parse_typed_value(line.value.strip(), line.setting_name)
            for line in lines
        }

    def _check_value_input(self, value_input: ValueInput) -> None:
        self._problems.pop(value_input.setting_name, None)
        if value_input.setting_name == SEED and not value_input.value.strip():
            return
        try:
            value = parse_typed_value(value_input.value.strip(), value_input.setting_name)
            if self._recipe is not None:
                check_trial_values(self._recipe, {value_input.setting_name: value})
        except TunerError as error:
            self._problems[value_input.setting_name] = str(error)

    def _show_status(self) -> None:
        changed_count = sum(line.value != line.initial_text for line in self.query(ValueInput))
        allowed = "values outside the search range are allowed"
        text = next(iter(self._problems.values()), f"{changed_count} changed; {allowed}")
        status_line = self.query_one("#form-told", Static)
        status_line.update(Content(f" {sanitize_text(text)}"))
        status_line.set_class(bool(self._problems), "-wrong")


def _compose_value_line(name: str, value: str, hint: str = "") -> ComposeResult:
    yield Static(Content(f" {sanitize_text(name)}"), classes="form-name")
    yield ValueInput(name, value, hint)


def typeable_value_text(value: object) -> str:
    """Write a value so that it can be typed again: numbers exactly, strings as they are."""
    if isinstance(value, str):
        return value
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text.replace("e-0", "e-")
