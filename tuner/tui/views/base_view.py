"""A view: numbered panes side by side, as tabs where it is narrow, one alone when zoomed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual import getters
from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from tuner.tui.shell.session_app import SessionApp
from tuner.tui.state.session_reader import SessionDelta
from tuner.tui.widgets.drawn_line import Choice, DrawnLine


class View(Container):
    """One view of a session. Subclasses yield the panes and redraw them from what was read.

    PANES   the panes' ids, in the order of their numbers
    ALWAYS  how many of the first stay in sight where the others are tabs
    TABS    the tabs' names, one for each pane after those; without any, all panes stay in sight
    FILTERS whether the filter of trials has a meaning here
    """

    PANES: ClassVar[tuple[str, ...]] = ()
    ALWAYS: ClassVar[int] = 0
    tuner_app = getters.app(SessionApp)
    TABS: ClassVar[tuple[str, ...]] = ()
    FILTERS: ClassVar[bool] = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, classes="view")
        self._missed_delta: SessionDelta | None = None
        self._missed_filter_change = self._missed_marks_change = False

    # What heirs give

    def compose_above(self) -> Iterable[Widget]:
        """Yield the lines above the panes."""
        return ()

    def compose_panes(self) -> Iterable[Widget]:
        """Yield the panes, in the order of their numbers."""
        raise NotImplementedError

    def compose_below(self) -> Iterable[Widget]:
        """Yield the lines below the panes."""
        return ()

    def show_everything(self) -> None:
        """Draw all that is known: another screen may have read on."""

    def redraw_changes(self, delta: SessionDelta) -> None:
        """Draw what changed."""

    def redraw_after_filter(self) -> None:
        """Draw the trials that match the filter now."""

    def redraw_after_marks(self) -> None:
        """Draw the trials that are marked now."""

    def redraw_elapsed_times(self) -> None:
        """Draw times anew; called every second."""

    def close_inner_layer(self) -> bool:
        """Leave the innermost layer of the view; return False where there is none."""
        return False

    # What all have

    def compose(self) -> ComposeResult:
        yield from self.compose_above()
        with Container(classes="panes"):
            panes = list(self.compose_panes())
            yield from panes[: self.ALWAYS]
            if self.TABS:
                numbers = f"{self.ALWAYS + 1}-{len(self.PANES)}"
                yield Choice(self.TABS, hint=f"{numbers} switch", classes="tabs")
            yield from panes[self.ALWAYS :]
        yield from self.compose_below()

    def on_mount(self) -> None:
        for name in self.PANES[: self.ALWAYS] if self.TABS else self.PANES:
            self.pane_with_id(name).add_class("-always")
        self.open_tab_at(self.ALWAYS)
        self.show_everything()

    def pane_with_id(self, pane_id: str) -> Widget:
        return self.query_one(f"#{pane_id}")

    def focus_target(self, pane: Widget) -> Widget:
        """Return what takes the keys of a pane: itself, or the first focusable widget inside."""
        widgets = pane.walk_children(Widget, with_self=True)
        return next((widget for widget in widgets if widget.can_focus), pane)

    def pane_with_focus(self) -> Widget | None:
        return next((pane for pane in self.query(".panes > .pane") if pane.has_focus_within), None)

    def focus_first_pane(self) -> None:
        """Focus the first pane that shows, or the open tab."""
        for name in self.PANES:
            pane = self.pane_with_id(name)
            target = self.focus_target(pane)
            if target.can_focus and pane.display:
                target.focus()
                return

    def focus_pane_number(self, number: int) -> None:
        """Focus a pane by its number, in the narrow layout by its tab."""
        self.open_tab_at(number - 1)
        pane = self.pane_with_id(self.PANES[number - 1])
        if self.is_zoomed:
            self.zoom_pane(pane)
        self.focus_target(pane).focus()

    def open_tab_at(self, index: int) -> None:
        """Make the pane with this index the one that shows in the narrow layout."""
        if index < self.ALWAYS or not self.TABS:
            return
        self.query_one(".tabs", Choice).show_as_chosen(index - self.ALWAYS)
        for position, name in enumerate(self.PANES):
            self.pane_with_id(name).set_class(position == index, "-active")

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        event.stop()
        self.focus_pane_number(event.index + self.ALWAYS + 1)

    @property
    def is_zoomed(self) -> bool:
        """Whether one pane has the whole view."""
        return self.query_one(".panes").has_class("-zoom")

    def zoom_pane(self, pane: Widget | None) -> None:
        """Show one pane on the whole view, or all panes again."""
        self.query_one(".panes").set_class(pane is not None, "-zoom")
        for listed_pane in self.query(".panes > .pane"):
            listed_pane.set_class(pane is not None and listed_pane is not pane, "-aside")

    def toggle_pane_zoom(self) -> None:
        self.zoom_pane(None if self.is_zoomed else self.pane_with_focus())

    def redraw_lines(self) -> None:
        """Redraw the lines above and below."""
        for line in self.query(DrawnLine):
            line.redraw_content()

    # Readings and what the user changed, now or later

    def receive_delta(self, delta: SessionDelta) -> None:
        """Draw what was read if the view shows, else keep it for later."""
        if self.display:
            self.redraw_changes(delta)
        else:
            self._missed_delta = (
                delta if self._missed_delta is None else self._missed_delta.merged_with(delta)
            )

    def receive_filter_change(self) -> None:
        """Draw the trials that match the filter if the view shows, else later."""
        self._missed_filter_change = not self.display
        if self.display:
            self.redraw_after_filter()

    def receive_marks_change(self) -> None:
        """Draw the marked trials if the view shows, else later."""
        self._missed_marks_change = not self.display
        if self.display:
            self.redraw_after_marks()

    def draw_missed_changes(self) -> None:
        """Draw what came while the view was hidden."""
        missed_delta, self._missed_delta = self._missed_delta, None
        if missed_delta is not None:
            self.redraw_changes(missed_delta)
        if self._missed_filter_change:
            self.receive_filter_change()
        if self._missed_marks_change:
            self.receive_marks_change()
