"""Which configurations were tried: the same values on the same seed train to the same bit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tuner.recipe.origins import SEED
from tuner.recipe.ranges import Space
from tuner.recipe.types import Scalar
from tuner.study.records import TrialRecord

ATTEMPTS = 10
"""How often a sampler that proposes a known configuration is asked again."""

Point = tuple[str, ...]


def point_of_values(space: Space, values: Mapping[str, Scalar]) -> Point:
    """Return a configuration as a key; 1, 1.0 and True are different values."""
    return tuple(repr(values[name]) for name in space)


class TriedConfigurations:
    """The points that earlier trials were trained at, and on which seeds.

    `own_seed` is the one that trials have by themselves; None where each has another one, so that
    none repeats another. Failed and running trials count: the same again would end the same way.
    """

    def __init__(self, space: Space, records: Iterable[TrialRecord], own_seed: int | None) -> None:
        self._space = space
        self._own_seed = own_seed
        self._numbers: dict[tuple[Point, Scalar | None], int] = {}
        for record in records:
            self._add_record(record)

    def _add_record(self, record: TrialRecord) -> None:
        values = {**record.given_params, **record.params}
        if record.fixed.keys() <= {SEED} and self._space.keys() <= values.keys():
            key = point_of_values(self._space, values), record.fixed.get(SEED, self._own_seed)
            self._numbers[key] = min(record.number, self._numbers.get(key, record.number))

    @property
    def points_on_own_seed(self) -> set[Point]:
        return {point for point, seed in self._numbers if seed == self._own_seed}

    def find_trial_with(
        self, values: Mapping[str, Scalar], seed: Scalar | None = None
    ) -> int | None:
        """Find the first trial with these values on this seed (the recipe's own where None)."""
        if self._own_seed is None:
            return None
        seed_or_own = self._own_seed if seed is None else seed
        return self._numbers.get((point_of_values(self._space, values), seed_or_own))

    def smallest_untried_seed(self, values: Mapping[str, Scalar]) -> int:
        """Return the smallest seed on which these values were not trained yet."""
        seed = 0
        while self.find_trial_with(values, seed) is not None:
            seed += 1
        return seed
