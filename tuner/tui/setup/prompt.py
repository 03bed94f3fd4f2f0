"""A line to type in, laid over the row that is being edited."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Container, Horizontal
from textual.content import Content
from textual.message import Message
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from tuner.errors import TunerError
from tuner.tui.setup.row_list import RowList

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
    BINDINGS = [
        Binding("escape", "cancel", "Cancel", id="prompt.cancel", tooltip="Leave it as it was"),
    ]

    class Refused(Message):
        """What was typed is not valid; `reason` says why ("" once it is being corrected)."""

        def __init__(self, reason: str) -> None:
            super().__init__()
            self.reason = reason

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
        *,
        placeholder: str = "",
        suggester: Suggester | None = None,
    ) -> None:
        """Open the line with `value` in it; `back_to` gets the focus at the end."""
        self._submit, self._back_to = submit, back_to
        tag = self.query_one(Static)
        tag.update(Text(label))
        tag.display = bool(label)
        line = self.query_one(Input)
        line.suggester, line.placeholder = suggester, placeholder
        line.value = value
        self.display = True
        line.focus()

    @on(Input.Changed)
    def clear_refusal(self, event: Input.Changed) -> None:
        """Clear the error while the value is being corrected."""
        event.stop()
        if self.is_open:
            self.post_message(self.Refused(""))

    @on(Input.Submitted)
    def submit_text(self, event: Input.Submitted) -> None:
        """Submit the text and close, or stay open with the reason."""
        event.stop()
        if self._submit is None:
            return
        try:
            self._submit(event.value)
        except TunerError as error:
            self.post_message(self.Refused(str(error)))
        else:
            self._close_prompt()

    @on(Input.Blurred)
    def cancel_on_blur(self, event: Input.Blurred) -> None:
        """Cancel when the focus goes elsewhere, unless the terminal itself lost it."""
        event.stop()
        if self.is_open and self.app.app_focus:
            self._back_to = None
            self._close_prompt()

    def submit_if_open(self) -> bool:
        """Submit what is typed, if anything is; False where it was refused."""
        if self._submit is not None:
            line = self.query_one(Input)
            self.submit_text(Input.Submitted(line, line.value))
        return not self.is_open

    def action_cancel(self) -> None:
        self.post_message(self.Refused(""))
        self._close_prompt()

    def _close_prompt(self) -> None:
        self._submit = None
        if self._back_to is not None:
            self._back_to.focus()
        self.display = False


class SetupPane(Container):
    """A bordered part of the screen with a number in its border and a prompt of its own."""

    DEFAULT_CSS = """
    SetupPane {
        layers: below above;
        border: round $border-blurred;
        border-title-color: $text-muted;
        border-subtitle-color: $text-muted;
        padding: 0;
        &:focus-within {
            border: round $border;
            border-title-color: $text;
            border-title-style: bold;
        }
    }
    """

    def entitle(self, title: str) -> None:
        """The title in the border above, shown as it is."""
        self.border_title = Content(title)

    def hint(self, text: str) -> None:
        """The hint in the border below, shown as it is."""
        self.border_subtitle = Content(text) if text else None

    def open_prompt_over_row(
        self,
        rows: RowList,
        column: int,
        label: str,
        value: str,
        submit: Submit,
        suggester: Suggester | None = None,
    ) -> None:
        """A prompt over the selected row, from a column of it to the pane's right edge."""
        prompt = self.query_one(Prompt)
        left = rows.region.x - self.content_region.x + column
        top = rows.region.y - self.content_region.y + rows.line_of_cursor()
        prompt.styles.offset = (left, top)
        prompt.styles.width = max(self.content_region.width - left, 10)
        prompt.open_with(label, value, submit, rows, suggester=suggester)
