"""The pane of events: what happened, newest first, with the reason of every end."""

from __future__ import annotations

from collections.abc import Callable

from textual.strip import Strip

from tuner.session import events as e
from tuner.session.view import SessionView
from tuner.tui.render.events import event_runs
from tuner.tui.render.lined import Lines
from tuner.tui.widgets.lines import Pane, centred, strip_of, styles_of

HIDDEN = (e.DataRead, e.CommandDone, e.Importance)
"""Kinds that the short list leaves out; the log view shows them."""


def _worth_a_line(event: object) -> bool:
    """A trial that is cut at a rung is told by the pruning that follows."""
    return not (isinstance(event, HIDDEN) or (isinstance(event, e.Rung) and not event.kept))


class EventsPane(Pane):
    """Only the lines that are seen are put into words."""

    def __init__(
        self,
        view: Callable[[], SessionView],
        *,
        number: int = 3,
        everything: bool = False,
        id: str = "events",
    ) -> None:
        self._view = view
        self._everything = everything
        self._read = 0
        self._shown: list[int] = []
        self._strips: dict[tuple[int, int], Strip] = {}
        super().__init__("Events", number=number, id=id)

    def events_came(self) -> None:
        """The history grew; who has scrolled back stays with the lines that are seen."""
        before = len(self._shown)
        history = self._view().history
        for index in range(self._read, len(history)):
            if self._everything or _worth_a_line(history[index]):
                self._shown.append(index)
        self._read = len(history)
        came = len(self._shown) - before
        if came:
            self.entitle(str(len(self._shown)))
            super().redraw()
            if self.scroll_offset.y > 0:
                self.scroll_to(y=self.scroll_offset.y + came, animate=False)

    def redraw(self) -> None:
        """Another width, other lines."""
        self._strips.clear()
        super().redraw()

    def line_count(self) -> int:
        """One line an event; the empty state fills the pane."""
        return len(self._shown) or self.size.height

    def strip(self, index: int, width: int) -> Strip:
        """The newest event is the first line."""
        if not self._shown:
            return super().strip(index, width)
        at = self._shown[len(self._shown) - 1 - index]
        remembered = self._strips.get((at, width))
        if remembered is None:
            view = self._view()
            runs = event_runs(view.history[at], view, width, styles_of(self))
            remembered = self._strips[at, width] = strip_of(runs, width)
        return remembered

    def lines(self, width: int, height: int) -> Lines:
        """While nothing happened."""
        texts = ("What happens will be told here", "with the reason of every pruning")
        return centred(texts, width, height, styles_of(self))
