"""The filter's line: live while typing, enter keeps it, esc brings back what was."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from tuner.tui.widgets.key_bindings import key


class FilterBar(Horizontal):
    """A line to type a filter into, hidden until it is opened."""

    DEFAULT_CSS = """
    FilterBar {
        height: 1; display: none;
        & > #filter-sign { width: 10; color: $text-accent; }
        & > Input { width: 1fr; border: none; height: 1; padding: 0; background: $panel; }
        & > #filter-error { width: auto; max-width: 60%; color: $text-error; padding: 0 1; }
        & > #filter-error.-fine { color: $foreground 66%; }
        &.-open { display: block; }
    }
    """
    BINDINGS = [
        key("escape", "restore", "filter.restore", "Restore", "Back to the previous filter")
    ]

    class Changed(Message):
        """The filter's text changed; `is_closed` once enter or escape ended the typing."""

        def __init__(self, text: str, *, is_closed: bool) -> None:
            super().__init__()
            self.text = text
            self.is_closed = is_closed

    def __init__(self, example: str, *, id: str = "filter") -> None:
        super().__init__(id=id)
        self._example = example
        self._previous_text = ""

    def compose(self) -> ComposeResult:
        yield Static(" filter / ", id="filter-sign", markup=False)
        yield Input(placeholder=self._example, id="filter-text", compact=True)
        yield Static("", id="filter-error", markup=False)

    @property
    def filter_text(self) -> str:
        return self.query_one(Input).value

    def open_for_typing(self) -> None:
        """Show the line and take the keys."""
        self._previous_text = self.filter_text
        self.add_class("-open")
        self.query_one(Input).focus()

    def show_error(self, message: str) -> None:
        """Show what is wrong with the text; "" takes the message away."""
        self._show_message(message, is_result=False)

    def show_result(self, message: str) -> None:
        """Show what the filter comes to."""
        self._show_message(message, is_result=True)

    def _show_message(self, message: str, *, is_result: bool) -> None:
        message_line = self.query_one("#filter-error", Static)
        message_line.set_class(is_result, "-fine")
        message_line.update(Content(message))

    def clear_filter(self) -> None:
        self.query_one(Input).value = ""
        self._close_with("")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.has_class("-open"):
            self.post_message(self.Changed(event.value, is_closed=False))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._close_with(event.value)

    def action_restore(self) -> None:
        previous_text = self._previous_text
        self.remove_class("-open")
        self.query_one(Input).value = previous_text
        self._close_with(previous_text)

    def _close_with(self, text: str) -> None:
        self.remove_class("-open")
        self.show_error("")
        self.post_message(self.Changed(text, is_closed=True))
