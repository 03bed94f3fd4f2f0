"""One Optuna study for each generation of a session, all in the session's database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.errors import TunerError
from tuner.recipe.points import is_point_of_space
from tuner.recipe.ranges import Space
from tuner.recipe.types import Scalar
from tuner.study.distributions import space_distributions
from tuner.study.records import Attribute, TrialRecord, record_from_trial, values_inside_space

_GENERATION, _SETTINGS = "generation", "settings"
_ENDED_STATES = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class GenerationStudy:
    """Where a generation is: its study in the database, and the number of its first own trial."""

    study_id: int
    generation: int
    first_number: int


def open_generation_study(
    storage: RDBStorage,
    name: str,
    generation: int,
    direction: StudyDirection,
    space: Space,
    settings: Mapping[str, Scalar],
) -> GenerationStudy:
    """Find the study of a generation, or create it with the earlier trials that lie in its space.

    A study is known by the generation noted in it, so a session folder can be copied under
    another name. Taking trials over is finished here when a crash has cut it short.
    """
    study_ids = _study_ids_by_generation(storage)
    if generation not in study_ids:
        study_ids[generation] = _create_generation_study(
            storage, name, generation, direction, settings
        )
    study_id = study_ids[generation]
    if storage.get_study_directions(study_id) != [direction]:
        raise TunerError(
            f"the study of {name} does not {direction.name.lower()} its metric, but the recipe "
            f"asks for it now: make a new session for another metric"
        )
    first_number = (
        _carry_over_trials(storage, study_ids, generation, space, settings) if generation else 0
    )
    return GenerationStudy(study_id, generation, first_number)


def is_carried_over(trial: FrozenTrial) -> bool:
    return Attribute.CARRIED in trial.user_attrs


def _study_ids_by_generation(storage: RDBStorage) -> dict[int, int]:
    return {
        study.user_attrs[_GENERATION]: storage.get_study_id_from_name(study.study_name)
        for study in storage.get_all_studies()
        if _GENERATION in study.user_attrs
    }


def _create_generation_study(
    storage: RDBStorage,
    name: str,
    generation: int,
    direction: StudyDirection,
    settings: Mapping[str, Scalar],
) -> int:
    title = f"{name} (generation {generation})" if generation else name
    try:  # a crash may have come between the study and its note
        study_id = storage.get_study_id_from_name(title)
    except KeyError:
        study_id = storage.create_new_study([direction], title)
    storage.set_study_user_attr(study_id, _SETTINGS, dict(settings))
    storage.set_study_user_attr(study_id, _GENERATION, generation)
    return study_id


def _carry_over_trials(
    storage: RDBStorage,
    study_ids: Mapping[int, int],
    generation: int,
    space: Space,
    settings: Mapping[str, Scalar],
) -> int:
    """Carry over the trials that lie in the new space; return the number of trials before it."""
    study_id = study_ids[generation]
    carried_numbers = {
        trial.user_attrs[Attribute.CARRIED]
        for trial in storage.get_all_trials(study_id, deepcopy=False)
        if is_carried_over(trial)
    }
    count = 0
    earlier_trials = _iterate_earlier_trials(storage, study_ids, generation)
    for count, (trial, fixed_values) in enumerate(earlier_trials, start=1):
        record = record_from_trial(trial, count - 1, space)
        used_values = {**fixed_values, **trial.params, **record.fixed}
        if record.number in carried_numbers or trial.state not in _ENDED_STATES:
            continue
        if is_point_of_space(record.origin, used_values, space, settings):
            storage.create_new_trial(study_id, _carried_copy(trial, record, used_values, space))
    return count


def _iterate_earlier_trials(
    storage: RDBStorage, study_ids: Mapping[int, int], generation: int
) -> Iterator[tuple[FrozenTrial, Mapping[str, Scalar]]]:
    """Yield every trained trial with what its generation fixed for all trials."""
    for earlier in sorted(g for g in study_ids if g < generation):
        fixed_values = storage.get_study_user_attrs(study_ids[earlier]).get(_SETTINGS, {})
        trials = storage.get_all_trials(study_ids[earlier], deepcopy=False)
        yield from ((trial, fixed_values) for trial in trials if not is_carried_over(trial))


def _carried_copy(
    trial: FrozenTrial, record: TrialRecord, used_values: Mapping[str, Scalar], space: Space
) -> FrozenTrial:
    attributes: dict[str, object] = {
        Attribute.CARRIED: record.number,
        Attribute.ORIGIN: record.origin,
    }
    if record.collapsed:
        attributes[Attribute.COLLAPSED] = True
    if record.one_label:
        attributes[Attribute.ONE_LABEL] = True
    return create_trial(
        state=trial.state,
        value=trial.value,
        params=values_inside_space(used_values, space),
        distributions=space_distributions(space),
        user_attrs=attributes,
        intermediate_values=dict(trial.intermediate_values),
    )
