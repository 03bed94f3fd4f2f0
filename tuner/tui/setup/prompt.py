"""A line to type in, laid over the row that is being edited, and the pane around both."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from tuner.errors import TunerError
from tuner.tui.setup.row_list import InputRefused, RowList
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import TitledFrame

Submit = Callable[[str], None]
"""Take over what was typed; a TunerError keeps the prompt open."""


class Prompt(Horizontal):
    """An input over a row: enter submits the text, esc leaves everything as it was."""

    DEFAULT_CSS = """
    Prompt {
        layer: above;
        position: absolute;
        height: 1;
        display: none;
        background: $surface;
        & > Static { width: auto; padding: 0 1; background: $primary; color: $text; }
        & > Input { width: 1fr; }
    }
    """
    BINDINGS = [key("escape", "cancel", "prompt.cancel", "Cancel", "Leave it as it was")]

    def __init__(self) -> None:
        super().__init__()
        self._submit: Submit | None = None
        self._back_to: Widget | None = None

    def compose(self) -> ComposeResult:
        yield Static()
        yield Input(compact=True)

    @property
    def is_open(self) -> bool:
        return self._submit is not None

    def open_with(
        self,
        label: str,
        value: str,
        submit: Submit,
        back_to: Widget,
        suggester: Suggester | None = None,
    ) -> None:
        """Open the line with `value` in it; `back_to` gets the focus at the end."""
        self._submit, self._back_to = submit, back_to
        tag = self.query_one(Static)
        tag.update(Text(label))
        tag.display = bool(label)
        line = self.query_one(Input)
        line.suggester, line.value = suggester, value
        self.display = True
        line.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Clear the error while the value is being corrected."""
        event.stop()
        if self.is_open:
            self.post_message(InputRefused(""))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.submit_if_open()

    def on_input_blurred(self, event: Input.Blurred) -> None:
        """Cancel when the focus goes elsewhere, unless the terminal itself lost it."""
        event.stop()
        if self.is_open and self.app.app_focus:
            self._back_to = None
            self._close_prompt()

    def submit_if_open(self) -> bool:
        """Submit what is typed and close; where it is refused, stay open and return False."""
        if self._submit is None:
            return True
        try:
            self._submit(self.query_one(Input).value)
        except TunerError as error:
            self.post_message(InputRefused(str(error)))
            return False
        self._close_prompt()
        return True

    def action_cancel(self) -> None:
        self.post_message(InputRefused(""))
        self._close_prompt()

    def _close_prompt(self) -> None:
        self._submit = None
        if self._back_to is not None:
            self._back_to.focus()
        self.display = False


class InputPane(Container, TitledFrame):
    """A pane of rows that are edited in place; subclasses compose the rows and a Prompt."""

    DEFAULT_CSS = "InputPane { layers: below above; }"

    def __init__(self, heading: str, *, number: int | None = None, id: str) -> None:
        super().__init__(id=id, classes="pane")
        self.set_heading(heading, number)

    def open_prompt_over_row(
        self,
        rows: RowList,
        column: int,
        label: str,
        value: str,
        submit: Submit,
        suggester: Suggester | None = None,
    ) -> None:
        """Open the prompt over the selected row, from `column` to the pane's right edge."""
        prompt = self.query_one(Prompt)
        left = rows.region.x - self.content_region.x + column
        top = rows.region.y - self.content_region.y + rows.line_of_cursor()
        prompt.styles.offset = (left, top)
        prompt.styles.width = max(self.content_region.width - left, 10)
        prompt.open_with(label, value, submit, rows, suggester)

    def commit_or_refuse(self, commit: Callable[[], None]) -> None:
        """Commit an edit; where it is refused, say why."""
        try:
            commit()
        except TunerError as error:
            self.post_message(InputRefused(str(error)))
