"""A small space, a made-up model to train in it, and a way through a whole study."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tuner.recipe.types import Choices, Range, Scalar, SearchSection
from tuner.study import Study, Suggestion
from tuner.study.storage import open_study_storage

SAMPLERS = ("tpe", "cmaes", "qmc", "random", "grid", "gp")
SPACE: dict[str, Range | Choices] = {
    "lr.body": Range(1e-6, 1e-3, "log"),
    "lr.head": Range(0.0, 1e-2),
    "epochs": Range(1, 10, integer=True),
    "batch_size": Choices((8, 16, 32)),
}
MIDDLE: dict[str, Scalar] = {"lr.body": 3e-5, "lr.head": 5e-3, "epochs": 5, "batch_size": 16}
BASELINE: dict[str, Scalar] = {
    "lr.body": 2e-5,
    "lr.head": 0.5,
    "epochs": 40,
    "batch_size": 64,
    "weight_decay": 0.1,
}
EVALUATIONS = 3


def search(sampler: str = "tpe", **others: object) -> SearchSection:
    startup = 5 if sampler == "gp" else 4
    settings: dict[str, object] = {"slots": 1, "seed": 3, "startup_trials": startup, "trials": 15}
    return SearchSection(sampler=sampler, **(settings | others))  # type: ignore[arg-type]


@cache
def _blank_database() -> bytes:
    """Make a database with Optuna's tables, once, as it takes half a second."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.db"
        open_study_storage(path).engine.dispose()
        return path.read_bytes()


def open_toy_study(
    folder: Path,
    sampler: str = "tpe",
    *,
    direction: str = "maximize",
    worst: float = 0.0,
    space: Mapping[str, Range | Choices] = SPACE,
    generation: int = 0,
    settings: Mapping[str, Scalar] | None = None,
    own_seed: int | None = None,
    keep: str = "best",
    **others: object,
) -> Study:
    database = folder / "study.db"
    if not database.exists():
        database.write_bytes(_blank_database())
    return Study.open_study(
        database,
        "toy",
        space,
        search(sampler, **others),
        direction,
        worst,
        generation,
        settings,
        own_seed,
        keep,
    )


def score(params: Mapping[str, Scalar]) -> float:
    """Return at best 1, at lr.body 3e-5, lr.head 3e-3, 6 epochs."""
    body, head, epochs = (float(params[name]) for name in ("lr.body", "lr.head", "epochs"))
    return (
        1 - 0.1 * (math.log10(body) + 4.5) ** 2 - 10 * abs(head - 3e-3) - 0.01 * (epochs - 6) ** 2
    )


def train(study: Study, suggestion: Suggestion) -> None:
    """Run one trial to its end, or to where it is pruned."""
    final = score(suggestion.params)
    for step in range(1, EVALUATIONS + 1):
        share = step / EVALUATIONS
        decision = study.record_evaluation(suggestion.number, share, final * (0.5 + share / 2))
        if decision is not None and not decision.kept:
            study.prune_trial(suggestion.number)
            return
    study.complete_trial(suggestion.number, final)


def run(study: Study, trials: int) -> None:
    """Take up what runs and go on to this number of trials."""
    study.add_waiting_trial(BASELINE, "baseline", "baseline")
    study.add_waiting_trial(MIDDLE, "middle", "middle")
    for suggestion in study.running_suggestions():
        train(study, suggestion)
    while count_ended_trials(study) < trials and not study.reason_exhausted:
        train(study, study.next_suggestion())


def count_ended_trials(study: Study) -> int:
    return sum(state not in ("waiting", "running") for state in study.trial_states().values())


@dataclass(frozen=True)
class TrialFacts:
    """Everything about a trial that has to be the same in two studies."""

    params: Mapping[str, Scalar]
    curve: Mapping[int, float]
    state: str
    value: float | None


def trial_facts(study: Study) -> list[TrialFacts]:
    return [
        TrialFacts(dict(record.params), dict(record.curve), record.state, record.value)
        for record in study._records.values()
    ]
