"""Which settings decide, and how certain that is, from any set of trials."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.recipe.ranges import Space
from tuner.results.filters import Trial
from tuner.results.metrics import worst_metric_value

ENOUGH_COMPLETE = 50
"""Complete trials that PED-ANOVA wants (Watanabe et al. 2023): below that it is a rough guide."""
MIN_TRIALS = 4
"""Trials below which nothing is said at all."""
METHOD = "PED-ANOVA"
_REDRAWN, _MIN_RESAMPLES = 200_000, 40
"""Trials drawn for the intervals in all: of many trials fewer resamples, and keys need not wait."""
_WITH_VALUE = ("complete", "pruned", "collapsed")


@dataclass(frozen=True)
class Verdict:
    """Importances that sum to 1, the most important first, and what they rest on.

    `intervals` are percentile intervals of 90 %. `doubt` says why the numbers are only a rough
    guide, or why there are none; "" if they are reliable. `outside` counts the ended trials that
    are not points of the space, `keep` says which evaluation trials count with: "best" or "last".
    """

    shares: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    complete: int = 0
    pruned: int = 0
    collapsed: int = 0
    outside: int = 0
    keep: str = "best"
    doubt: str = ""

    @property
    def trial_count(self) -> int:
        return self.complete + self.pruned + self.collapsed

    def negligible_settings(self) -> list[str]:
        """List settings that certainly decide little: their whole interval lies below 5 %."""
        return [name for name, (_, high) in self.intervals.items() if high < 0.05]


def judge_importance(
    trials: Iterable[Trial],
    space: Space,
    *,
    is_point: Callable[[Any], bool],
    keep: str = "best",
    metric: str,
    maximize: bool,
    resamples: int = 100,
) -> Verdict:
    """Compute how much each setting decides among these trials, as the study would.

    Every trial counts with its kept value, a pruned one too; one that collapsed or predicts one
    label counts with the worst value there is. Only points of the space count at all: `is_point`
    finds them. Without `resamples` there are no intervals.
    """
    from tuner.results.importance import (  # numpy, which not all need
        bootstrap_importance,
        compute_importance,
    )

    ended = [trial for trial in trials if str(trial.state) in _WITH_VALUE]
    points = [trial for trial in ended if _counts_with_a_value(trial) and is_point(trial)]
    settings = [{name: trial.params[name] for name in space} for trial in points]
    values = [_value_of_trial(trial, metric) for trial in points]
    shares = compute_importance(space, settings, values, maximize=maximize) or {}
    resamples = min(resamples, max(_REDRAWN // max(len(points), 1), _MIN_RESAMPLES))
    intervals = (
        bootstrap_importance(space, settings, values, maximize=maximize, resamples=resamples)
        if shares and resamples
        else {}
    )
    states = [str(trial.state) for trial in points]
    complete = states.count("complete")
    return Verdict(
        shares=shares,
        intervals={name: intervals[name] for name in shares if name in intervals},
        complete=complete,
        pruned=states.count("pruned"),
        collapsed=states.count("collapsed"),
        outside=len(ended) - len(points),
        keep=keep,
        doubt=describe_rough_guide(complete) if shares else _why_no_importance(space, values),
    )


def _counts_with_a_value(trial: Trial) -> bool:
    return trial.value is not None or trial.state == "collapsed"


def _value_of_trial(trial: Trial, metric: str) -> float:
    if trial.state == "collapsed" or trial.one_label:
        return worst_metric_value(metric)
    return math.nan if trial.value is None else trial.value


def describe_rough_guide(complete: int) -> str:
    """Say why so few complete trials give only a rough guide; "" if they are enough."""
    if complete >= ENOUGH_COMPLETE:
        return ""
    return f"only rough: {complete} complete trials, {METHOD} needs {ENOUGH_COMPLETE}"


def _why_no_importance(space: Space, values: list[float]) -> str:
    if not space:
        return "the recipe searches nothing"
    if len(values) < MIN_TRIALS:
        return f"{len(values)} of these trials can be compared, and it takes {MIN_TRIALS}"
    if len({value for value in values if math.isfinite(value)}) < 2:
        return "all of these trials have the same value"
    return "no setting has more than one value"
