"""What the views of one session share: the feed, the filter, the marks, the selected trial."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.session.view import TrialView
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.state.trial_filter import CachedFilter, parse_trial_filter

MAX_MARKS = 5
"""Trials that can be compared side by side."""


class Workspace:
    """What the views share; changed by keys only and never stored."""

    def __init__(self, reader: SessionReader) -> None:
        self.reader = reader
        self.marks: list[int] = []
        self.selected: int | None = None
        self.filter_text = ""
        self.trial_filter: CachedFilter | None = None
        self._matching: list[TrialView] | None = None
        self._count = 0
        self._best: int | None = None
        self._updated_until = -1

    def selected_trial(self) -> int | None:
        return self.selected

    def toggle_trial_mark(self, number: int) -> bool:
        """Mark or unmark a trial; return False if the maximum is already marked."""
        if number in self.marks:
            self.marks.remove(number)
        elif len(self.marks) < MAX_MARKS:
            self.marks.append(number)
        else:
            return False
        self._update_matches([number])
        return True

    def apply_filter_text(self, text: str) -> None:
        """Apply another filter; if it is not one, raise TunerError and keep the old one."""
        test = parse_trial_filter(text, self.reader.view, self.marks.__contains__)
        self.trial_filter = None if test is None else CachedFilter(test)
        self.filter_text = text
        self._matching = None

    def matching_trials(self) -> list[TrialView]:
        """Return the trials that match the filter, by number: the same list until they change."""
        trials = self.reader.view.trials
        if self._updated_until != self.reader.view.next_seq:
            self.forget_matches()
        if self._matching is None or self._count != len(trials):
            all_trials = [trials[number] for number in sorted(trials)]
            self._matching = (
                all_trials
                if self.trial_filter is None
                else self.trial_filter.matching_trials(all_trials)
            )
            self._count = len(trials)
        return self._matching

    def trials_changed(self, changed: Iterable[int]) -> None:
        """Update which of these trials match, after new events were read."""
        best = self.reader.view.best
        self._update_matches({*changed, *(() if best == self._best else (best, self._best))})
        self._best, self._updated_until = best, self.reader.view.next_seq

    def forget_matches(self) -> None:
        """Test all trials again, after new events whose trials are not known."""
        self._matching = None
        if self.trial_filter is not None:
            self.trial_filter.forget_results()
        self._best, self._updated_until = self.reader.view.best, self.reader.view.next_seq

    def _update_matches(self, numbers: Iterable[int | None]) -> None:
        trials = self.reader.view.trials
        for number in numbers:
            trial = None if number is None else trials.get(number)
            if (
                self.trial_filter is not None
                and trial is not None
                and self.trial_filter.update_trial(trial)
            ):
                self._matching = None
