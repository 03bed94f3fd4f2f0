"""What a study would have decided about trials that ran to their ends: collapse and pruning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.study import StudyDirection

from tuner.recipe.types import SearchSection
from tuner.results.collapse import detect_collapse
from tuner.study.pruners import PruningRule, build_pruning_rule, percent_of_schedule


@dataclass(frozen=True)
class LoggedEvaluation:
    """What is known of one evaluation of a trial; losses as in the protocol's Evaluated."""

    share: float
    score: float
    confusion: list[list[int]]
    train_loss: float
    updates: int
    guess_loss: float
    loss_spread: float
    row_information: float | None


@dataclass(frozen=True)
class Outcome:
    """How a trial would have ended: at which share, and through which rule ("": at its end)."""

    share: float
    rule: str


def read_evaluations(answer: dict[str, Any]) -> list[LoggedEvaluation]:
    """Return the evaluations of a trial of tuner's; none of the Trainer's."""
    return [LoggedEvaluation(**fields) for fields in answer.get("evaluations", [])]


def replay_study(trials: Sequence[Sequence[LoggedEvaluation]], warmup: float) -> list[Outcome]:
    """Run trials one after the other through the usual pruning rule and the collapse rule."""
    rule = build_pruning_rule(SearchSection(), StudyDirection.MAXIMIZE, "last")
    return [
        replay_trial(rule, number, evaluations, warmup) for number, evaluations in enumerate(trials)
    ]


def replay_trial(
    rule: PruningRule, number: int, evaluations: Sequence[LoggedEvaluation], warmup: float
) -> Outcome:
    """Judge a trial at each of its evaluations, until it ends."""
    curve: dict[int, float] = {}
    for count, evaluation in enumerate(evaluations, start=1):
        percent = percent_of_schedule(evaluation.share)
        curve[percent] = evaluation.score
        if detect_collapse(evaluations[:count], warmup):
            return Outcome(evaluation.share, "collapsed")
        decision = rule.judge_trial(number, percent, curve)
        if decision is not None and not decision.kept:
            return Outcome(evaluation.share, "pruned")
    return Outcome(1.0, "")
