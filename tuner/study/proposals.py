"""What a trial is to be trained with: the sampler's proposal, or another where that was tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from optuna.samplers import RandomSampler
from optuna.trial import FrozenTrial

from tuner.recipe.origins import SAMPLED, SEED
from tuner.recipe.ranges import Space
from tuner.recipe.samplers import count_reachable_points
from tuner.recipe.types import Scalar, SearchSection
from tuner.study.cma import CmaEsByReplay
from tuner.study.optuna_samplers import build_sampler, find_untried_point
from tuner.study.records import TrialRecord
from tuner.study.sampler_history import SamplerHistory, suggest_values
from tuner.study.seeds import PurposeSeeds
from tuner.study.tried_configurations import ATTEMPTS, TriedConfigurations

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
        seeds: PurposeSeeds,
        history: SamplerHistory,
        own_seed: int | None,
    ) -> None:
        self._space = space
        self._search = search
        self._seeds = seeds
        self._history = history
        self._own_seed = own_seed

    def fill_in_params(self, record: TrialRecord, records: Sequence[TrialRecord]) -> None:
        """Give the record the parameters that it lacks, and a seed of its own where one is due."""
        trial = self._history.begin_trial(record.number)
        tried = self._tried_configurations([r for r in records if r.number < record.number])
        values = self._propose_values(record, records, trial, tried)
        repeated_number = tried.find_trial_with(values)
        if repeated_number is not None and record.origin == SAMPLED:
            record.proposed_again = repeated_number
            if self._search.repeats == "seed":
                record.fixed[SEED] = tried.smallest_untried_seed(values)
            else:
                values = self._propose_untried_values(record, records, trial, tried, values)
        # What a crash left is put over the suggestion, not into it: with fewer draws to make, a
        # sampler's later draws would be others.
        values |= record.params
        record.params = {name: value for name, value in values.items() if name not in record.fixed}
        self._history.set_trial_params(record)

    def describe_exhaustion(self, records: Sequence[TrialRecord]) -> str:
        """Say why there is nothing new to propose; "" as long as there is."""
        total, grid = (
            count_reachable_points(self._search, self._space),
            self._search.sampler == "grid",
        )
        if total is None or total > len(records) or not (grid or self._ends_when_all_were_tried):
            return ""
        points = self._tried_configurations(records).points_on_own_seed
        if find_untried_point(self._search, self._space, self._seeds, points) is not None:
            return ""
        return f"all {total} {'points of the grid' if grid else 'configurations'} have been tried"

    @property
    def _ends_when_all_were_tried(self) -> bool:
        return self._own_seed is not None and self._search.repeats == "new" and bool(self._space)

    def find_repeated_trial(
        self, record: TrialRecord, records: Sequence[TrialRecord]
    ) -> int | None:
        """Find the earlier trial with the same values and the same seed."""
        tried = self._tried_configurations([r for r in records if r.number < record.number])
        trial_values = {**record.given_params, **record.params}
        if not self._space.keys() <= trial_values.keys() or set(record.fixed) - {SEED}:
            return None
        return tried.find_trial_with(trial_values, record.fixed.get(SEED))

    def _tried_configurations(self, records: Sequence[TrialRecord]) -> TriedConfigurations:
        return TriedConfigurations(self._space, records, self._own_seed)

    def _propose_values(
        self,
        record: TrialRecord,
        records: Sequence[TrialRecord],
        trial: FrozenTrial,
        tried: TriedConfigurations,
        attempt: int = 0,
    ) -> Values:
        sampler = build_sampler(
            self._search,
            self._space,
            self._seeds,
            record.number,
            records,
            tried.points_on_own_seed,
            attempt,
        )
        given_values: Mapping[str, Scalar] = {**record.given_params, **record.fixed}
        values = suggest_values(
            sampler, self._history.as_optuna_study(), trial, self._space, given_values
        )
        if isinstance(sampler, CmaEsByReplay) and record.origin == SAMPLED:
            record.cma_generation = sampler.generation
        return values

    def _propose_untried_values(
        self,
        record: TrialRecord,
        records: Sequence[TrialRecord],
        trial: FrozenTrial,
        tried: TriedConfigurations,
        values: Values,
    ) -> Values:
        """Ask the sampler again, then take an untried point (at random in an infinite space)."""
        for attempt in range(1, ATTEMPTS + 1):
            values = self._propose_values(record, records, trial, tried, attempt)
            if tried.find_trial_with(values) is None:
                return values
        if count_reachable_points(self._search, self._space) is None:
            sampler = RandomSampler(seed=self._seeds.seed_for_purpose("anywhere", record.number))
            return suggest_values(
                sampler, self._history.as_optuna_study(), trial, self._space, record.fixed
            )
        untried = find_untried_point(
            self._search, self._space, self._seeds, tried.points_on_own_seed
        )
        return values if untried is None else untried
