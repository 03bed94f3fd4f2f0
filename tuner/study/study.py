"""The study of a session: what to try next, what to give up, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from tuner.recipe.origins import BASELINE
from tuner.recipe.ranges import Space, inside
from tuner.recipe.samplers import check_sampler
from tuner.recipe.types import Scalar, SearchSection
from tuner.study.generations import Lineage, is_carried, open_lineage
from tuner.study.history import History
from tuner.study.proposals import Proposals
from tuner.study.pruners import RungDecision, build_pruner, kept_curve, percent_of
from tuner.study.records import (
    FIXED_PARAMS,
    STATES,
    Attribute,
    Outcome,
    Record,
    State,
    Suggestion,
    record_of,
)
from tuner.study.samplers import SEES_PRUNED
from tuner.study.seeds import Seeds
from tuner.study.space import distribution, distributions
from tuner.study.storage import open_storage

AUDIT_SHARE = 0.05
"""Of the trials that should be pruned, this share runs on, so that wrong prunes can be counted."""
AUDIT_FROM_TRIALS = 20


class Study:
    """One generation of a session's study. A trial is known by its number.

    Numbers count through the generations; in the first one they are Optuna's own. The database is
    written before a method returns and is read only by `open`, so one process at a time may have
    a study open. A value that is not a number, a number that does not exist and an outcome that
    contradicts an earlier one are bugs of the caller: ValueError, KeyError and RuntimeError.
    """

    def __init__(
        self,
        storage: RDBStorage,
        lineage: Lineage,
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
        self._seeds = Seeds(search.seed, lineage.generation)
        self._keep = keep
        self._pruner = build_pruner(search, direction, keep)
        sees_pruned = search.sampler in SEES_PRUNED
        self._history = History(space, direction, worst, sees_pruned=sees_pruned)
        self._proposals = Proposals(self._space, search, self._seeds, self._history, own_seed)
        self._carried: list[Record] = []
        self._records: dict[int, Record] = {}
        self._load()

    @classmethod
    def open(
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
        """Open the study in a database, or begin it.

        Args:
            name: the session's name, which a new study gets.
            space: the searched settings in a fixed order.
            direction: "maximize" or "minimize".
            worst: the value that a collapsed trial counts as, and any other model that has one
                answer for all rows.
            generation: a new one takes over the trials of those before that lie in its space.
            settings: the recipe's own values of what is not searched. An enqueued trial with
                just these is a point of the space.
            own_seed: the seed that every trial has by itself, so that the same values would train
                to the same bit; None where each has another one.
            keep: which evaluation a trial counts with, "best" or "last".

        Raises TunerError for a database that cannot be used, or a sampler or pruner that is not
        known or cannot search this space.
        """
        check_sampler(search, space)
        wanted = StudyDirection.MAXIMIZE if direction == "maximize" else StudyDirection.MINIMIZE
        storage = open_storage(database)
        lineage = open_lineage(storage, name, generation, wanted, space, settings or {})
        return cls(storage, lineage, space, search, wanted, worst, settings or {}, own_seed, keep)

    @property
    def generation(self) -> int:
        """Which study of the session this is, counted from 0."""
        return self._lineage.generation

    @property
    def carried(self) -> int:
        """The number of trials that were taken over from earlier generations."""
        return len(self._carried)

    @property
    def exhausted(self) -> str:
        """Why there is nothing left to ask: every configuration was tried. "" while there is."""
        if any(record.state == "waiting" for record in self._records.values()):
            return ""
        return self._proposals.describe_exhaustion(self._all_records())

    def repeated_trial(self, number: int) -> int | None:
        """The earlier trial that this one would repeat to the bit, None where there is none."""
        return self._proposals.repeated_trial(self._record(number), self._all_records())

    def close(self) -> None:
        """Close the database; SQLite then folds its write-ahead log into the one file."""
        self._storage.remove_session()
        self._storage.engine.dispose()

    # ── asking ───────────────────────────────────────────────────────────────────────────────

    def enqueue(self, params: Mapping[str, Scalar], origin: str, key: str) -> int:
        """Let a trial with these values wait to be asked next; its number.

        What is not given is suggested by the sampler. A second call with the same key changes
        nothing. Values outside of their range and of settings that are not searched are taken as
        they are; such a trial is no point of the space, so the sampler does not learn from it.
        """
        known = next((r for r in self._records.values() if r.key == key), None)
        if known is not None:
            return known.number
        placed = {n: inside(self._space[n], params[n]) for n in self._space if n in params}
        given = {name: value for name, value in placed.items() if value is not None}
        fixed = {
            name: value
            for name, value in params.items()
            if name not in given and not self._is_own(name, value)
        }
        record = Record(
            self._next_number(), -1, "waiting", origin, key=key, given=given, fixed=fixed
        )
        self._create(record)
        return record.number

    def ask(self) -> Suggestion:
        """The next trial to run: one that waits, or one that the sampler suggests."""
        waiting = [r.number for r in self._records.values() if r.state == "waiting"]
        if waiting:
            return self._start_waiting(self._records[min(waiting)])
        if self.exhausted:
            raise RuntimeError(f"{self.exhausted}; look at `exhausted` before asking")
        record = Record(self._next_number(), -1, "running")
        self._proposals.fill_in(record, self._all_records())
        self._create(record)
        return record.suggestion(self._space)

    def running(self) -> list[Suggestion]:
        """The trials that were asked for and have not ended, in the order of their numbers."""
        numbers = sorted(r.number for r in self._records.values() if r.state == "running")
        return [self._records[number].suggestion(self._space) for number in numbers]

    def waiting(self) -> list[tuple[str, dict[str, Scalar]]]:
        """Origin and given values of the trials that wait to be asked for."""
        return [
            (record.origin, {**record.given, **record.fixed})
            for record in self._records.values()
            if record.state == "waiting"
        ]

    def _start_waiting(self, record: Record) -> Suggestion:
        # The state goes last: a crash in between leaves a trial that still waits.
        self._complete_params(record)
        self._storage.set_trial_state_values(record.id, TrialState.RUNNING)
        record.state = "running"
        return record.suggestion(self._space)

    def _complete_params(self, record: Record) -> None:
        stored = dict(record.params)
        self._proposals.fill_in(record, self._all_records())
        for name, value in record.params.items():
            if name not in stored:
                target = distribution(self._space[name])
                internal = target.to_internal_repr(value)
                self._storage.set_trial_param(record.id, name, internal, target)
        if record.cma_generation is not None:
            self._storage.set_trial_user_attr(
                record.id, Attribute.CMA_GENERATION, record.cma_generation
            )

    # ── what comes of a trial ────────────────────────────────────────────────────────────────

    def evaluate(
        self, number: int, share: float, value: float, *, one_label: bool = False
    ) -> RungDecision | None:
        """Note a value at a share 0…1 of the schedule; the comparison, if there is one there.

        Kept at whole percents: a second value for the same percent is not taken, and the answer
        is given for the first. The baseline is never pruned: it is the yardstick. A re-run is not
        compared: it is there to be finished. With `one_label` the value is taken for the worst.
        """
        record = self._running(number)
        percent = percent_of(share)
        if percent not in record.curve:
            _check_number(value, record)
            value = self._worst if one_label else value
            self._storage.set_trial_intermediate_value(record.id, percent, value)
            record.curve[percent] = value
        if record.repeats:
            return None
        decision = self._pruner.judge(number, percent, record.curve)
        if decision is None or decision.kept:
            return decision
        if record.origin == BASELINE:
            return decision.but_spared("it is the baseline")
        return decision.but_spared("for the audit") if self._is_audited(number) else decision

    def complete(self, number: int, value: float, *, one_label: bool = False) -> None:
        """End a trial with its value; `one_label` as in `Record`."""
        self._end(number, "complete", value, one_label=one_label)

    def prune(self, number: int, value: float | None = None, *, one_label: bool = False) -> None:
        """End a trial as given up, with this value or else the one that it would be kept with."""
        record = self._record(number)
        if value is None:
            value = record.value if record.finished else self._kept(record)
        self._end(number, "pruned", value, one_label=one_label)

    def _kept(self, record: Record) -> float | None:
        curve = kept_curve(record.curve, self._direction, self._keep)
        return curve[max(curve)] if curve else None

    def collapse(self, number: int) -> None:
        """End a trial that answers one label whatever it is asked: pruned, with the worst value."""
        self._end(number, "pruned", self._worst, collapsed=True)

    def fail(self, number: int) -> None:
        """End a trial that could not be trained; the sampler does not hear of it."""
        self._end(number, "failed", None)

    def states(self) -> dict[int, State]:
        """The state of every trial of this generation."""
        return {number: record.state for number, record in self._records.items()}

    def outcome(self, number: int) -> Outcome:
        """The state and value of a trial."""
        record = self._record(number)
        return Outcome(record.state, record.value)

    def has_collapsed(self, number: int) -> bool:
        """Whether the trial was ended as collapsed."""
        return self._record(number).collapsed

    def _end(
        self,
        number: int,
        state: State,
        value: float | None,
        *,
        collapsed: bool = False,
        one_label: bool = False,
    ) -> None:
        record = self._record(number)
        if record.finished:
            _check_same(record, state, value, collapsed)
            return
        _check_number(value, record)
        if collapsed:
            self._storage.set_trial_user_attr(record.id, Attribute.COLLAPSED, True)
        if one_label:
            self._storage.set_trial_user_attr(record.id, Attribute.ONE_LABEL, True)
        values = None if value is None else [value]
        self._storage.set_trial_state_values(record.id, _OPTUNA_STATES[state], values)
        record.state, record.value = state, value
        record.collapsed, record.one_label = collapsed, one_label
        self._history.end(record)
        self._learn(record)

    def _learn(self, record: Record) -> None:
        if not record.repeats:
            complete = record.state == "complete"
            self._pruner.learn(record.number, record.curve, complete=complete)

    # ── records and the database ─────────────────────────────────────────────────────────────

    def _load(self) -> None:
        number = self._lineage.first
        for trial in self._storage.get_all_trials(self._lineage.study_id, deepcopy=False):
            if is_carried(trial):
                original = trial.user_attrs[Attribute.CARRIED]
                self._carried.append(record_of(trial, original, self._space))
            else:
                self._records[number] = record_of(trial, number, self._space)
                number += 1
        for record in self._all_records():
            self._learn(record)
            if record.state == "running" and not self._has_all_params(record):
                self._complete_params(record)
            else:
                self._history.load(record)

    def _has_all_params(self, record: Record) -> bool:
        return self._space.keys() <= {*record.params, *record.fixed}

    def _create(self, record: Record) -> None:
        attributes: dict[str, object] = {Attribute.ORIGIN: record.origin}
        if record.key is not None:
            attributes[Attribute.KEY] = record.key
        if record.fixed:
            attributes[Attribute.FIXED] = record.fixed
        if record.cma_generation is not None:
            attributes[Attribute.CMA_GENERATION] = record.cma_generation
        waits = record.state == "waiting"
        template = create_trial(
            state=TrialState.WAITING if waits else TrialState.RUNNING,
            params=record.params,
            distributions=distributions({name: self._space[name] for name in record.params}),
            user_attrs=attributes,
            system_attrs={FIXED_PARAMS: record.given} if waits else {},
        )
        record.id = self._storage.create_new_trial(self._lineage.study_id, template)
        self._records[record.number] = record

    def _all_records(self) -> list[Record]:
        return [*self._carried, *self._records.values()]

    def _next_number(self) -> int:
        return self._lineage.first + len(self._records)

    def _record(self, number: int) -> Record:
        if number not in self._records:
            raise KeyError(f"there is no trial {number} in generation {self.generation}")
        return self._records[number]

    def _running(self, number: int) -> Record:
        record = self._record(number)
        if record.state != "running":
            raise RuntimeError(f"trial {number} is {record.state}, not running")
        return record

    def _is_own(self, name: str, value: Scalar) -> bool:
        return name not in self._space and name in self._settings and self._settings[name] == value

    def _is_audited(self, number: int) -> bool:
        if self._search.trials < AUDIT_FROM_TRIALS:
            return False
        return self._seeds.chance("audit", number) < AUDIT_SHARE


_OPTUNA_STATES = {state: optuna_state for optuna_state, state in STATES.items()}


def _check_number(value: float | None, record: Record) -> None:
    if value is not None and math.isnan(value):
        raise ValueError(f"the value of trial {record.number} is not a number")


def _check_same(record: Record, state: State, value: float | None, collapsed: bool) -> None:
    if (record.state, record.value, record.collapsed) != (state, value, collapsed):
        raise RuntimeError(
            f"trial {record.number} has ended as {record.state} with {record.value} and cannot "
            f"end as {state} with {value} again"
        )
