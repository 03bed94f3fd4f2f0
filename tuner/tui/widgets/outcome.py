"""What a search that has ended has shown, in a few lines over the panes."""

from __future__ import annotations

from textual import work
from textual.message import Message

from tuner.export.outcome import outcome
from tuner.session.folder import Session
from tuner.session.view import SessionState, SessionView
from tuner.tui.facts import Facts
from tuner.tui.render.lined import Lines
from tuner.tui.render.names import wrapped
from tuner.tui.widgets.lines import LineBar, styles_of

_ENDED = frozenset({SessionState.FINISHED, SessionState.STOPPED, SessionState.FAILED})
_SHARE_OF_SCREEN = 4
"""The lines take at most one of so many of the screen's; the caveats come first."""


class OutcomeBar(LineBar):
    """The paragraph of `tuner run` and `status`; nothing where the search may go on by itself."""

    DEFAULT_CSS = "OutcomeBar { display: none; }"

    class Worked(Message):
        """The paragraph about the log up to an event."""

        def __init__(self, seq: int, text: str) -> None:
            super().__init__()
            self.seq = seq
            self.text = text

    def __init__(self, feed: Facts) -> None:
        self._feed = feed
        self._text = ""
        self._asked_at = -1
        super().__init__(id="outcome")

    def follow(self, state: SessionState, *, complete: bool) -> None:
        """Work the paragraph out where the search has ended, once for what the log says."""
        view = self._feed.view
        over = complete and state in _ENDED and view.best is not None
        self.display = over and bool(self._text)
        if over and self._asked_at != view.next_seq:
            self._asked_at = view.next_seq
            self._work_out(self._feed.session, view, view.next_seq)

    # Thousands of draws: off the screens' thread.
    @work(thread=True, group="outcome", description="outcome")
    def _work_out(self, session: Session, view: SessionView, seq: int) -> None:
        self.post_message(self.Worked(seq, outcome(session, view)))

    def on_outcome_bar_worked(self, event: Worked) -> None:
        """Show it, unless the log has gone on."""
        event.stop()
        if event.seq == self._asked_at:
            self._text = event.text
            self.display = True
            self.fit_height()
            self.redraw()

    def fit_height(self) -> None:
        """As high as the text, up to a share of the screen."""
        self.styles.height = max(1, len(self._wrapped(self._width)))

    @property
    def _width(self) -> int:
        return self.size.width or self.screen.size.width

    def _wrapped(self, width: int) -> list[str]:
        most = max(2, self.screen.size.height // _SHARE_OF_SCREEN)
        lines = wrapped(self._text, max(width - 2, 10))
        return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1]} …"]

    def lines(self, width: int, height: int) -> Lines:  # noqa: ARG002
        """The paragraph."""
        style = styles_of(self).text
        return [[(f" {line}", style)] for line in self._wrapped(width)]

    def on_resize(self) -> None:
        """Another width, another number of lines."""
        self.fit_height()
        super().on_resize()
