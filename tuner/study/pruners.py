"""When a trial is given up: rules that compare it with the others at a share of the schedule.

Shares are compared at whole percents, because that is what the database keeps.
"""

# ruff: noqa: ARG002 (every rule has the same signature)
from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import optuna
from optuna.pruners import BasePruner, MedianPruner, PatientPruner
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial

from tuner.errors import TunerError
from tuner.recipe.types import SearchSection
from tuner.results.standing import kept_values

NAMES = ("halving", "median", "patient", "none")
FEWEST_COMPARED = 3
"""With fewer values to compare, the trial's own included, nothing is pruned."""
FEWEST_COMPLETE = 5
"""The median rule waits for this many complete trials (Optuna's default)."""
PATIENCE = 2
"""The patient rule prunes when this many evaluations more have brought nothing better."""

Curve = Mapping[int, float]


@dataclass(frozen=True, slots=True)
class RungDecision:
    """A trial compared with others at a share of its schedule.

    `rank` counts from 1 among the `among` values compared, its own included; equal values share
    the better rank. `cutoff` is the worst value that is kept, None while everything is. `spared`
    says that the rule would have pruned the trial, but that it goes on all the same: as the
    baseline, or for the audit.
    """

    share: float
    kept: bool
    value: float
    cutoff: float | None
    rank: int
    among: int
    rule: str
    spared: bool = False

    def but_spared(self, why: str) -> RungDecision:
        """The same decision, with the trial kept whatever it says."""
        if self.kept:
            return self
        return replace(self, kept=True, spared=True, rule=f"{self.rule}; kept, {why}")


class Pruner(Protocol):
    """A rule. Curves map whole percents of the schedule to values."""

    def learn(self, number: int, curve: Curve, *, complete: bool) -> None:
        """Take in what is known of a trial, from the database or because it has ended."""

    def judge(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        """Compare a trial at a percent of its curve; None when there is nothing to compare."""


def percent_of(share: float) -> int:
    """A share 0…1 of the schedule in whole percents, rounded down."""
    return min(100, max(0, math.floor(share * 100 + 1e-6)))


def build_pruner(search: SearchSection, direction: StudyDirection, keep: str = "best") -> Pruner:
    """The rule that a recipe asks for; TunerError for one that is not known.

    `keep` is that of the recipe: rules that compare trials do so by the values they are kept with.
    """
    match search.pruner:
        case "halving":
            halving = Halving(search.first_rung, search.reduction, direction)
            return ByKeptValue(halving, direction, keep)
        case "median":
            return ByKeptValue(Median(search.first_rung, direction), direction, keep)
        case "patient":
            return Patient(direction)
        case "none":
            return NoPruning()
    raise TunerError(f'search.pruner = "{search.pruner}" is none of {", ".join(NAMES)}')


def kept_curve(curve: Curve, direction: StudyDirection, keep: str) -> dict[int, float]:
    """At each percent the value that the trial would end with there."""
    maximize = direction == StudyDirection.MAXIMIZE
    percents = sorted(curve)
    values = kept_values((curve[p] for p in percents), maximize=maximize, keep=keep)
    return dict(zip(percents, values, strict=True))


class ByKeptValue:
    """A rule that compares trials by what they would end with, as sampler and importance do."""

    def __init__(self, rule: Pruner, direction: StudyDirection, keep: str) -> None:
        self._rule, self._direction, self._keep = rule, direction, keep

    def learn(self, number: int, curve: Curve, *, complete: bool) -> None:
        kept = kept_curve(curve, self._direction, self._keep)
        self._rule.learn(number, kept, complete=complete)

    def judge(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        return self._rule.judge(number, percent, kept_curve(curve, self._direction, self._keep))


class NoPruning:
    """Every trial runs to its end."""

    def learn(self, number: int, curve: Curve, *, complete: bool) -> None:
        return

    def judge(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        return None


class Halving:
    """Asynchronous successive halving (Li 2018, arXiv 1810.05934) on shares of the schedule.

    The first rung is at `first_rung`, each next at twice the share before, all below 1. A trial's
    value at a rung is the one at its first evaluation there or beyond; an evaluation that passes
    two rungs at once counts at the later one, and one at the very end at none. At a rung the best
    ⌈n/reduction⌉ of the n values seen there so far are kept.
    """

    def __init__(self, first_rung: float, reduction: int, direction: StudyDirection) -> None:
        self._reduction = reduction
        self._sign = 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
        self._shares = _rungs(first_rung)
        self._seen: list[dict[int, float]] = [{} for _ in self._shares]

    def learn(self, number: int, curve: Curve, *, complete: bool) -> None:
        for percent in sorted(curve):
            self._enter(number, percent, curve)

    def judge(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        rung = self._enter(number, percent, curve)
        if rung is None:
            return None
        values = self._seen[rung]
        places = math.ceil(len(values) / self._reduction)
        cutoff = sorted(values.values(), key=lambda v: -self._sign * v)[places - 1]
        judged = len(values) >= FEWEST_COMPARED
        rank = _rank(values[number], list(values.values()), self._sign)
        return RungDecision(
            share=self._shares[rung],
            kept=not judged or rank <= places,
            value=values[number],
            cutoff=cutoff if judged else None,
            rank=rank,
            among=len(values),
            rule=f"halving: best {places} of {len(values)}" if judged else "halving: too few yet",
        )

    def _enter(self, number: int, percent: int, curve: Curve) -> int | None:
        before = max((p for p in curve if p < percent), default=-1)
        passed = [
            rung
            for rung, share in enumerate(self._shares)
            if before < percent_of(share) <= percent < 100
        ]
        if not passed:
            return None
        self._seen[passed[-1]][number] = curve[percent]
        return passed[-1]


def _rungs(first: float) -> list[float]:
    shares = []
    while first < 1 - 1e-9:
        shares.append(first)
        first *= 2
    return shares


def _rank(value: float, values: list[float], sign: float) -> int:
    return 1 + sum(sign * other > sign * value for other in values)


class Median:
    """Optuna's MedianPruner: the best value so far against the median of the complete trials.

    Optuna compares values of exactly the same step, which trials with different numbers of epochs
    hardly ever have; so each complete trial is entered with its last value before each percent.
    """

    def __init__(self, first_rung: float, direction: StudyDirection) -> None:
        self._warmup = percent_of(first_rung)
        self._sign = 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
        self._pruner = MedianPruner(
            n_startup_trials=FEWEST_COMPLETE,
            n_warmup_steps=self._warmup,
            n_min_trials=FEWEST_COMPARED,
        )
        self._study = _study_in_memory(direction)
        self._curves: list[dict[int, float]] = []

    def learn(self, number: int, curve: Curve, *, complete: bool) -> None:
        if not complete or not curve:
            return
        filled = _filled(curve)
        self._curves.append(filled)
        self._study.add_trial(
            create_trial(state=TrialState.COMPLETE, value=filled[100], intermediate_values=filled)
        )

    def judge(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        others = [other[percent] for other in self._curves if percent in other]
        if not self._warmup <= percent < 100 or len(self._curves) < FEWEST_COMPLETE:
            return None
        if len(others) < FEWEST_COMPARED:
            return None
        value = self._sign * max(self._sign * v for p, v in curve.items() if p <= percent)
        return RungDecision(
            share=percent / 100,
            kept=not _would_prune(self._pruner, self._study, curve, percent),
            value=value,
            cutoff=_middle(others),
            rank=_rank(value, others, self._sign),
            among=len(others) + 1,
            rule=f"median of {len(others)} complete trials",
        )


def _filled(curve: Curve) -> dict[int, float]:
    filled: dict[int, float] = {}
    for percent in range(min(curve), 101):
        filled[percent] = curve.get(percent, filled.get(percent - 1, math.nan))
    return filled


def _middle(values: list[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


class Patient:
    """Optuna's PatientPruner on the trial's own curve: nothing better for some evaluations."""

    def __init__(self, direction: StudyDirection) -> None:
        self._sign = 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "PatientPruner is experimental")
            self._pruner = PatientPruner(None, patience=PATIENCE)
        self._study = _study_in_memory(direction)

    def learn(self, number: int, curve: Curve, *, complete: bool) -> None:
        return

    def judge(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        values = [value for p, value in sorted(curve.items()) if p <= percent]
        if len(values) <= PATIENCE + 1 or percent >= 100:
            return None
        before = [self._sign * value for value in values[: -PATIENCE - 1]]
        return RungDecision(
            share=percent / 100,
            kept=not _would_prune(self._pruner, self._study, curve, percent),
            value=values[-1],
            cutoff=self._sign * max(before),
            rank=_rank(values[-1], values, self._sign),
            among=len(values),
            rule=f"patience of {PATIENCE} evaluations",
        )


def _would_prune(pruner: BasePruner, study: optuna.Study, curve: Curve, percent: int) -> bool:
    known = {p: value for p, value in curve.items() if p <= percent}
    trial = create_trial(state=TrialState.RUNNING, intermediate_values=known)
    return pruner.prune(study, trial)


def _study_in_memory(direction: StudyDirection) -> optuna.Study:
    return optuna.create_study(storage=InMemoryStorage(), direction=direction)
