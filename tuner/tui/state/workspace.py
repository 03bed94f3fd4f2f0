"""What the views of one session share: the feed, the filter, the marks, the selected trial."""

from __future__ import annotations

from collections.abc import Iterable

from tuner.session.view import TrialView
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.state.trial_filter import CachedFilter, parse_trial_filter

MAX_MARKS = 5
"""Trials that can be compared side by side."""


class Workspace:
    """Changed by keys, on the screens' side alone; nothing of it is stored."""

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
        """The number of the trial under the cursor."""
        return self.selected

    def toggle_trial_mark(self, number: int) -> bool:
        """Mark a trial, or take its mark off; False where there are as many as can be compared."""
        if number in self.marks:
            self.marks.remove(number)
        elif len(self.marks) < MAX_MARKS:
            self.marks.append(number)
        else:
            return False
        self._update_matches([number])
        return True

    def apply_filter_text(self, text: str) -> None:
        """Take on another filter; raises TunerError, the old one still on, where it is none."""
        test = parse_trial_filter(text, self.reader.view, self.marks.__contains__)
        self.trial_filter = None if test is None else CachedFilter(test)
        self.filter_text = text
        self._matching = None

    def matching_trials(self) -> list[TrialView]:
        """The trials that pass the filter, by number: the same list while they are the same."""
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
        """The feed was read on, and only these may pass now, or no longer."""
        best = self.reader.view.best
        self._update_matches({*changed, *(() if best == self._best else (best, self._best))})
        self._best, self._updated_until = best, self.reader.view.next_seq

    def forget_matches(self) -> None:
        """The feed was read on, and nobody knows what changed."""
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
