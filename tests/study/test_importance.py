"""PED-ANOVA, held against Optuna's."""

from __future__ import annotations

import math
import warnings

import optuna
import pytest

from tests.study.toy_study import SPACE, score
from tuner.recipe.types import Choices, Range
from tuner.results.importance import compute_importance
from tuner.study.distributions import space_distributions

WIDE: dict[str, Range | Choices] = {
    **SPACE,
    "many": Range(1, 500, "log", integer=True),
    "few": Range(3, 7, integer=True),
    "schedule": Choices(("linear", "cosine")),
    "single": Range(0.1, 0.1),
}


@pytest.mark.parametrize("maximize", [True, False])
@pytest.mark.parametrize("trials", [4, 11, 60])
def test_it_is_optunas(trials: int, maximize: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = optuna.create_study(
            direction="maximize" if maximize else "minimize",
            sampler=optuna.samplers.RandomSampler(seed=trials),
        )
        for _ in range(trials):
            trial = study.ask(space_distributions(WIDE))
            study.tell(trial, score(trial.params) + 0.3 * (trial.params["schedule"] == "linear"))
        expected = optuna.importance.get_param_importances(study)
    importance = compute_importance(
        WIDE,
        [trial.params for trial in study.trials],
        [trial.value for trial in study.trials if trial.value is not None],
        maximize=maximize,
    )
    assert importance == pytest.approx(expected, rel=1e-7, abs=1e-10)


def test_it_needs_four_trials_and_something_that_differs() -> None:
    space = {"lr.a": Range(0, 1), "lr.b": Range(0, 1)}
    points = [{"lr.a": n / 10, "lr.b": 0.5} for n in range(8)]
    assert compute_importance(space, points[:3], [1, 2, 3], maximize=True) is None
    assert compute_importance(space, points, [0.5] * 8, maximize=True) is None
    assert compute_importance(space, points[:4], [1, 2, math.inf, 3], maximize=True) is None
    importance = compute_importance(space, points, list(range(8)), maximize=True)
    assert importance is not None
    assert list(importance) == ["lr.a", "lr.b"]
    assert sum(importance.values()) == pytest.approx(1)
    assert (
        compute_importance({"s": Range(1, 1)}, [{"s": 1.0}] * 5, list(range(5)), maximize=True)
        is None
    )
