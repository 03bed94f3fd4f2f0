"""A Textual app with nothing in it but a word: what any program of this kind takes to start."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class EmptyApp(App[None]):
    """One word."""

    def compose(self) -> ComposeResult:
        yield Static("everything-is-painted")


if __name__ == "__main__":
    EmptyApp().run()
