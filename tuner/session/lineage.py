"""A trial again: what a re-run repeats, on which seed, and what the re-runs have shown so far."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.load import parse
from tuner.recipe.origins import SEED, repeated
from tuner.recipe.space import settings
from tuner.recipe.types import Recipe, Scalar
from tuner.session.events import SessionStarted
from tuner.session.view import SessionView, TrialState, TrialView


@dataclass(frozen=True)
class Reruns:
    """A trial and its re-runs, by number. `values` are those of the complete ones; `mean` and
    `deviation` (of the sample, n - 1) are over them, None where there are too few.
    """

    first: TrialView
    others: tuple[TrialView, ...]
    values: tuple[float, ...]
    mean: float | None
    deviation: float | None


def first_of(view: SessionView, number: int) -> int:
    """The trial that a re-run repeats; itself where it is none."""
    trial = view.trials.get(number)
    found = None if trial is None else repeated(trial.origin)
    return number if found is None or found not in view.trials else found


def reruns_of(view: SessionView, number: int) -> Reruns:
    """The trial, or the one that it repeats, with every re-run of that."""
    first = view.trials[first_of(view, number)]
    others = tuple(t for t in _started_after(view, first) if repeated(t.origin) == first.number)
    complete = (t.value for t in (first, *others) if t.state is TrialState.COMPLETE)
    values = tuple(value for value in complete if value is not None and math.isfinite(value))
    mean = math.fsum(values) / len(values) if values else None
    return Reruns(first, others, values, mean, _deviation(values, mean))


def _deviation(values: Sequence[float], mean: float | None) -> float | None:
    if mean is None or len(values) < 2:
        return None
    squares = math.fsum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1))


def rerun_values(
    view: SessionView, number: int, taken: Iterable[Scalar] = (), wanted: Scalar | None = None
) -> dict[str, Scalar]:
    """What a re-run of a trial is to be trained with: the same values, and a seed of its own.

    The seed is the wanted one, else the smallest that no run of these values had; `taken` are those
    of re-runs that wait. Raises TunerError for a trial that has not started.
    """
    first = first_of(view, number)
    if first not in view.trials:
        raise TunerError(f"there is no trial {number} that could be run again")
    found = reruns_of(view, first)
    seeds = {*taken, found.first.seed, *(trial.seed for trial in found.others)}
    seed = _smallest_free(seeds) if wanted is None else wanted
    return {**values_of(view, found.first), SEED: seed}


def values_of(view: SessionView, trial: TrialView) -> dict[str, Scalar]:
    """All values that a trial had and that it would not have again by itself, by flat name.

    After a change of the recipe these are also the settings that were fixed at other values then.
    """
    own = {**trial.params, **trial.fixed}
    if trial.generation == view.generation:
        return own
    recipe, earlier = recipe_of(view, view.generation), recipe_of(view, trial.generation)
    if recipe is None or earlier is None:
        return own
    now, then = settings(recipe), settings(earlier)
    fixed = {n: v for n, v in then.items() if isinstance(v, bool | int | float | str)}
    return {**{n: value for n, value in fixed.items() if now.get(n) != value}, **own}


def recipe_of(view: SessionView, generation: int) -> Recipe | None:
    """The recipe of a generation as the log has it; None where it has none or an unknown one."""
    recorded = view.recipe if generation == view.generation else _recorded(view, generation)
    try:
        return parse(recorded, "events.jsonl") if recorded else None
    except TunerError:
        return None


def _recorded(view: SessionView, generation: int) -> dict[str, Any]:
    started = (event for event in view.history if isinstance(event, SessionStarted))
    return next((one.recipe for one in started if one.generation == generation), {})


def _started_after(view: SessionView, first: TrialView) -> Iterable[TrialView]:
    return (view.trials[number] for number in sorted(view.trials) if number > first.number)


def _smallest_free(taken: Collection[Scalar]) -> int:
    return next(seed for seed in range(len(taken) + 1) if seed not in taken)
