"""An edited copy of a trial: its values in a form, each checked as it is typed."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tuner.errors import TunerError
from tuner.recipe.load import parse
from tuner.recipe.origins import SEED
from tuner.recipe.paths import read_value
from tuner.recipe.space import check_values
from tuner.recipe.types import Recipe
from tuner.results.format import plain
from tuner.session.lineage import values_of
from tuner.session.view import TrialView
from tuner.tui.feed import Feed


class ValueInput(Input):
    """One value; up and down go to its neighbours."""

    BINDINGS = [
        Binding(
            "up", "app.focus_previous", "Up", show=False, id="form.up", tooltip="The value above"
        ),
        Binding(
            "down", "app.focus_next", "Down", show=False, id="form.down", tooltip="The value below"
        ),
    ]

    def __init__(self, name: str, value: str, hint: str = "") -> None:
        super().__init__(value, placeholder=hint, compact=True)
        self.setting, self.before = name, value


class EnqueueScreen(ModalScreen[dict[str, Any] | None]):
    """Gives the values back on enter, None on esc."""

    BINDINGS = [
        Binding("escape", "close", "Cancel", id="form.close", tooltip="Ask for nothing"),
    ]

    def __init__(self, feed: Feed, trial: TrialView) -> None:
        super().__init__()
        self._feed = feed
        self._trial = trial
        self._recipe: Recipe | None = None
        self._wrong: dict[str, str] = {}

    def compose(self) -> ComposeResult:
        """A line a value, what is wrong, the keys."""
        with Container(id="form"):
            with VerticalScroll(id="form-values", can_focus=False):
                for name, value in values_of(self._feed.view, self._trial).items():
                    if name != SEED:
                        yield from _line(name, written(value))
                yield from _line(SEED, "", "the recipe's")
            yield Static("", id="form-told", markup=False)
            keys = " enter Enqueue   ↑ ↓ Value   esc Cancel"
            yield Static(Content(keys), id="form-keys")

    def on_mount(self) -> None:
        """The first value can be changed at once."""
        title = Content(f"A copy of trial {self._trial.number}, edited")
        self.query_one("#form").border_title = title
        self._recipe = parse(self._feed.view.recipe, "recipe.toml")
        self.query(ValueInput).first().focus()
        self._tell()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say at once what no trial can have."""
        if isinstance(event.input, ValueInput):
            self._check(event.input)
            self._tell()

    def on_input_submitted(self) -> None:
        """Enqueue, unless something is wrong."""
        for line in self.query(ValueInput):
            self._check(line)
        self._tell()
        if not self._wrong:
            self.dismiss(self._values())

    def action_close(self) -> None:
        """Nothing is asked for."""
        self.dismiss(None)

    def _values(self) -> dict[str, Any]:
        lines = [line for line in self.query(ValueInput) if line.value.strip()]
        return {line.setting: read_value(line.value.strip(), line.setting) for line in lines}

    def _check(self, line: ValueInput) -> None:
        self._wrong.pop(line.setting, None)
        if line.setting == SEED and not line.value.strip():
            return
        try:
            value = read_value(line.value.strip(), line.setting)
            if self._recipe is not None:
                check_values(self._recipe, {line.setting: value})
        except TunerError as error:
            self._wrong[line.setting] = str(error)

    def _tell(self) -> None:
        changed = sum(line.value != line.before for line in self.query(ValueInput))
        text = next(iter(self._wrong.values()), f"{changed} changed; ranges do not bind you")
        told = self.query_one("#form-told", Static)
        told.update(Content(f" {plain(text)}"))
        told.set_class(bool(self._wrong), "-wrong")


def _line(name: str, value: str, hint: str = "") -> ComposeResult:
    yield Static(Content(f" {plain(name)}"), classes="form-name")
    yield ValueInput(name, value, hint)


def written(value: object) -> str:
    """A value as it can be typed: exact, a word as it is."""
    if isinstance(value, str):
        return value
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text.replace("e-0", "e-")
