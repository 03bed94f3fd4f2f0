"""What all panes of the analysis have: the shared exploration, an empty state, saving."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, Literal

from textual import events, getters
from textual.binding import BindingType
from textual.message import Message

from tuner.render.renderable_lines import Lines
from tuner.render.state_marks import trial_state_glyph
from tuner.render.styles import Styles
from tuner.results.format import format_score
from tuner.session.view import TrialView
from tuner.tui.shell.messages import TrialChosen
from tuner.tui.shell.screenshots import save_lines_picture
from tuner.tui.shell.styled_app import StyledApp
from tuner.tui.state.exploration import Exploration
from tuner.tui.widgets.key_bindings import key
from tuner.tui.widgets.line_widgets import Pane, empty_state_lines, theme_styles

SAVE_ACTION = "save"


class AnalysisPane(Pane):
    """A chart that fills its pane. Subclasses draw it, and say how many trials it needs."""

    MIN_TRIALS: ClassVar[int] = 1
    EMPTY_STATE: ClassVar[str] = "The chart will be here"
    styled_app = getters.app(StyledApp)
    BINDINGS: ClassVar[list[BindingType]] = [
        key("s", "save", "analysis.save", "Save SVG", "Save the chart as SVG and as text"),
    ]

    class ExplorationChanged(Message):
        """Brushes, axis or family changed: the other panes show the same trials."""

        def __init__(self, pane: AnalysisPane) -> None:
            super().__init__()
            self.pane = pane

    def __init__(self, heading: str, exploration: Exploration, *, number: int, id: str) -> None:
        self.exploration = exploration
        self._pointed_trial: TrialView | None = None
        super().__init__(heading, number=number, id=id)

    def draw_chart(self, width: int, height: int, styles: Styles) -> Lines:
        """Draw the chart in width × height cells; there are trials enough."""
        raise NotImplementedError

    def content_lines(self, width: int, height: int) -> Lines:
        styles = theme_styles(self)
        if self.has_enough_trials:
            return self.draw_chart(width, max(height, 3), styles)
        return empty_state_lines(self._empty_state_texts(), width, height, styles)

    @property
    def has_enough_trials(self) -> bool:
        return len(self.exploration.sample.trials) >= self.MIN_TRIALS

    def _empty_state_texts(self) -> tuple[str, ...]:
        workspace = self.exploration.workspace
        if workspace.trial_filter is not None and workspace.reader.trial_counts.ended_count:
            return "No ended trial matches the filter", "esc clears the filter"
        if workspace.reader.view.lifecycle in ("", "session_created"):
            return self.EMPTY_STATE, "s starts the search"
        which = "first" if self.MIN_TRIALS == 1 else "second"
        return self.EMPTY_STATE, f"it comes with the {which} trial that ends"

    def redraw_content(self) -> None:
        """Draw anew what is in sight; another pane is drawn once it is."""
        if self.display:
            super().redraw_content()
        else:
            self.update_border_text()
            self._cached_strips = None

    def trial_under_mouse(self, cell: tuple[int, int]) -> TrialView | None:  # noqa: ARG002
        """Return the trial that is drawn at a cell from the left and the top, if any."""
        return None

    def pointed_trial_text(self) -> str:
        trial = self._pointed_trial
        return (
            ""
            if trial is None
            else f"{trial_state_glyph(trial)} #{trial.number} {format_score(trial.value)}"
        )

    def on_click(self, event: events.Click) -> None:
        """Select the trial under a click, open it on the second."""
        offset = event.get_content_offset(self)
        if offset is None or not self.has_enough_trials:
            return
        self._pointed_trial = self.trial_under_mouse((offset.x, offset.y + self.scroll_offset.y))
        self.update_border_text()
        if self._pointed_trial is not None:
            action: Literal["open", "stay"] = "open" if event.chain == 2 else "stay"
            self.post_message(TrialChosen(self._pointed_trial.number, action))

    def announce_exploration(self) -> None:
        """Draw anew, and say so to the other panes."""
        self.redraw_content()
        self.screen.refresh_bindings()
        self.post_message(self.ExplorationChanged(self))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:  # noqa: ARG002
        """Leave the key free for what starts a search, where there is no chart to save."""
        return self.has_enough_trials if action == SAVE_ACTION else True

    def action_save(self) -> None:
        """Save into the current folder, under the session's and the chart's name."""
        name = self.exploration.workspace.reader.session.name
        stem = f"{name}-{self.heading.lower().replace(' ', '-')}"
        width = self.content_width
        lines = self.content_lines(width, self.size.height)
        self.styled_app.save_and_notify(lambda: save_lines_picture(lines, width, Path.cwd(), stem))
