"""CMA-ES as a function of the trials before: the optimizer is replayed, never stored.

Optuna keeps the optimizer as a pickle in the database, which a copied session folder would then
bring into another's process. Its state follows from the trials of the earlier generations, and
replaying 1,000 trials takes some ten milliseconds.
"""

# ruff: noqa: ARG002 (the signatures are Optuna's)
from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler, RandomSampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from tuner.recipe.ranges import Space, has_single_value
from tuner.recipe.types import Range
from tuner.study.distributions import share_at_value, space_distributions, value_at_share
from tuner.study.records import TrialRecord
from tuner.study.seeds import PurposeSeeds

if TYPE_CHECKING:
    from cmaes import CMA

_SIGMA = 1 / 6  # of each range, as in Optuna


class CmaEsByReplay(BaseSampler):
    """CMA-ES over the searched numbers, choices drawn at random (Hansen 2016, arXiv 1604.00772).

    Every trial that has ended with a value counts, pruned ones with the value they were pruned at:
    only the order within a generation matters, and pruned trials are at its end.

    `generation` is the generation that this trial belongs to; it has to be kept with the trial.
    """

    def __init__(
        self,
        space: Space,
        seeds: PurposeSeeds,
        seed: int,
        earlier: Iterable[TrialRecord],
        worst: float,
    ) -> None:
        self._ranges = {
            name: setting
            for name, setting in space.items()
            if isinstance(setting, Range) and not has_single_value(setting)
        }
        self._first_seed = seeds.seed_for_purpose("cma")
        self._seed = seed
        self._worst = worst
        self._choices = RandomSampler(seed=self._seed)
        self._earlier = sorted(
            (r for r in earlier if r.cma_generation is not None and r.value is not None),
            key=lambda record: record.number,
        )
        self.generation: int | None = None

    def infer_relative_search_space(
        self, study: optuna.Study, trial: FrozenTrial
    ) -> dict[str, BaseDistribution]:
        return space_distributions(self._ranges)

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        optimizer = self._replay_optimizer(study.direction)
        optimizer.reseed_rng(self._seed)
        self.generation = optimizer.generation
        point = optimizer.ask().tolist()
        return {
            name: value_at_share(setting, share)
            for (name, setting), share in zip(self._ranges.items(), point, strict=True)
        }

    def sample_independent(
        self,
        study: optuna.Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        return self._choices.sample_independent(study, trial, param_name, param_distribution)

    def _replay_optimizer(self, direction: StudyDirection) -> CMA:
        optimizer = self._new_optimizer()
        solutions = self._solutions_by_generation(
            1.0 if direction == StudyDirection.MINIMIZE else -1.0
        )
        size = optimizer.population_size
        while len(solutions.get(optimizer.generation, [])) >= size:
            optimizer.tell(solutions[optimizer.generation][:size])
        return optimizer

    def _new_optimizer(self) -> CMA:
        import numpy as np
        from cmaes import CMA

        count = len(self._ranges)
        return CMA(
            mean=np.full(count, 0.5),
            sigma=_SIGMA,
            bounds=np.tile([0.0, 1.0], (count, 1)),
            n_max_resampling=10 * count,
            seed=self._first_seed,
        )

    def _solutions_by_generation(self, sign: float) -> Mapping[int, list[tuple[Any, float]]]:
        import numpy as np

        solutions: defaultdict[int, list[tuple[Any, float]]] = defaultdict(list)
        for record in self._earlier:
            point = [share_at_value(s, float(record.params[n])) for n, s in self._ranges.items()]
            assert record.cma_generation is not None
            value = record.value_for_search(self._worst)
            assert value is not None
            solutions[record.cma_generation].append((np.array(point), sign * value))
        return solutions
