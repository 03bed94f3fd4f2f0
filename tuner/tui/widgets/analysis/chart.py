"""What all panes of the analysis have: the shared exploration, an empty state, saving."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal, cast

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tuner.results.format import score
from tuner.session.view import TrialView
from tuner.tui.exploration import Exploration
from tuner.tui.messages import TrialChosen
from tuner.tui.picture import save_lines
from tuner.tui.render.lined import Lines
from tuner.tui.render.marks import trial_glyph
from tuner.tui.render.styles import Styles
from tuner.tui.widgets.lines import Pane, centred, styles_of

if TYPE_CHECKING:
    from tuner.tui.app import TunerApp

SAVED = "save"


class ChartPane(Pane):
    """A chart that fills its pane. Heirs draw it, and say which trials it needs at least."""

    LEAST: ClassVar[int] = 1
    WAITING: ClassVar[str] = "The chart will be here"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "s",
            "save",
            "Save SVG",
            id="analysis.save",
            tooltip="Save the chart as SVG and as text",
        ),
    ]

    class Explored(Message):
        """Brushes, axis or family changed: the other panes show the same trials."""

        def __init__(self, pane: ChartPane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, heading: str, exploration: Exploration, *, number: int, id: str) -> None:
        self.exploration = exploration
        self._pointed: TrialView | None = None
        super().__init__(heading, number=number, id=id)

    def draw(self, width: int, height: int, styles: Styles) -> Lines:
        """The chart in width × height cells, of at least `LEAST` trials."""
        raise NotImplementedError

    def lines(self, width: int, height: int) -> Lines:
        """The chart, or what brings it."""
        styles = styles_of(self)
        if self.ready:
            return self.draw(width, max(height, 3), styles)
        return centred(self._empty_texts(), width, height, styles)

    @property
    def ready(self) -> bool:
        """Whether there are enough trials to draw."""
        return len(self.exploration.sample.trials) >= self.LEAST

    def _empty_texts(self) -> tuple[str, ...]:
        workspace = self.exploration.workspace
        if workspace.test is not None and workspace.feed.tally.ended:
            return "No ended trial passes the filter", "esc takes the filter off"
        if workspace.feed.view.lifecycle in ("", "session_created"):
            return self.WAITING, "s starts the search"
        which = "first" if self.LEAST == 1 else "second"
        return self.WAITING, f"the {which} trial that ends brings it"

    def redraw(self) -> None:
        """A pane that is not in sight is drawn once it is."""
        if self.display:
            super().redraw()
        else:
            self.describe()
            self._drawn = None

    def trial_at(self, cell: tuple[int, int]) -> TrialView | None:  # noqa: ARG002
        """The trial that is drawn at a cell from the left and the top; none on most charts."""
        return None

    def pointed_text(self) -> str:
        """What the mouse has pointed at."""
        trial = self._pointed
        return "" if trial is None else f"{trial_glyph(trial)} #{trial.number} {score(trial.value)}"

    def on_click(self, event: events.Click) -> None:
        """A click on a trial selects it, a second one opens it."""
        offset = event.get_content_offset(self)
        if offset is None or not self.ready:
            return
        self._pointed = self.trial_at((offset.x, offset.y + self.scroll_offset.y))
        self.describe()
        if self._pointed is not None:
            then: Literal["open", "stay"] = "open" if event.chain == 2 else "stay"
            self.post_message(TrialChosen(self._pointed.number, then))

    def explored(self) -> None:
        """Draw anew, and tell the other panes."""
        self.redraw()
        self.screen.refresh_bindings()
        self.post_message(self.Explored(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """A chart that is not there cannot be saved; the key stays free for what starts it."""
        return self.ready if action == SAVED else True

    def action_save(self) -> None:
        """Into the current folder, under the session's and the chart's name."""
        name = self.exploration.workspace.feed.session.name
        stem = f"{name}-{self.heading.lower().replace(' ', '-')}"
        width = self.room
        lines = self.lines(width, self.size.height)
        app = cast("TunerApp", self.app)
        app.tell_saved(lambda: save_lines(lines, width, Path.cwd(), stem))
