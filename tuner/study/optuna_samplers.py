"""Samplers built afresh for every trial, so that no suggestion depends on what a process remembers.

Optuna's TPE, Gaussian process and random samplers are used as they are, told the whole space up
front (Optuna would infer it from the trials). Its QMC, grid and CMA-ES samplers keep state in the
study (a counter; the visited points; a pickled optimizer) that a crash between two writes leaves
behind a trial or ahead of it: those three are written here as functions of the trial's number, or
of the trials before it. The Gaussian process needs torch: Optuna imports it with the first trial
after the startup trials, and only where the recipe asks for `sampler = "gp"`.
"""

# ruff: noqa: ARG002 (the signatures are Optuna's)
from __future__ import annotations

import math
import warnings
from collections.abc import Collection, Iterable
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, GPSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial

from tuner.recipe.ranges import Space, count_whole_numbers, has_single_value
from tuner.recipe.samplers import grid_size_per_setting
from tuner.recipe.types import Choices, Range, Scalar, SearchSection
from tuner.results.metrics import worst_metric_value
from tuner.study.cma import CmaEsByReplay
from tuner.study.distributions import space_distributions, value_at_share
from tuner.study.records import TrialRecord
from tuner.study.seeds import PurposeSeeds
from tuner.study.tried_configurations import Point, point_of_values

_EVERY_WHOLE_NUMBER = 2**62
SAMPLERS_SEEING_PRUNED = frozenset({"tpe"})
"""The samplers that know what a pruned trial is; others are shown it as complete."""


def build_sampler(
    search: SearchSection,
    space: Space,
    seeds: PurposeSeeds,
    number: int,
    earlier: Iterable[TrialRecord],
    tried: Collection[Point] = (),
    attempt: int = 0,
) -> BaseSampler:
    """Build the sampler for one trial; `earlier` are the records of the study, this trial's or not.

    The grid leaves out the `tried` points. Another `attempt` draws other random numbers.
    """
    seed = (
        seeds.seed_for_purpose("sampler", number)
        if not attempt
        else seeds.seed_for_purpose(f"attempt {attempt}", number)
    )
    if not space:
        return RandomSampler(seed=seed)
    match search.sampler:
        case "tpe":
            return _TpeSampler(space, search, seed)
        case "gp":
            return _GaussianProcessSampler(space, search, seed)
        case "cmaes":
            return CmaEsByReplay(space, seeds, seed, earlier, worst_metric_value(search.metric))
        case "qmc":
            return _SobolSampler(space, seeds, number)
        case "grid":
            return _FixedPointSampler(space, _next_grid_point(search, space, seeds, seed, tried))
        case _:
            return RandomSampler(seed=seed)


def find_untried_point(
    search: SearchSection, space: Space, seeds: PurposeSeeds, tried: Collection[Point]
) -> dict[str, Scalar] | None:
    """Find an untried point, in a scattered order; None where there is none.

    Of the grid for that sampler, else of the whole space, which has to be finite.
    """
    points = search.grid_points if search.sampler == "grid" else _EVERY_WHOLE_NUMBER
    sizes = grid_size_per_setting(space, points)
    total, order = math.prod(sizes), seeds.seed_for_purpose("grid")
    for nth in range(min(total, len(tried) + 1)):
        values = _grid_values_at(space, sizes, _scattered_index(nth, total, order))
        if point_of_values(space, values) not in tried:
            return values
    return None


def _next_grid_point(
    search: SearchSection, space: Space, seeds: PurposeSeeds, seed: int, tried: Collection[Point]
) -> dict[str, Scalar]:
    """Return the next grid point, or a random one for an enqueued trial when all were tried."""
    sizes = grid_size_per_setting(space, search.grid_points)
    point = find_untried_point(search, space, seeds, tried)
    return _grid_values_at(space, sizes, seed % math.prod(sizes)) if point is None else point


def _searched_distributions(space: Space) -> dict[str, BaseDistribution]:
    return space_distributions({name: s for name, s in space.items() if not has_single_value(s)})


class _TpeSampler(TPESampler):
    """Multivariate TPE over the whole space (Watanabe 2023, arXiv 2304.11127)."""

    def __init__(self, space: Space, search: SearchSection, seed: int) -> None:
        super().__init__(
            n_startup_trials=search.startup_trials,
            seed=seed,
            multivariate=True,
            constant_liar=search.slots != 1,
        )
        self._joint = _searched_distributions(space)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._joint


class _GaussianProcessSampler(GPSampler):
    """Optuna's Gaussian process over the whole space."""

    def __init__(self, space: Space, search: SearchSection, seed: int) -> None:
        super().__init__(seed=seed, n_startup_trials=search.startup_trials)
        self._joint = _searched_distributions(space)

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return self._joint

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        with warnings.catch_warnings():
            # A collapsed trial's loss is infinite: taken as the worst of the others, as it should.
            warnings.filterwarnings("ignore", "Clip non-finite values")
            return super().sample_relative(study, trial, search_space)


class _FixedPointSampler(BaseSampler):
    """One point of the space that is known beforehand."""

    def __init__(self, space: Space, values: dict[str, Scalar]) -> None:
        self._space = space
        self._values = values

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return space_distributions(self._space)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._values

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._values[param_name]


class _SobolSampler(_FixedPointSampler):
    """The point of a scrambled Sobol sequence that has the trial's number."""

    def __init__(self, space: Space, seeds: PurposeSeeds, number: int) -> None:
        # scipy.stats takes half a second to import, so only who asks for QMC pays for it.
        from scipy.stats import qmc

        engine = qmc.Sobol(len(space), scramble=True, rng=seeds.seed_for_purpose("sobol"))
        if number:
            engine.fast_forward(number)
        point = engine.random(1)[0].tolist()
        super().__init__(
            space,
            {
                n: value_at_share(s, share)
                for (n, s), share in zip(space.items(), point, strict=True)
            },
        )


def _grid_values_at(space: Space, sizes: list[int], index: int) -> dict[str, Scalar]:
    values: dict[str, Scalar] = {}
    for (name, setting), size in zip(space.items(), sizes, strict=True):
        index, place = divmod(index, size)
        values[name] = _grid_value_at(setting, place, size)
    return values


def _grid_value_at(setting: Range | Choices, place: int, size: int) -> Scalar:
    if isinstance(setting, Choices):
        return setting.values[place]
    if size == 1:
        return value_at_share(setting, 0.5)
    if setting.integer:
        return _whole_grid_value_at(setting, place, size)
    # The ends belong to the grid, and exactly so, whatever exp(log(x)) gives.
    ends = {0: setting.low, size - 1: setting.high}
    return ends.get(place, value_at_share(setting, place / (size - 1)))


def _whole_grid_value_at(setting: Range, place: int, size: int) -> int:
    if size == count_whole_numbers(setting):
        return int(setting.low) + place
    bare = Range(setting.low, setting.high, setting.scale)
    points = {round(float(value_at_share(bare, i / (size - 1)))) for i in range(size)}
    # On a log scale neighbours can round to the same number: fill up with the next free ones.
    free = (n for n in range(int(setting.low), int(setting.high) + 1) if n not in points)
    while len(points) < size:
        points.add(next(free))
    return sorted(points)[place]


def _scattered_index(nth: int, total: int, seed: int) -> int:
    """Permute 0…total-1 with neighbours far apart, without a list of all points."""
    stride = seed % total
    while math.gcd(stride, total) != 1:
        stride += 1
    return (nth * stride + seed // total) % total
