"""The marked trials of a session side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.session.contest import FEWEST, Contestant, of_session
from tuner.tui.views.base import View
from tuner.tui.views.contest import ContestView
from tuner.tui.workspace import Workspace


class CompareView(ContestView):
    """The best of the marked trials is the baseline, until another is chosen."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="compare")
        self.workspace = workspace

    def contestants(self) -> Sequence[Contestant]:
        """The marked trials."""
        feed = self.workspace.feed
        return of_session(feed.session, feed.view, self.workspace.marks)

    def empty_texts(self) -> tuple[str, ...]:
        """How trials come here."""
        marked = len(self.workspace.marks)
        said = (
            "Marked trials are compared here" if not marked else "One trial is marked, two it takes"
        )
        texts = (said, "space in the table of trials marks one")
        pair = self.proposal()
        if not pair:
            return texts
        first, second = pair
        return (*texts, f"enter compares the best, #{first}, with #{second}")

    def proposal(self) -> Sequence[int]:
        """The best and the first trial, or the best and the one that is marked."""
        view, marks = self.workspace.feed.view, self.workspace.marks
        if view.best is None:
            return []
        other = next((number for number in (*marks, 0) if number != view.best), None)
        return [view.best, other] if other is not None and other in view.trials else []

    def propose(self) -> None:
        """Mark the proposed pair."""
        pair = self.proposal()
        if pair and len(self.board.contestants) < FEWEST:
            self.workspace.marks[:] = pair
            self._tell_all()

    def leave_out(self, contestant: Contestant) -> None:
        """Take the mark off."""
        self.workspace.toggle_mark(contestant.trial.number)
        self._tell_all()

    def _tell_all(self) -> None:
        for view in self.screen.query(View):
            view.remark()
