"""What a trial is to be trained with: the sampler's proposal, or another where that was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial

from tuner.recipe.origins import SAMPLED, SEED
from tuner.recipe.ranges import Space
from tuner.recipe.samplers import reachable_points
from tuner.recipe.types import Scalar, SearchSection
from tuner.study.cma import CmaEsByReplay
from tuner.study.history import History, suggest
from tuner.study.records import Record
from tuner.study.repeats import ATTEMPTS, TriedConfigurations
from tuner.study.samplers import build_sampler, untried_point
from tuner.study.seeds import Seeds

Values = dict[str, Scalar]


class Proposals:
    """Proposes parameters; the same ones whenever it is asked with the same history.

    `own_seed` is the seed that every trial has by itself: then the same values train to the same
    bit, and trying them again is no evidence. None where each trial has another one.
    """

    def __init__(
        self,
        space: Space,
        search: SearchSection,
        seeds: Seeds,
        history: History,
        own_seed: int | None,
    ) -> None:
        self._space = space
        self._search = search
        self._seeds = seeds
        self._history = history
        self._own_seed = own_seed

    def fill_in(self, record: Record, records: Sequence[Record]) -> None:
        """Give the record the parameters that it lacks, and a seed of its own where one is due."""
        trial = self._history.begin(record.number)
        tried = self._tried([r for r in records if r.number < record.number])
        values = self._propose(record, records, trial, tried)
        repeated = tried.trial_with(values)
        if repeated is not None and record.origin == SAMPLED:
            record.proposed_again = repeated
            if self._search.repeats == "seed":
                record.fixed[SEED] = tried.next_seed(values)
            else:
                values = self._propose_another(record, records, trial, tried, values)
        # What a crash left is put over the suggestion, not into it: with fewer draws to make, a
        # sampler's later draws would be others.
        values |= record.params
        record.params = {name: v for name, v in values.items() if name not in record.fixed}
        self._history.set_params(record)

    def describe_exhaustion(self, records: Sequence[Record]) -> str:
        """Why there is nothing new to propose; "" as long as there is."""
        total, grid = reachable_points(self._search, self._space), self._search.sampler == "grid"
        if total is None or total > len(records) or not (grid or self._ends_when_all_were_tried):
            return ""
        points = self._tried(records).points
        if untried_point(self._search, self._space, self._seeds, points) is not None:
            return ""
        return f"all {total} {'points of the grid' if grid else 'configurations'} have been tried"

    @property
    def _ends_when_all_were_tried(self) -> bool:
        return self._own_seed is not None and self._search.repeats == "new" and bool(self._space)

    def repeated_trial(self, record: Record, records: Sequence[Record]) -> int | None:
        """The earlier trial with all the values, and the seed, that a trial was given."""
        tried = self._tried([r for r in records if r.number < record.number])
        given = {**record.given, **record.params}
        if not self._space.keys() <= given.keys() or set(record.fixed) - {SEED}:
            return None
        return tried.trial_with(given, record.fixed.get(SEED))

    def _tried(self, records: Sequence[Record]) -> TriedConfigurations:
        return TriedConfigurations(self._space, records, self._own_seed)

    def _propose(
        self,
        record: Record,
        records: Sequence[Record],
        trial: FrozenTrial,
        tried: TriedConfigurations,
        attempt: int = 0,
    ) -> Values:
        sampler = build_sampler(
            self._search, self._space, self._seeds, record.number, records, tried.points, attempt
        )
        given: Mapping[str, Scalar] = {**record.given, **record.fixed}
        values = suggest(sampler, self._history.study(), trial, self._space, given)
        if isinstance(sampler, CmaEsByReplay) and record.origin == SAMPLED:
            record.cma_generation = sampler.generation
        return values

    def _propose_another(
        self,
        record: Record,
        records: Sequence[Record],
        trial: FrozenTrial,
        tried: TriedConfigurations,
        values: Values,
    ) -> Values:
        """Ask the sampler again; then take any point that is left, at random where all are."""
        for attempt in range(1, ATTEMPTS + 1):
            values = self._propose(record, records, trial, tried, attempt)
            if tried.trial_with(values) is None:
                return values
        if reachable_points(self._search, self._space) is None:
            sampler = RandomSampler(seed=self._seeds.of("anywhere", record.number))
            return suggest(sampler, self._history.study(), trial, self._space, record.fixed)
        left = untried_point(self._search, self._space, self._seeds, tried.points)
        return values if left is None else left
