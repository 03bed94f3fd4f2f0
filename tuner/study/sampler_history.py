"""The sampler's view of the study: an Optuna study in memory, made from the records.

The database holds what happened; this holds what a sampler should learn from it:

- only trials that are points of the space. A baseline with a rate outside of its range, or with
  other epochs than all the rest, says nothing about any point of the space, and pushing it to the
  nearest point would credit its value to settings that it was not trained with;
- a trial that predicts one label for all rows as the worst there is, collapsed or not. TPE ranks
  pruned trials by how far they came before it looks at their values, so a collapsed one is shown as
  pruned without having come anywhere;
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

from tuner.recipe.ranges import Space, coerce_to_setting, has_single_value
from tuner.recipe.types import Choices, Range, Scalar
from tuner.study.distributions import setting_distribution, space_distributions, value_at_share
from tuner.study.records import TrialRecord

_NAME = "history"


class SamplerHistory:
    """Trials as a sampler is to see them."""

    def __init__(
        self, space: Space, direction: StudyDirection, worst: float, *, sees_pruned: bool
    ) -> None:
        self._distributions = space_distributions(space)
        self._space = space
        self._worst = worst
        self._sees_pruned = sees_pruned
        self._storage = InMemoryStorage()
        self._study_id = self._storage.create_new_study([direction], _NAME)
        self._ids: dict[int, int] = {}

    def as_optuna_study(self) -> optuna.Study:
        """Return the trials as a new Optuna study, because a study caches its trials."""
        return optuna.load_study(study_name=_NAME, storage=self._storage)

    def begin_trial(self, number: int) -> FrozenTrial:
        """Add a trial that is about to get its parameters."""
        self._ids[number] = self._storage.create_new_trial(self._study_id)
        return self._storage.get_trial(self._ids[number])

    def set_trial_params(self, record: TrialRecord) -> None:
        """Show a running trial's parameters, or hide a trial that is not a point of the space."""
        if not record.lies_in_space(self._space):
            self._hide_record(record)
            return
        for name, target in self._distributions.items():
            internal = target.to_internal_repr(record.params[name])
            self._storage.set_trial_param(self._ids[record.number], name, internal, target)

    def load_record(self, record: TrialRecord) -> None:
        """Add a trial from the database."""
        if record.state == "waiting" or not record.lies_in_space(self._space):
            return
        self.begin_trial(record.number)
        self.set_trial_params(record)
        if record.has_ended:
            self.end_record(record)

    def end_record(self, record: TrialRecord) -> None:
        if record.number not in self._ids:
            return
        value = record.value_for_search(self._worst)
        if record.state == "failed" or value is None:
            self._hide_record(record)
        elif record.state == "complete" or not self._sees_pruned:
            self._finish_trial(record, TrialState.COMPLETE, value)
        else:
            self._report_last_value(record)
            self._finish_trial(record, TrialState.PRUNED, None)

    def _report_last_value(self, record: TrialRecord) -> None:
        if not record.collapsed:
            step, value = max(record.curve, default=0), record.value_for_search(self._worst)
            assert value is not None
            self._storage.set_trial_intermediate_value(self._ids[record.number], step, value)

    def _hide_record(self, record: TrialRecord) -> None:
        self._finish_trial(record, TrialState.FAIL, None)

    def _finish_trial(self, record: TrialRecord, state: TrialState, value: float | None) -> None:
        values = None if value is None else [value]
        self._storage.set_trial_state_values(self._ids.pop(record.number), state, values)


def suggest_values(
    sampler: optuna.samplers.BaseSampler,
    study: optuna.Study,
    trial: FrozenTrial,
    space: Space,
    given_values: Mapping[str, Scalar],
) -> dict[str, Scalar]:
    """Suggest a value for every setting of the space: the given one, else the sampler's.

    Source: the contract of optuna.samplers.BaseSampler (what is sampled jointly first, then each
    parameter by itself). `Study.ask` would create the trial first and its parameters one by one
    after it; found in advance like this, the database gets a trial whole or not at all.
    """
    if space.keys() <= given_values.keys():
        return {name: given_values[name] for name in space}
    joint_space = sampler.infer_relative_search_space(study, trial)
    joint_values = sampler.sample_relative(study, trial, joint_space)
    values: dict[str, Scalar] = {}
    for name, setting in space.items():
        if name in given_values:
            values[name] = given_values[name]
            continue
        if has_single_value(setting):
            values[name] = value_at_share(setting, 0.5)
            continue
        value = coerce_to_setting(setting, joint_values[name]) if name in joint_values else None
        if value is None:
            value = _draw_independently(sampler, study, trial, name, setting)
        values[name] = value
    return values


def _draw_independently(
    sampler: optuna.samplers.BaseSampler,
    study: optuna.Study,
    trial: FrozenTrial,
    name: str,
    setting: Range | Choices,
) -> Scalar:
    sampled_value = sampler.sample_independent(study, trial, name, setting_distribution(setting))
    value = coerce_to_setting(setting, sampled_value)
    if value is None:
        raise ValueError(
            f"the sampler suggested {sampled_value!r} for {name}, outside of {setting}"
        )
    return value
