"""A pane of the trial screen: arrows and page keys scroll, j and k are left to the screen."""

from __future__ import annotations

from tuner.tui.state.trial_scope import TrialScope
from tuner.tui.widgets.key_bindings import movement_keys
from tuner.tui.widgets.line_widgets import SCROLL_MOVES, Pane


class ScopePane(Pane, inherit_bindings=False):
    """A pane that draws from the scope that all panes of the trial share."""

    BINDINGS = movement_keys(SCROLL_MOVES, letters=False)

    def __init__(self, scope: TrialScope, heading: str, number: int | None, id: str) -> None:
        self.scope = scope
        super().__init__(heading, number=number, id=id)

    @property
    def is_narrow(self) -> bool:
        """Whether the panes are tabs."""
        return self.screen.has_class("-narrow") or self.screen.has_class("-low")
