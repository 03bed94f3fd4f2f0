"""The pane of events: what happened, newest first, with the reason of every end."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from textual import events
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip

from tuner.session import events as e
from tuner.session.view import SessionView
from tuner.tui.messages import TrialChosen
from tuner.tui.render.events import event_runs
from tuner.tui.render.lined import Lines
from tuner.tui.widgets.lines import Pane, centred, lit, strip_of, styles_of

HIDDEN = frozenset({e.DataRead, e.CommandDone, e.Importance})
"""Kinds that the short list leaves out; the log view shows them."""
REMEMBERED = 2000


def _worth_a_line(event: object) -> bool:
    """A trial that is cut at a rung is told by the pruning that follows."""
    kind = type(event)  # Asked of a hundred thousand events when a long log is opened.
    return kind not in HIDDEN and (kind is not e.Rung or bool(getattr(event, "kept", True)))


def _trial_of(event: object) -> int | None:
    trial = getattr(event, "trial", None)
    return trial if isinstance(trial, int) else None


class EventsPane(Pane):
    """Only the lines that are seen are put into words. `selected` gives the trial under a cursor
    elsewhere, whose events a key shows alone.
    """

    COMPONENT_CLASSES = {"events--cursor"}
    BINDINGS = [
        Binding(
            "enter", "choose", "Trial", show=False, id="events.trial", tooltip="Go to its trial"
        ),
        Binding(
            "t",
            "only",
            "This trial",
            show=False,
            id="events.only",
            tooltip="Events of the selected trial alone, or all",
        ),
    ]

    def __init__(
        self,
        view: Callable[[], SessionView],
        *,
        number: int = 3,
        everything: bool = False,
        id: str = "events",
        selected: Callable[[], int | None] = lambda: None,
    ) -> None:
        self._view = view
        self._selected = selected
        self._everything = everything
        self._only: int | None = None
        self._cursor = 0
        self._strips: dict[tuple[int, int], Strip] = {}
        self._begin()
        super().__init__("Events", number=number, id=id)

    def _begin(self) -> None:
        self._history: object = self._view().history
        self._read = 0
        self._shown: list[int] = []
        self._own: list[int] = []
        self._strips.clear()

    def events_came(self) -> None:
        """The history grew; who has scrolled back stays with the lines that are seen."""
        history = self._view().history
        if history is not self._history:
            self._begin()
        before = len(self._indexes)
        new = range(self._read, len(history))
        worth = [at for at in new if self._everything or _worth_a_line(history[at])]
        self._shown += worth
        if self._only is not None:
            self._own += self._only_own(worth)
        self._read = len(history)
        self._grown(len(self._indexes) - before)

    def _only_own(self, indexes: Iterable[int]) -> list[int]:
        """Those of the one trial that is shown."""
        history = self._view().history
        return [index for index in indexes if _trial_of(history[index]) == self._only]

    def _grown(self, came: int) -> None:
        if came <= 0:
            return
        if self._cursor:
            self._cursor += came
        super().redraw()
        if self.scroll_offset.y > 0:
            self.scroll_to(y=self.scroll_offset.y + came, animate=False)

    @property
    def _indexes(self) -> list[int]:
        """Places in the history of what is shown, the oldest first."""
        return self._shown if self._only is None else self._own

    def describe(self) -> None:
        """How many, of what."""
        count = len(self._indexes)
        detail = str(count) if count else ""
        other = "only its own" if self._only is None else "all"
        hint = f"enter trial   t {other}" if self.has_focus and count else ""
        self.entitle(detail if self._only is None else f"#{self._only}  {detail}", hint)

    def redraw(self) -> None:
        """Another width, other lines."""
        self._strips.clear()
        super().redraw()

    def line_count(self) -> int:
        """One line an event; the empty state fills the pane."""
        return len(self._indexes) or self.size.height

    def strip(self, index: int, width: int) -> Strip:
        """The newest event is the first line."""
        indexes = self._indexes
        if not indexes:
            return super().strip(index, width)
        at = indexes[len(indexes) - 1 - index]
        remembered = self._strips.get((at, width))
        if remembered is None:
            if len(self._strips) > REMEMBERED:
                self._strips.clear()
            view = self._view()
            runs = event_runs(view.history[at], view, width, styles_of(self))
            remembered = self._strips[at, width] = strip_of(runs, width)
        if index == self._cursor and self.has_focus:
            return lit(remembered, self.get_component_rich_style("events--cursor", partial=True))
        return remembered

    def lines(self, width: int, height: int) -> Lines:
        """While nothing happened."""
        texts = ("What happens will be told here", "with the reason of every pruning")
        if self._only is not None:
            texts = (f"Nothing happened to #{self._only} yet", "t shows the events of all trials")
        return centred(texts, width, height, styles_of(self))

    # The cursor

    @property
    def trial_at_cursor(self) -> int | None:
        """The trial that the event under the cursor is about."""
        indexes = self._indexes
        if not 0 <= self._cursor < len(indexes):
            return None
        return _trial_of(self._view().history[indexes[-1 - self._cursor]])

    def _go(self, index: int) -> None:
        self._cursor = max(0, min(index, len(self._indexes) - 1))
        self.scroll_to_region(Region(0, self._cursor, 1, 1), animate=False, force=True)
        self.refresh()

    def action_scroll_down(self) -> None:
        """The event before in time."""
        self._go(self._cursor + 1)

    def action_scroll_up(self) -> None:
        """The event after in time."""
        self._go(self._cursor - 1)

    def action_page_down(self) -> None:
        """A page back in time."""
        self._go(self._cursor + max(self.size.height - 1, 1))

    def action_page_up(self) -> None:
        """A page on in time."""
        self._go(self._cursor - max(self.size.height - 1, 1))

    def action_scroll_home(self) -> None:
        """The newest event."""
        self._go(0)

    def action_scroll_end(self) -> None:
        """The oldest event."""
        self._go(len(self._indexes) - 1)

    def action_choose(self) -> None:
        """Go to the trial."""
        if (trial := self.trial_at_cursor) is not None:
            self.post_message(TrialChosen(trial))

    def action_only(self) -> None:
        """The events of one trial, or all."""
        trial = self.trial_at_cursor if self._selected() is None else self._selected()
        self._only = trial if self._only is None else None
        self._own = [] if self._only is None else self._only_own(self._shown)
        self._cursor = 0
        self.scroll_home(animate=False)
        super().redraw()

    def on_click(self, event: events.Click) -> None:
        """A click puts the cursor there, a second one goes to the trial."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        self._go(offset.y + self.scroll_offset.y)
        if event.chain >= 2:
            self.action_choose()

    def on_focus(self) -> None:
        """The cursor shows, and what enter does."""
        self.describe()
        self.refresh()

    def on_blur(self) -> None:
        """The cursor hides."""
        self.describe()
        self.refresh()
