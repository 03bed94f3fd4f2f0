"""One Optuna study for each generation of a session, all in the session's database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from tuner.errors import TunerError
from tuner.recipe.points import is_point
from tuner.recipe.ranges import Space
from tuner.recipe.types import Scalar
from tuner.study.records import Attribute, Record, record_of, values_inside
from tuner.study.space import distributions

_GENERATION, _SETTINGS = "generation", "settings"
_ENDED = (TrialState.COMPLETE, TrialState.PRUNED)


@dataclass(frozen=True, slots=True)
class Lineage:
    """Where a generation is: its study in the database, and the number of its first own trial."""

    study_id: int
    generation: int
    first: int


def open_lineage(
    storage: RDBStorage,
    name: str,
    generation: int,
    direction: StudyDirection,
    space: Space,
    settings: Mapping[str, Scalar],
) -> Lineage:
    """Find the study of a generation, or begin it with the earlier trials that lie in its space.

    A study is known by the generation noted in it, so a session folder can be copied under
    another name. Taking trials over is finished here when a crash has cut it short.
    """
    known = _studies(storage)
    if generation not in known:
        known[generation] = _new_study(storage, name, generation, direction, settings)
    study_id = known[generation]
    if storage.get_study_directions(study_id) != [direction]:
        raise TunerError(
            f"the study of {name} does not {direction.name.lower()} its metric, but the recipe "
            f"asks for it now: begin a new session for another metric"
        )
    first = _carry(storage, known, generation, space, settings) if generation else 0
    return Lineage(study_id, generation, first)


def is_carried(trial: FrozenTrial) -> bool:
    """Whether the trial was taken over from an earlier generation."""
    return Attribute.CARRIED in trial.user_attrs


def _studies(storage: RDBStorage) -> dict[int, int]:
    return {
        study.user_attrs[_GENERATION]: storage.get_study_id_from_name(study.study_name)
        for study in storage.get_all_studies()
        if _GENERATION in study.user_attrs
    }


def _new_study(
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


def _carry(
    storage: RDBStorage,
    known: Mapping[int, int],
    generation: int,
    space: Space,
    settings: Mapping[str, Scalar],
) -> int:
    """Take over the trials that lie in the new space; the number of trials before it."""
    study_id = known[generation]
    present = {
        trial.user_attrs[Attribute.CARRIED]
        for trial in storage.get_all_trials(study_id, deepcopy=False)
        if is_carried(trial)
    }
    count = 0
    own = _own_trials(storage, known, generation)
    for count, (trial, asked) in enumerate(own, start=1):
        record = record_of(trial, count - 1, space)
        used = {**asked, **trial.params, **record.fixed}
        if record.number in present or trial.state not in _ENDED:
            continue
        if is_point(record.origin, used, space, settings):
            storage.create_new_trial(study_id, _copy(trial, record, used, space))
    return count


def _own_trials(
    storage: RDBStorage, known: Mapping[int, int], generation: int
) -> Iterator[tuple[FrozenTrial, Mapping[str, Scalar]]]:
    """Every trial that was trained, with what its generation fixed for all trials."""
    for earlier in sorted(g for g in known if g < generation):
        asked = storage.get_study_user_attrs(known[earlier]).get(_SETTINGS, {})
        trials = storage.get_all_trials(known[earlier], deepcopy=False)
        yield from ((trial, asked) for trial in trials if not is_carried(trial))


def _copy(
    trial: FrozenTrial, record: Record, used: Mapping[str, Scalar], space: Space
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
        params=values_inside(used, space),
        distributions=distributions(space),
        user_attrs=attributes,
        intermediate_values=dict(trial.intermediate_values),
    )
