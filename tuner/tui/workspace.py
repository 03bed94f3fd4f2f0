"""What the views of one session share: the feed, the filter, the marks, the selected trial."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.session.view import TrialView
from tuner.tui.feed import Feed
from tuner.tui.filtering import Sieve, read_filter

MOST_MARKS = 5
"""Trials that can be compared side by side."""


class Workspace:
    """Changed by keys, on the screens' side alone; nothing of it is stored."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.marks: list[int] = []
        self.selected: int | None = None
        self.filter_text = ""
        self.test: Sieve | None = None
        self._passing: list[TrialView] | None = None
        self._count = 0
        self._best: int | None = None
        self._told_until = -1

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
        self._look_again([number])
        return True

    def filter_by(self, text: str) -> None:
        """Take on another filter; raises TunerError, the old one still on, where it is none."""
        test = read_filter(text, self.feed.view, self.marks.__contains__)
        self.test = None if test is None else Sieve(test)
        self.filter_text = text
        self._passing = None

    def passing(self) -> list[TrialView]:
        """The trials that pass the filter, by number: the same list while they are the same."""
        trials = self.feed.view.trials
        if self._told_until != self.feed.view.next_seq:
            self.forget()
        if self._passing is None or self._count != len(trials):
            chosen = [trials[number] for number in sorted(trials)]
            self._passing = chosen if self.test is None else self.test.sift(chosen)
            self._count = len(trials)
        return self._passing

    def trials_changed(self, changed: Iterable[int]) -> None:
        """The feed was read on, and only these may pass now, or no longer."""
        best = self.feed.view.best
        self._look_again({*changed, *(() if best == self._best else (best, self._best))})
        self._best, self._told_until = best, self.feed.view.next_seq

    def forget(self) -> None:
        """The feed was read on, and nobody knows what changed."""
        self._passing = None
        if self.test is not None:
            self.test.forget()
        self._best, self._told_until = self.feed.view.best, self.feed.view.next_seq

    def _look_again(self, numbers: Iterable[int | None]) -> None:
        trials = self.feed.view.trials
        for number in numbers:
            known = None if number is None else trials.get(number)
            if self.test is not None and known is not None and self.test.look_again(known):
                self._passing = None
