"""The filter of trials as it is typed: what may be named in it is what the session knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from tuner.errors import TunerError
from tuner.results.filters import Flags, Predicate, Trial, parse_filter
from tuner.session.view import SessionView, TrialView

NAME_SAMPLE = 40
"""Trials whose names are looked at first: nearly always they have all there are."""


class CachedFilter:
    """A filter that remembers which trials matched, so that only changed ones are tested again."""

    def __init__(self, test: Predicate) -> None:
        self._test = test
        self._matched: dict[int, bool] = {}

    def __call__(self, trial: Trial) -> bool:
        """Tell whether the trial matched when it was last tested."""
        matched = self._matched.get(trial.number)
        if matched is None:
            matched = self._matched[trial.number] = self._test(trial)
        return matched

    def matching_trials(self, trials: Iterable[TrialView]) -> list[TrialView]:
        """Return the trials that match, in their order; faster than calling the filter for each."""
        cached = self._matched
        return [
            trial
            for trial in trials
            if (matched if (matched := cached.get(trial.number)) is not None else self(trial))
        ]

    def update_trial(self, trial: Trial) -> bool:
        """Test a trial again; return True if the result is new or has changed."""
        before, now = self._matched.get(trial.number), self._test(trial)
        self._matched[trial.number] = now
        return now != before

    def forget_results(self) -> None:
        self._matched.clear()


def parse_trial_filter(
    text: str, view: SessionView, is_marked: Callable[[int], bool] = lambda _number: False
) -> Predicate | None:
    """Return a predicate, or None for a text that matches all trials.

    Raises TunerError with one line and the nearest name or word if the text is not a filter.
    """
    if not text.strip():
        return None
    flags: Flags = {
        "best": lambda trial: trial.number == view.best,
        "marked": lambda trial: is_marked(trial.number),
    }
    trials = list(view.trials.values())
    try:
        return parse_filter(
            text, _filterable_names(view, [*trials[:NAME_SAMPLE], *trials[-NAME_SAMPLE:]]), flags
        )
    except TunerError:
        return parse_filter(text, _filterable_names(view, trials), flags)


def _filterable_names(view: SessionView, trials: Sequence[TrialView]) -> list[str]:
    """Return the metrics and settings that these trials have."""
    metrics = [trial.evaluations[-1].metrics for trial in trials if trial.evaluations]
    settings = [values for trial in trials for values in (trial.params, trial.fixed)]
    always = (view.metric, "accuracy", "f1_macro", "loss")
    return list(dict.fromkeys((*always, *sorted(set().union(*settings, *metrics)))))
