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
from tuner.recipe.schema import PRUNERS
from tuner.recipe.types import SearchSection
from tuner.results.standing import cumulative_kept_values

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

    def as_spared_decision(self, reason: str) -> RungDecision:
        """Return the same decision with the trial kept."""
        if self.kept:
            return self
        return replace(self, kept=True, spared=True, rule=f"{self.rule}; kept, {reason}")


class PruningRule(Protocol):
    """A rule. Curves map whole percents of the schedule to values."""

    def learn_curve(self, number: int, curve: Curve, *, complete: bool) -> None:
        """Add a trial's curve, from the database or because it has ended."""

    def judge_trial(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        """Compare a trial at a percent of its curve; None when there is nothing to compare."""


def percent_of_schedule(share: float) -> int:
    """Convert a share 0…1 of the schedule to whole percents, rounded down."""
    return min(100, max(0, math.floor(share * 100 + 1e-6)))


def build_pruning_rule(
    search: SearchSection, direction: StudyDirection, keep: str = "best"
) -> PruningRule:
    """Build the rule that a recipe asks for; TunerError for an unknown one.

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
    raise TunerError(f'search.pruner = "{search.pruner}" is not one of {", ".join(PRUNERS)}')


def curve_of_kept_values(curve: Curve, direction: StudyDirection, keep: str) -> dict[int, float]:
    """Map each percent to the value that the trial would end with there."""
    maximize = direction == StudyDirection.MAXIMIZE
    percents = sorted(curve)
    values = cumulative_kept_values((curve[p] for p in percents), maximize=maximize, keep=keep)
    return dict(zip(percents, values, strict=True))


class ByKeptValue:
    """A rule that compares trials by what they would end with, as sampler and importance do."""

    def __init__(self, rule: PruningRule, direction: StudyDirection, keep: str) -> None:
        self._rule, self._direction, self._keep = rule, direction, keep

    def learn_curve(self, number: int, curve: Curve, *, complete: bool) -> None:
        kept_values_by_percent = curve_of_kept_values(curve, self._direction, self._keep)
        self._rule.learn_curve(number, kept_values_by_percent, complete=complete)

    def judge_trial(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        return self._rule.judge_trial(
            number, percent, curve_of_kept_values(curve, self._direction, self._keep)
        )


class NoPruning:
    """Every trial runs to its end."""

    def learn_curve(self, number: int, curve: Curve, *, complete: bool) -> None:
        return

    def judge_trial(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
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
        self._shares = _rung_shares(first_rung)
        self._values_by_rung: list[dict[int, float]] = [{} for _ in self._shares]

    def learn_curve(self, number: int, curve: Curve, *, complete: bool) -> None:
        for percent in sorted(curve):
            self._enter_rung(number, percent, curve)

    def judge_trial(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        rung = self._enter_rung(number, percent, curve)
        if rung is None:
            return None
        values = self._values_by_rung[rung]
        kept_places = math.ceil(len(values) / self._reduction)
        cutoff = sorted(values.values(), key=lambda v: -self._sign * v)[kept_places - 1]
        enough_to_compare = len(values) >= FEWEST_COMPARED
        rank = _rank_of_value(values[number], list(values.values()), self._sign)
        return RungDecision(
            share=self._shares[rung],
            kept=not enough_to_compare or rank <= kept_places,
            value=values[number],
            cutoff=cutoff if enough_to_compare else None,
            rank=rank,
            among=len(values),
            rule=f"halving: best {kept_places} of {len(values)}"
            if enough_to_compare
            else "halving: too few yet",
        )

    def _enter_rung(self, number: int, percent: int, curve: Curve) -> int | None:
        before = max((p for p in curve if p < percent), default=-1)
        passed = [
            rung
            for rung, share in enumerate(self._shares)
            if before < percent_of_schedule(share) <= percent < 100
        ]
        if not passed:
            return None
        self._values_by_rung[passed[-1]][number] = curve[percent]
        return passed[-1]


def _rung_shares(first: float) -> list[float]:
    shares = []
    while first < 1 - 1e-9:
        shares.append(first)
        first *= 2
    return shares


def _rank_of_value(value: float, values: list[float], sign: float) -> int:
    return 1 + sum(sign * compared > sign * value for compared in values)


class Median:
    """Optuna's MedianPruner: the best value so far against the median of the complete trials.

    Optuna compares values of exactly the same step, which trials with different numbers of epochs
    hardly ever have; so each complete trial is entered with its last value before each percent.
    """

    def __init__(self, first_rung: float, direction: StudyDirection) -> None:
        self._warmup = percent_of_schedule(first_rung)
        self._sign = 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
        self._pruner = MedianPruner(
            n_startup_trials=FEWEST_COMPLETE,
            n_warmup_steps=self._warmup,
            n_min_trials=FEWEST_COMPARED,
        )
        self._study = _create_study_in_memory(direction)
        self._curves: list[dict[int, float]] = []

    def learn_curve(self, number: int, curve: Curve, *, complete: bool) -> None:
        if not complete or not curve:
            return
        filled_curve = _fill_every_percent(curve)
        self._curves.append(filled_curve)
        self._study.add_trial(
            create_trial(
                state=TrialState.COMPLETE, value=filled_curve[100], intermediate_values=filled_curve
            )
        )

    def judge_trial(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        others = [
            curve_of_other[percent] for curve_of_other in self._curves if percent in curve_of_other
        ]
        if not self._warmup <= percent < 100 or len(self._curves) < FEWEST_COMPLETE:
            return None
        if len(others) < FEWEST_COMPARED:
            return None
        value = self._sign * max(self._sign * v for p, v in curve.items() if p <= percent)
        return RungDecision(
            share=percent / 100,
            kept=not _would_optuna_prune(self._pruner, self._study, curve, percent),
            value=value,
            cutoff=_middle_of_values(others),
            rank=_rank_of_value(value, others, self._sign),
            among=len(others) + 1,
            rule=f"median of {len(others)} complete trials",
        )


def _fill_every_percent(curve: Curve) -> dict[int, float]:
    filled: dict[int, float] = {}
    for percent in range(min(curve), 101):
        filled[percent] = curve.get(percent, filled.get(percent - 1, math.nan))
    return filled


def _middle_of_values(values: list[float]) -> float:
    ordered, half = sorted(values), len(values) // 2
    return ordered[half] if len(values) % 2 else (ordered[half - 1] + ordered[half]) / 2


class Patient:
    """Optuna's PatientPruner on the trial's own curve: nothing better for some evaluations."""

    def __init__(self, direction: StudyDirection) -> None:
        self._sign = 1.0 if direction == StudyDirection.MAXIMIZE else -1.0
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "PatientPruner is experimental")
            self._pruner = PatientPruner(None, patience=PATIENCE)
        self._study = _create_study_in_memory(direction)

    def learn_curve(self, number: int, curve: Curve, *, complete: bool) -> None:
        return

    def judge_trial(self, number: int, percent: int, curve: Curve) -> RungDecision | None:
        values = [value for p, value in sorted(curve.items()) if p <= percent]
        if len(values) <= PATIENCE + 1 or percent >= 100:
            return None
        before = [self._sign * value for value in values[: -PATIENCE - 1]]
        return RungDecision(
            share=percent / 100,
            kept=not _would_optuna_prune(self._pruner, self._study, curve, percent),
            value=values[-1],
            cutoff=self._sign * max(before),
            rank=_rank_of_value(values[-1], values, self._sign),
            among=len(values),
            rule=f"patience of {PATIENCE} evaluations",
        )


def _would_optuna_prune(
    pruner: BasePruner, study: optuna.Study, curve: Curve, percent: int
) -> bool:
    values_so_far = {p: value for p, value in curve.items() if p <= percent}
    trial = create_trial(state=TrialState.RUNNING, intermediate_values=values_so_far)
    return pruner.prune(study, trial)


def _create_study_in_memory(direction: StudyDirection) -> optuna.Study:
    return optuna.create_study(storage=InMemoryStorage(), direction=direction)
