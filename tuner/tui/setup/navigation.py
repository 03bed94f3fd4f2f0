"""Going from pane to pane: all of them side by side, or one at a time below tabs."""

from __future__ import annotations

from collections.abc import Callable

from textual import on
from textual.screen import Screen
from textual.widget import Widget

from tuner.errors import TunerError
from tuner.tui.setup import layout
from tuner.tui.setup.keys import PANES
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.widgets.drawn_line import Choice


class PanesScreen(Screen[None]):
    """A screen of the panes of the setup, with a line of news."""

    HORIZONTAL_BREAKPOINTS = layout.HORIZONTAL
    VERTICAL_BREAKPOINTS = layout.VERTICAL
    AUTO_FOCUS = ""
    _pane = "groups"

    @property
    def status(self) -> StatusLine:
        """The line of news."""
        return self.query_one(StatusLine)

    @on(Choice.Chosen)
    def show_chosen(self, message: Choice.Chosen) -> None:
        """A click on a tab."""
        self.action_show_pane(message.index + 1)

    def action_show_pane(self, number: int) -> None:
        """Shows and focuses a pane."""
        self._pane = PANES[number - 1]
        for name in PANES:
            self.query_one(f"#{name}").set_class(name == self._pane, "-current")
        self.set_class(self._pane == "recipe", "-recipe-shown")
        self.query_one(Choice).show_as_chosen(number - 1)
        pane = self.query_one(f"#{self._pane}")
        next(child for child in pane.walk_children(Widget) if child.can_focus).focus()

    def action_next_pane(self, by: int) -> None:
        """The next or the previous pane."""
        self.action_show_pane((PANES.index(self._pane) + by) % len(PANES) + 1)

    def on_descendant_focus(self) -> None:
        """A click may have gone to another pane."""
        for name in PANES:
            if self.query_one(f"#{name}").has_focus_within and name != self._pane:
                self.action_show_pane(PANES.index(name) + 1)

    def action_zoom(self) -> None:
        """The current pane alone, or all of them again."""
        self.toggle_class("-zoomed")

    def _try(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except TunerError as error:
            self.status.show_message(str(error), "wrong")
            return False
        return True
