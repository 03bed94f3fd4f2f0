"""A trial again: what a re-run repeats, on which seed, and what the re-runs have shown so far."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from tuner.errors import TunerError
from tuner.recipe.origins import SEED, repeated_trial_number
from tuner.recipe.space import settings_by_name
from tuner.recipe.types import Recipe, Scalar
from tuner.session.view import SessionView, TrialState, TrialView


@dataclass(frozen=True)
class RerunGroup:
    """A trial and its re-runs, by number.

    `values` are those of the complete ones; `mean` and `deviation` (of the sample, n - 1) are over
    them, None where there are too few.
    """

    first: TrialView
    others: tuple[TrialView, ...]
    values: tuple[float, ...]
    mean: float | None
    deviation: float | None


def original_trial_number(view: SessionView, number: int) -> int:
    """Return the trial that a re-run repeats, or the trial itself."""
    trial = view.trials.get(number)
    first_number = None if trial is None else repeated_trial_number(trial.origin)
    return number if first_number is None or first_number not in view.trials else first_number


def find_rerun_group(view: SessionView, number: int) -> RerunGroup:
    """Collect a trial, or the one that it repeats, with all re-runs of that."""
    first = view.trials[original_trial_number(view, number)]
    others = tuple(
        t
        for t in _trials_started_after(view, first)
        if repeated_trial_number(t.origin) == first.number
    )
    complete = (t.value for t in (first, *others) if t.state is TrialState.COMPLETE)
    values = tuple(value for value in complete if value is not None and math.isfinite(value))
    mean = math.fsum(values) / len(values) if values else None
    return RerunGroup(first, others, values, mean, _sample_deviation(values, mean))


def _sample_deviation(values: Sequence[float], mean: float | None) -> float | None:
    if mean is None or len(values) < 2:
        return None
    squares = math.fsum((value - mean) ** 2 for value in values)
    return math.sqrt(squares / (len(values) - 1))


def values_for_rerun(
    view: SessionView,
    number: int,
    taken_seeds: Iterable[Scalar] = (),
    requested_seed: Scalar | None = None,
) -> dict[str, Scalar]:
    """Return the values for a re-run of a trial: the same ones, and a seed of its own.

    The seed is the wanted one, else the smallest that no run of these values had; `taken_seeds` are
    those of re-runs that wait. Raises TunerError for a trial that has not started.
    """
    first = original_trial_number(view, number)
    if first not in view.trials:
        raise TunerError(f"there is no trial {number} to run again")
    group = find_rerun_group(view, first)
    seeds = {*taken_seeds, group.first.seed, *(trial.seed for trial in group.others)}
    seed = _smallest_free_seed(seeds) if requested_seed is None else requested_seed
    return {**trial_values_now(view, group.first), SEED: seed}


def trial_values_now(view: SessionView, trial: TrialView) -> dict[str, Scalar]:
    """Return all values that the trial had and that a new trial would not have by itself.

    After a change of the recipe these are also the settings that were fixed at other values then.
    """
    trial_values = {**trial.params, **trial.fixed}
    if trial.generation == view.generation:
        return trial_values
    recipe, earlier = (
        recipe_of_generation(view, view.generation),
        recipe_of_generation(view, trial.generation),
    )
    if recipe is None or earlier is None:
        return trial_values
    now, then = settings_by_name(recipe), settings_by_name(earlier)
    fixed = {n: v for n, v in then.items() if isinstance(v, bool | int | float | str)}
    return {**{n: value for n, value in fixed.items() if now.get(n) != value}, **trial_values}


def recipe_of_generation(view: SessionView, generation: int) -> Recipe | None:
    """Return a generation's recipe from the log; None where it is missing or cannot be parsed."""
    if generation == view.generation:
        return view.recipe
    return view.earlier_recipes.get(generation)


def _trials_started_after(view: SessionView, first: TrialView) -> Iterable[TrialView]:
    return (view.trials[number] for number in sorted(view.trials) if number > first.number)


def _smallest_free_seed(taken_seeds: Collection[Scalar]) -> int:
    return next(seed for seed in range(len(taken_seeds) + 1) if seed not in taken_seeds)
