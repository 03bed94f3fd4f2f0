"""The study of a session: what to try next, what to give up, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState

from tuner.recipe.origins import BASELINE
from tuner.recipe.ranges import Space, coerce_to_setting
from tuner.recipe.samplers import check_sampler_can_search
from tuner.recipe.types import Scalar, SearchSection
from tuner.study.distributions import setting_distribution
from tuner.study.generation_study import GenerationStudy, is_carried_over, open_generation_study
from tuner.study.optuna_samplers import SAMPLERS_SEEING_PRUNED
from tuner.study.proposals import Proposals
from tuner.study.pruners import (
    RungDecision,
    build_pruning_rule,
    curve_of_kept_values,
    percent_of_schedule,
)
from tuner.study.records import (
    STATES_BY_OPTUNA_STATE,
    Attribute,
    Outcome,
    RecordState,
    Suggestion,
    TrialRecord,
    record_from_trial,
    template_of_record,
)
from tuner.study.sampler_history import SamplerHistory
from tuner.study.seeds import PurposeSeeds
from tuner.study.storage import open_study_storage

AUDIT_SHARE = 0.05
"""Of the trials that should be pruned, this share runs on, so that wrong prunes can be counted."""
AUDIT_FROM_TRIALS = 20


class Study:
    """One generation of a session's study. A trial is known by its number.

    Numbers count through the generations; in the first one they are Optuna's own. The database is
    written before a method returns and is read only by `open_study`, so one process at a time may
    have a study open. A value that is not a number, a number that does not exist and an outcome
    that contradicts an earlier one are bugs of the caller: ValueError, KeyError and RuntimeError.
    """

    def __init__(
        self,
        storage: RDBStorage,
        lineage: GenerationStudy,
        space: Space,
        search: SearchSection,
        direction: StudyDirection,
        worst: float,
        settings: Mapping[str, Scalar],
        own_seed: int | None,
        keep: str,
    ) -> None:
        self._storage = storage
        self._lineage = lineage
        self._space = dict(space)
        self._search = search
        self._direction = direction
        self._worst = worst
        self._settings = settings
        self._seeds = PurposeSeeds(search.seed, lineage.generation)
        self._keep = keep
        self._pruner = build_pruning_rule(search, direction, keep)
        sees_pruned = search.sampler in SAMPLERS_SEEING_PRUNED
        self._history = SamplerHistory(space, direction, worst, sees_pruned=sees_pruned)
        self._proposals = Proposals(self._space, search, self._seeds, self._history, own_seed)
        self._carried: list[TrialRecord] = []
        self._records: dict[int, TrialRecord] = {}
        self._load_records()

    @classmethod
    def open_study(
        cls,
        database: Path,
        name: str,
        space: Space,
        search: SearchSection,
        direction: str,
        worst: float,
        generation: int = 0,
        settings: Mapping[str, Scalar] | None = None,
        own_seed: int | None = None,
        keep: str = "best",
    ) -> Study:
        """Open the study in a database, or create it.

        Args:
            database: the SQLite file.
            name: the session's name, which a new study gets.
            space: the searched settings in a fixed order.
            search: sampler, pruner and their settings.
            direction: "maximize" or "minimize".
            worst: the value that a collapsed trial counts as, and any other model that predicts
                one label for all rows.
            generation: a new one carries over earlier generations' trials that lie in its space.
            settings: the recipe's own values of what is not searched. An enqueued trial with
                just these is a point of the space.
            own_seed: the recipe's one seed for all trials, so that equal values train bit for bit
                alike; None where each trial has its own.
            keep: which evaluation a trial counts with, "best" or "last".

        Raises TunerError for a database that cannot be used, or a sampler or pruner that is not
        known or cannot search this space.

        """
        check_sampler_can_search(search, space)
        optuna_direction = (
            StudyDirection.MAXIMIZE if direction == "maximize" else StudyDirection.MINIMIZE
        )
        storage = open_study_storage(database)
        lineage = open_generation_study(
            storage, name, generation, optuna_direction, space, settings or {}
        )
        return cls(
            storage, lineage, space, search, optuna_direction, worst, settings or {}, own_seed, keep
        )

    @property
    def generation_number(self) -> int:
        return self._lineage.generation

    @property
    def carried_count(self) -> int:
        """The number of trials carried over from earlier generations."""
        return len(self._carried)

    @property
    def reason_exhausted(self) -> str:
        """Why there is nothing left to ask: every configuration was tried. "" while there is."""
        if any(record.state == "waiting" for record in self._records.values()):
            return ""
        return self._proposals.describe_exhaustion(self._carried_and_own_records())

    def find_repeated_trial(self, number: int) -> int | None:
        """Find the earlier trial that this one would repeat bit for bit."""
        return self._proposals.find_repeated_trial(
            self._find_record(number), self._carried_and_own_records()
        )

    def close_database(self) -> None:
        """Close the database; SQLite then merges its write-ahead log into the one file."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    # ── asking ───────────────────────────────────────────────────────────────────────────────

    def add_waiting_trial(self, params: Mapping[str, Scalar], origin: str, key: str) -> int:
        """Add a trial with these values that waits to be asked next; return its number.

        What is not given is suggested by the sampler. A second call with the same key changes
        nothing. Values outside of their range and of settings that are not searched are taken as
        they are; such a trial is no point of the space, so the sampler does not learn from it.
        """
        record_with_key = next((r for r in self._records.values() if r.key == key), None)
        if record_with_key is not None:
            return record_with_key.number
        values_in_space = {
            n: coerce_to_setting(self._space[n], params[n]) for n in self._space if n in params
        }
        given_params = {name: value for name, value in values_in_space.items() if value is not None}
        fixed = {
            name: value
            for name, value in params.items()
            if name not in given_params and not self._is_recipe_value(name, value)
        }
        record = TrialRecord(
            self._next_trial_number(),
            -1,
            "waiting",
            origin,
            key=key,
            given_params=given_params,
            fixed=fixed,
        )
        self._create_trial(record)
        return record.number

    def next_suggestion(self) -> Suggestion:
        """Return the next trial to run: the first that waits, or a new one of the sampler's."""
        waiting = [r.number for r in self._records.values() if r.state == "waiting"]
        if waiting:
            return self._start_waiting(self._records[min(waiting)])
        if self.reason_exhausted:
            raise RuntimeError(f"{self.reason_exhausted}; look at `exhausted` before asking")
        record = TrialRecord(self._next_trial_number(), -1, "running")
        self._proposals.fill_in_params(record, self._carried_and_own_records())
        self._create_trial(record)
        return record.as_suggestion(self._space)

    def running_suggestions(self) -> list[Suggestion]:
        """Return the trials that were asked for and have not ended, by number."""
        numbers = sorted(r.number for r in self._records.values() if r.state == "running")
        return [self._records[number].as_suggestion(self._space) for number in numbers]

    def waiting_trials(self) -> list[tuple[str, dict[str, Scalar]]]:
        """Return origin and given values of the trials that wait to be asked for."""
        return [
            (record.origin, {**record.given_params, **record.fixed})
            for record in self._records.values()
            if record.state == "waiting"
        ]

    def _start_waiting(self, record: TrialRecord) -> Suggestion:
        # The state goes last: a crash in between leaves a trial that still waits.
        self._complete_params(record)
        self._storage.set_trial_state_values(record.id, TrialState.RUNNING)
        record.state = "running"
        return record.as_suggestion(self._space)

    def _complete_params(self, record: TrialRecord) -> None:
        stored = dict(record.params)
        self._proposals.fill_in_params(record, self._carried_and_own_records())
        for name, value in record.params.items():
            if name not in stored:
                target = setting_distribution(self._space[name])
                internal = target.to_internal_repr(value)
                self._storage.set_trial_param(record.id, name, internal, target)
        if record.cma_generation is not None:
            self._storage.set_trial_user_attr(
                record.id, Attribute.CMA_GENERATION, record.cma_generation
            )

    # ── what comes of a trial ────────────────────────────────────────────────────────────────

    def record_evaluation(
        self, number: int, share: float, value: float, *, one_label: bool = False
    ) -> RungDecision | None:
        """Record a value at a share 0…1 of the schedule; return the comparison made there.

        Kept at whole percents: a second value for the same percent is not taken, and the answer
        is given for the first. The baseline is never pruned: it is the yardstick. A re-run is not
        compared: it is there to be finished. With `one_label` the value is taken for the worst.
        """
        record = self._find_running_record(number)
        percent = percent_of_schedule(share)
        if percent not in record.curve:
            _check_is_number(value, record)
            value = self._worst if one_label else value
            self._storage.set_trial_intermediate_value(record.id, percent, value)
            record.curve[percent] = value
        if record.is_rerun:
            return None
        decision = self._pruner.judge_trial(number, percent, record.curve)
        if decision is None or decision.kept:
            return decision
        if record.origin == BASELINE:
            return decision.as_spared_decision("it is the baseline")
        return (
            decision.as_spared_decision("for the audit")
            if self._is_trial_audited(number)
            else decision
        )

    def complete_trial(self, number: int, value: float, *, one_label: bool = False) -> None:
        """End a trial with its value; `one_label` as in `TrialRecord`."""
        self._end_trial(number, "complete", value, one_label=one_label)

    def prune_trial(
        self, number: int, value: float | None = None, *, one_label: bool = False
    ) -> None:
        """End a trial as pruned, with this value or else the one that it would be kept with."""
        record = self._find_record(number)
        if value is None:
            value = record.value if record.has_ended else self._kept_value(record)
        self._end_trial(number, "pruned", value, one_label=one_label)

    def _kept_value(self, record: TrialRecord) -> float | None:
        curve = curve_of_kept_values(record.curve, self._direction, self._keep)
        return curve[max(curve)] if curve else None

    def collapse_trial(self, number: int) -> None:
        """End a trial that predicts one label for every row: as pruned, with the worst value."""
        self._end_trial(number, "pruned", self._worst, collapsed=True)

    def fail_trial(self, number: int) -> None:
        """End a trial that could not be trained; the sampler does not learn of it."""
        self._end_trial(number, "failed", None)

    def trial_states(self) -> dict[int, RecordState]:
        """Map every trial of this generation to its state."""
        return {number: record.state for number, record in self._records.items()}

    def trial_outcome(self, number: int) -> Outcome:
        record = self._find_record(number)
        return Outcome(record.state, record.value)

    def is_trial_collapsed(self, number: int) -> bool:
        return self._find_record(number).collapsed

    def _end_trial(
        self,
        number: int,
        state: RecordState,
        value: float | None,
        *,
        collapsed: bool = False,
        one_label: bool = False,
    ) -> None:
        record = self._find_record(number)
        if record.has_ended:
            _check_same_outcome(record, state, value, collapsed)
            return
        _check_is_number(value, record)
        if collapsed:
            self._storage.set_trial_user_attr(record.id, Attribute.COLLAPSED, True)
        if one_label:
            self._storage.set_trial_user_attr(record.id, Attribute.ONE_LABEL, True)
        values = None if value is None else [value]
        self._storage.set_trial_state_values(record.id, _OPTUNA_STATES[state], values)
        record.state, record.value = state, value
        record.collapsed, record.one_label = collapsed, one_label
        self._history.end_record(record)
        self._teach_pruner(record)

    def _teach_pruner(self, record: TrialRecord) -> None:
        if not record.is_rerun:
            complete = record.state == "complete"
            self._pruner.learn_curve(record.number, record.curve, complete=complete)

    # ── records and the database ─────────────────────────────────────────────────────────────

    def _load_records(self) -> None:
        number = self._lineage.first_number
        for trial in self._storage.get_all_trials(self._lineage.study_id, deepcopy=False):
            if is_carried_over(trial):
                original = trial.user_attrs[Attribute.CARRIED]
                self._carried.append(record_from_trial(trial, original, self._space))
            else:
                self._records[number] = record_from_trial(trial, number, self._space)
                number += 1
        for record in self._carried_and_own_records():
            self._teach_pruner(record)
            if record.state == "running" and not self._has_all_parameters(record):
                self._complete_params(record)
            else:
                self._history.load_record(record)

    def _has_all_parameters(self, record: TrialRecord) -> bool:
        return self._space.keys() <= {*record.params, *record.fixed}

    def _create_trial(self, record: TrialRecord) -> None:
        template = template_of_record(record, self._space)
        record.id = self._storage.create_new_trial(self._lineage.study_id, template)
        self._records[record.number] = record

    def _carried_and_own_records(self) -> list[TrialRecord]:
        return [*self._carried, *self._records.values()]

    def _next_trial_number(self) -> int:
        return self._lineage.first_number + len(self._records)

    def _find_record(self, number: int) -> TrialRecord:
        if number not in self._records:
            raise KeyError(f"there is no trial {number} in generation {self.generation_number}")
        return self._records[number]

    def _find_running_record(self, number: int) -> TrialRecord:
        record = self._find_record(number)
        if record.state != "running":
            raise RuntimeError(f"trial {number} is {record.state}, not running")
        return record

    def _is_recipe_value(self, name: str, value: Scalar) -> bool:
        return name not in self._space and name in self._settings and self._settings[name] == value

    def _is_trial_audited(self, number: int) -> bool:
        if self._search.trials < AUDIT_FROM_TRIALS:
            return False
        return self._seeds.chance_for_purpose("audit", number) < AUDIT_SHARE


_OPTUNA_STATES = {state: optuna_state for optuna_state, state in STATES_BY_OPTUNA_STATE.items()}


def _check_is_number(value: float | None, record: TrialRecord) -> None:
    if value is not None and math.isnan(value):
        raise ValueError(f"the value of trial {record.number} is not a number")


def _check_same_outcome(
    record: TrialRecord, state: RecordState, value: float | None, collapsed: bool
) -> None:
    if (record.state, record.value, record.collapsed) != (state, value, collapsed):
        raise RuntimeError(
            f"trial {record.number} has ended as {record.state} with {record.value} and cannot "
            f"end as {state} with {value} again"
        )
