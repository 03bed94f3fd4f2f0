"""What the views of one session share: the feed, the filter, the marks, the selected trial."""

from __future__ import annotations

from tuner.results.filters import Predicate
from tuner.session.view import TrialView
from tuner.tui.feed import Feed
from tuner.tui.filtering import read_filter

MOST_MARKS = 5
"""Trials that can be compared side by side."""


class Workspace:
    """Changed by keys, on the screens' side alone; nothing of it is stored."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.marks: list[int] = []
        self.selected: int | None = None
        self.filter_text = ""
        self.test: Predicate | None = None
        self._passing: list[TrialView] = []
        self._passing_for: tuple[int, Predicate | None] | None = None

    def selected_trial(self) -> int | None:
        """The number of the trial under the cursor."""
        return self.selected

    def toggle_mark(self, number: int) -> bool:
        """Mark a trial, or take its mark off; False where there are as many as can be compared."""
        if number in self.marks:
            self.marks.remove(number)
        elif len(self.marks) < MOST_MARKS:
            self.marks.append(number)
        else:
            return False
        return True

    def filter_by(self, text: str) -> None:
        """Take on another filter; raises TunerError, the old one still on, where it is none."""
        self.test = read_filter(text, self.feed.view, self.marks.__contains__)
        self.filter_text = text

    def passing(self) -> list[TrialView]:
        """The trials that pass the filter, by number: the same list until something is read."""
        basis = (self.feed.view.next_seq, self.test)
        if self._passing_for != basis:
            trials = self.feed.view.trials
            chosen = (trials[number] for number in sorted(trials))
            self._passing = [trial for trial in chosen if self.test is None or self.test(trial)]
            self._passing_for = basis
        return self._passing
