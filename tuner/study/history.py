"""The sampler's view of the study: an Optuna study in memory, made from the records.

The database holds what happened; this holds what a sampler should learn from it:

- only trials that are points of the space. A baseline with a rate outside of its range, or with
  other epochs than all the rest, says nothing about any point of the space, and pushing it to the
  nearest point would credit its value to settings that it was not trained with;
- a trial with one answer for all rows as the worst there is, collapsed or not. TPE ranks pruned
  trials by how far they came before it
  looks at their values, so a collapsed one is shown as pruned without having come anywhere;
- for samplers that do not see pruned trials (Gaussian process), those as complete with the value
  that they were pruned at.

It is a pure function of the records in the order of their numbers, so a study that was opened
again suggests what the study that was not closed would have suggested.
"""

from __future__ import annotations

from collections.abc import Mapping

import optuna
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from tuner.recipe.ranges import Space, inside, is_single
from tuner.recipe.types import Choices, Range, Scalar
from tuner.study.records import Record
from tuner.study.space import distribution, distributions, value_at

_NAME = "history"


class History:
    """Trials as a sampler is to see them."""

    def __init__(
        self, space: Space, direction: StudyDirection, worst: float, *, sees_pruned: bool
    ) -> None:
        self._distributions = distributions(space)
        self._space = space
        self._worst = worst
        self._sees_pruned = sees_pruned
        self._storage = InMemoryStorage()
        self._study_id = self._storage.create_new_study([direction], _NAME)
        self._ids: dict[int, int] = {}

    def study(self) -> optuna.Study:
        """The trials as an Optuna study; afresh each time, because a study caches its trials."""
        return optuna.load_study(study_name=_NAME, storage=self._storage)

    def begin(self, number: int) -> FrozenTrial:
        """Take in a trial that is about to get its parameters."""
        self._ids[number] = self._storage.create_new_trial(self._study_id)
        return self._storage.get_trial(self._ids[number])

    def set_params(self, record: Record) -> None:
        """Show a running trial's parameters, or hide the trial when it is no point of the space."""
        if not record.lies_in(self._space):
            self._hide(record)
            return
        for name, target in self._distributions.items():
            internal = target.to_internal_repr(record.params[name])
            self._storage.set_trial_param(self._ids[record.number], name, internal, target)

    def load(self, record: Record) -> None:
        """Take in a trial from the database."""
        if record.state == "waiting" or not record.lies_in(self._space):
            return
        self.begin(record.number)
        self.set_params(record)
        if record.finished:
            self.end(record)

    def end(self, record: Record) -> None:
        """Show how a trial ended."""
        if record.number not in self._ids:
            return
        value = record.judged_value(self._worst)
        if record.state == "failed" or value is None:
            self._hide(record)
        elif record.state == "complete" or not self._sees_pruned:
            self._finish(record, TrialState.COMPLETE, value)
        else:
            self._report(record)
            self._finish(record, TrialState.PRUNED, None)

    def _report(self, record: Record) -> None:
        if not record.collapsed:
            step, value = max(record.curve, default=0), record.judged_value(self._worst)
            assert value is not None
            self._storage.set_trial_intermediate_value(self._ids[record.number], step, value)

    def _hide(self, record: Record) -> None:
        self._finish(record, TrialState.FAIL, None)

    def _finish(self, record: Record, state: TrialState, value: float | None) -> None:
        values = None if value is None else [value]
        self._storage.set_trial_state_values(self._ids.pop(record.number), state, values)


def suggest(
    sampler: optuna.samplers.BaseSampler,
    study: optuna.Study,
    trial: FrozenTrial,
    space: Space,
    given: Mapping[str, Scalar],
) -> dict[str, Scalar]:
    """A value for every setting of the space: the given one, else the sampler's.

    Source: the contract of optuna.samplers.BaseSampler (what is sampled jointly first, then each
    parameter by itself). `Study.ask` would create the trial first and its parameters one by one
    after it; found in advance like this, the database gets a trial whole or not at all.
    """
    if space.keys() <= given.keys():
        return {name: given[name] for name in space}
    joint = sampler.infer_relative_search_space(study, trial)
    related = sampler.sample_relative(study, trial, joint)
    values: dict[str, Scalar] = {}
    for name, setting in space.items():
        if name in given:
            values[name] = given[name]
            continue
        if is_single(setting):
            values[name] = value_at(setting, 0.5)
            continue
        value = inside(setting, related[name]) if name in related else None
        if value is None:
            value = _drawn(sampler, study, trial, name, setting)
        values[name] = value
    return values


def _drawn(
    sampler: optuna.samplers.BaseSampler,
    study: optuna.Study,
    trial: FrozenTrial,
    name: str,
    setting: Range | Choices,
) -> Scalar:
    drawn = sampler.sample_independent(study, trial, name, distribution(setting))
    value = inside(setting, drawn)
    if value is None:
        raise ValueError(f"the sampler suggested {drawn!r} for {name}, outside of {setting}")
    return value
