"""What a search that has ended has shown, in a few lines over the panes."""

from __future__ import annotations

from textual import work
from textual.message import Message

from tuner.export.outcome_text import describe_outcome
from tuner.render.renderable_lines import Lines
from tuner.render.session_facts import SessionFacts
from tuner.render.text_fitting import wrap_at_spaces
from tuner.session.folder import Session
from tuner.session.view import SessionState, SessionView
from tuner.tui.widgets.line_widgets import LineBar, theme_styles

_SEARCH_ENDED = frozenset({SessionState.FINISHED, SessionState.STOPPED, SessionState.FAILED})
_SHARE_OF_SCREEN = 4
"""The lines take at most one of so many of the screen's; the caveats come first."""


class OutcomeBar(LineBar):
    """The paragraph of `tuner run` and `status`; nothing where the search may go on by itself."""

    DEFAULT_CSS = "OutcomeBar { display: none; }"

    class Computed(Message):
        """The paragraph about the log up to the event number `seq`."""

        def __init__(self, seq: int, text: str) -> None:
            super().__init__()
            self.seq = seq
            self.text = text

    def __init__(self, reader: SessionFacts) -> None:
        self._reader = reader
        self._text = ""
        self._requested_seq = -1
        super().__init__(id="outcome")

    def update_for_state(self, state: SessionState, *, complete: bool) -> None:
        """Compute the paragraph where the search has ended, once for what the log says."""
        view = self._reader.view
        has_ended = complete and state in _SEARCH_ENDED and view.best is not None
        self.display = has_ended and bool(self._text)
        if has_ended and self._requested_seq != view.next_seq:
            self._requested_seq = view.next_seq
            self._compute_outcome(self._reader.session, view, view.next_seq)

    # Thousands of draws: off the screens' thread.
    @work(thread=True, group="outcome", description="outcome")
    def _compute_outcome(self, session: Session, view: SessionView, seq: int) -> None:
        self.post_message(self.Computed(seq, describe_outcome(session, view)))

    def on_outcome_bar_computed(self, event: Computed) -> None:
        """Show the paragraph, unless the log has gone on."""
        event.stop()
        if event.seq == self._requested_seq:
            self._text = event.text
            self.display = True
            self.adapt_height_to_text()
            self.redraw_content()

    def adapt_height_to_text(self) -> None:
        """Be as high as the text, up to a share of the screen."""
        self.styles.height = max(1, len(self._lines_that_fit(self._available_width)))

    @property
    def _available_width(self) -> int:
        return self.size.width or self.screen.size.width

    def _lines_that_fit(self, width: int) -> list[str]:
        max_lines = max(2, self.screen.size.height // _SHARE_OF_SCREEN)
        lines = wrap_at_spaces(self._text, max(width - 2, 10))
        return (
            lines
            if len(lines) <= max_lines
            else [*lines[: max_lines - 1], f"{lines[max_lines - 1]} …"]
        )

    def content_lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        style = theme_styles(self).text
        return [[(f" {line}", style)] for line in self._lines_that_fit(width)]

    def on_resize(self) -> None:
        self.adapt_height_to_text()
        super().on_resize()
