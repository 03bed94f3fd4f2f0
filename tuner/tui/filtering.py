"""The filter of trials as it is typed: what may be named in it is what the session knows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from tuner.errors import TunerError
from tuner.results.filters import Flags, Predicate, parse_filter
from tuner.session.view import SessionView, TrialView

SAMPLE = 40
"""Trials whose names are looked at first: nearly always they have all there are."""


def read_filter(
    text: str, view: SessionView, is_marked: Callable[[int], bool] = lambda _number: False
) -> Predicate | None:
    """Whether a trial passes, None where the text lets all pass.

    Raises TunerError in one line, with the nearest name or word, where the text is no filter.
    """
    if not text.strip():
        return None
    flags: Flags = {
        "best": lambda trial: trial.number == view.best,
        "marked": lambda trial: is_marked(trial.number),
    }
    trials = list(view.trials.values())
    try:
        return parse_filter(text, _names(view, [*trials[:SAMPLE], *trials[-SAMPLE:]]), flags)
    except TunerError:
        return parse_filter(text, _names(view, trials), flags)


def _names(view: SessionView, trials: Iterable[TrialView]) -> list[str]:
    """The metrics and settings that these trials have."""
    found = dict.fromkeys((view.metric, "accuracy", "f1_macro", "loss"))
    for trial in trials:
        found.update(dict.fromkeys(trial.params))
        found.update(dict.fromkeys(trial.fixed))
        if trial.evaluations:
            found.update(dict.fromkeys(trial.evaluations[-1].metrics))
    return list(found)
