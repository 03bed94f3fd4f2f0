"""A view: numbered panes side by side, as tabs where it is narrow, one alone when zoomed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.containers import Container
from textual.widget import Widget

from tuner.tui.feed import Reading
from tuner.tui.widgets.bars import Choice, DrawnLine

if TYPE_CHECKING:
    from tuner.tui.app import TunerApp


class View(Container):
    """One view of a session. Heirs give the panes and redraw them from what was read.

    PANES   the panes' ids, in the order of their numbers
    ALWAYS  how many of the first stay in sight where the others are tabs
    TABS    the tabs' names, one for each pane after those; without any, all panes stay in sight
    FILTERS whether the filter of trials has a meaning here
    """

    PANES: ClassVar[tuple[str, ...]] = ()
    ALWAYS: ClassVar[int] = 0
    TABS: ClassVar[tuple[str, ...]] = ()
    FILTERS: ClassVar[bool] = False

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id, classes="view")
        self._missed: Reading | None = None
        self._missed_filter = self._missed_marks = False

    @property
    def tuner_app(self) -> TunerApp:
        """The app."""
        return cast("TunerApp", self.app)

    # What heirs give

    def above(self) -> Iterable[Widget]:
        """Lines over the panes."""
        return ()

    def panes(self) -> Iterable[Widget]:
        """The panes, in the order of their numbers."""
        raise NotImplementedError

    def below(self) -> Iterable[Widget]:
        """Lines under the panes."""
        return ()

    def show_everything(self) -> None:
        """Draw all that is known: another part of the program may have read on."""

    def session_read(self, reading: Reading) -> None:
        """Draw what changed."""

    def filter_changed(self) -> None:
        """Other trials pass."""

    def marks_changed(self) -> None:
        """Other trials are marked."""

    def tick(self) -> None:
        """A second passed."""

    def step_back(self) -> bool:
        """One layer out inside the view; False where there is none."""
        return False

    # What all have

    def compose(self) -> ComposeResult:
        """Lines, panes with their tabs, lines."""
        yield from self.above()
        with Container(classes="panes"):
            panes = list(self.panes())
            yield from panes[: self.ALWAYS]
            if self.TABS:
                numbers = f"{self.ALWAYS + 1}-{len(self.PANES)}"
                yield Choice(self.TABS, hint=f"{numbers} switch", classes="tabs")
            yield from panes[self.ALWAYS :]
        yield from self.below()

    def on_mount(self) -> None:
        """The first tab is open, and everything known is drawn."""
        for name in self.PANES[: self.ALWAYS] if self.TABS else self.PANES:
            self.pane(name).add_class("-always")
        self.open_tab(self.ALWAYS)
        self.show_everything()

    def pane(self, name: str) -> Widget:
        """A pane by its id."""
        return self.query_one(f"#{name}")

    def focus_first(self) -> None:
        """Give the focus to the pane that shows: the first, or the open tab."""
        for name in self.PANES:
            pane = self.pane(name)
            if pane.can_focus and pane.display:
                pane.focus()
                return

    def focus_pane(self, number: int) -> None:
        """Focus a pane by its number, in the narrow layout by its tab."""
        self.open_tab(number - 1)
        pane = self.pane(self.PANES[number - 1])
        if self.zoomed:
            self.zoom(pane)
        pane.focus()

    def open_tab(self, index: int) -> None:
        """Where it is narrow, the pane with this index is the one that shows."""
        if index < self.ALWAYS or not self.TABS:
            return
        self.query_one(".tabs", Choice).choose(index - self.ALWAYS)
        for place, name in enumerate(self.PANES):
            self.pane(name).set_class(place == index, "-active")

    def on_choice_chosen(self, event: Choice.Chosen) -> None:
        """A tab was clicked."""
        event.stop()
        self.focus_pane(event.index + self.ALWAYS + 1)

    @property
    def zoomed(self) -> bool:
        """Whether one pane has the whole view."""
        return self.query_one(".panes").has_class("-zoom")

    def zoom(self, pane: Widget | None) -> None:
        """One pane on the whole view, or all panes again."""
        self.query_one(".panes").set_class(pane is not None, "-zoom")
        for name in self.PANES:
            found = self.pane(name)
            found.set_class(pane is not None and found is not pane, "-aside")

    def toggle_zoom(self) -> None:
        """The focused pane alone, and back."""
        focused = self.screen.focused
        if self.zoomed:
            self.zoom(None)
        elif focused is not None and focused.id in self.PANES:
            self.zoom(focused)

    def redraw_lines(self) -> None:
        """The lines above and below."""
        for line in self.query(DrawnLine):
            line.redraw()

    # Readings and what the user changed, now or later

    def take(self, reading: Reading) -> None:
        """Draw what was read where the view shows, else remember it for later."""
        if self.display:
            self.session_read(reading)
        else:
            self._missed = reading if self._missed is None else self._missed.then(reading)

    def refilter(self) -> None:
        """Other trials pass: draw them where the view shows, else later."""
        self._missed_filter = not self.display
        if self.display:
            self.filter_changed()

    def remark(self) -> None:
        """Other trials are marked: draw them where the view shows, else later."""
        self._missed_marks = not self.display
        if self.display:
            self.marks_changed()

    def shown(self) -> None:
        """The view shows again: draw what came meanwhile."""
        missed, self._missed = self._missed, None
        if missed is not None:
            self.session_read(missed)
        if self._missed_filter:
            self.refilter()
        if self._missed_marks:
            self.remark()
