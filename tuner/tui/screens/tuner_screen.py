"""What the screens of the app share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from textual import getters
from textual.screen import Screen
from textual.widget import Widget

from tuner.tui.shell.session_app import SessionApp
from tuner.tui.widgets.first_visit_hint import first_visit_hints
from tuner.tui.widgets.key_bar import KeyBar


class TunerScreen(Screen[None]):
    """A screen with a key bar. KEY_ORDER names the bindings that the bar shows first."""

    KEY_ORDER: ClassVar[tuple[str, ...]] = ()
    tuner_app = getters.app(SessionApp)

    def make_key_bar(self) -> KeyBar:
        return KeyBar(self.KEY_ORDER, self.key_displays)

    def key_displays(self) -> Mapping[str, str]:
        """Return by binding id how keys are written where that depends on what the screen shows."""
        return {}

    def first_use_hint(self, screen_name: str) -> Iterable[Widget]:
        """Yield one line of help where this screen is seen for the first time."""
        return first_visit_hints(self.tuner_app.seen_screens, screen_name)

    def set_breakpoint_classes(self) -> None:
        """Set the breakpoints' classes before the first layout, so that no other one flashes up."""
        size, app = self.app.size, self.app
        for extent, breakpoints in (
            (size.width, self.HORIZONTAL_BREAKPOINTS or app.HORIZONTAL_BREAKPOINTS or []),
            (size.height, self.VERTICAL_BREAKPOINTS or app.VERTICAL_BREAKPOINTS or []),
        ):
            self.add_class(max(threshold for threshold in breakpoints if threshold[0] <= extent)[1])

    def request_confirmation(self, question: str, on_confirm: Callable[[], object]) -> None:
        """Ask in the key bar; `on_confirm` is called when the answer is y."""
        self.query_one(KeyBar).ask_yes_or_no(question, on_confirm)
