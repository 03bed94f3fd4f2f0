"""The marked trials of a session side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.session.comparison import FEWEST_CANDIDATES, Candidate, candidates_of_session
from tuner.tui.state.workspace import Workspace
from tuner.tui.views.base_view import View
from tuner.tui.views.comparison_view import ComparisonView


class TrialComparisonView(ComparisonView):
    """The best of the marked trials is the baseline, until another is chosen."""

    def __init__(self, workspace: Workspace) -> None:
        super().__init__(id="compare")
        self.workspace = workspace

    def comparison_candidates(self) -> Sequence[Candidate]:
        reader = self.workspace.reader
        return candidates_of_session(reader.session, reader.view, self.workspace.marks)

    def empty_table_texts(self) -> tuple[str, ...]:
        marked_count = len(self.workspace.marks)
        one_marked = "One trial is marked; comparing takes two"
        first_line = one_marked if marked_count else "Marked trials are compared here"
        texts = (first_line, "space in the table of trials marks one")
        pair = self.proposed_pair()
        if not pair:
            return texts
        first, second = pair
        return (*texts, f"enter compares the best trial, #{first}, with #{second}")

    def proposed_pair(self) -> Sequence[int]:
        """Return the best and the first trial, or the best and the one that is marked."""
        view, marks = self.workspace.reader.view, self.workspace.marks
        if view.best is None:
            return []
        second = next((number for number in (*marks, 0) if number != view.best), None)
        return [view.best, second] if second is not None and second in view.trials else []

    def accept_proposed_pair(self) -> None:
        pair = self.proposed_pair()
        if pair and len(self.board.candidates) < FEWEST_CANDIDATES:
            self.workspace.marks[:] = pair
            self._update_all_views()

    def remove_candidate(self, candidate: Candidate) -> None:
        self.workspace.toggle_trial_mark(candidate.trial.number)
        self._update_all_views()

    def _update_all_views(self) -> None:
        for view in self.screen.query(View):
            view.receive_marks_change()
