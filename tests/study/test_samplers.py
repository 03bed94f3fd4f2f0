"""Every sampler: the same history gives the same suggestion, whatever happened in between."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from optuna.trial import TrialState, create_trial

from tests.study.toy_study import (
    BASELINE,
    MIDDLE,
    SAMPLERS,
    SPACE,
    count_ended_trials,
    open_toy_study,
    run,
    score,
)
from tuner.errors import TunerError
from tuner.recipe.ranges import coerce_to_setting
from tuner.recipe.types import Choices, Range
from tuner.study import Study
from tuner.study.distributions import setting_distribution
from tuner.study.optuna_samplers import _scattered_index

_NEXT = """
import json, sys
from pathlib import Path
from tests.study.toy_study import SAMPLERS, open_toy_study
for sampler in SAMPLERS:
    study = open_toy_study(Path(sys.argv[1]) / sampler, sampler)
    suggestion = study.next_suggestion()
    assert (sampler == "gp") == ("torch" in sys.modules), sampler
    print(json.dumps([suggestion.number, dict(suggestion.params)]))
"""


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For each sampler a database of 7 ended trials, a baseline outside of the space included."""
    root = tmp_path_factory.mktemp("studied")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for sampler in SAMPLERS:
            (root / sampler).mkdir()
            run(open_toy_study(root / sampler, sampler), 7)
    return root


def test_a_fresh_process_suggests_what_the_old_one_would_have(
    studied: Path, tmp_path: Path
) -> None:
    roots = [tmp_path / "here", tmp_path / "there"]
    for root in roots:
        shutil.copytree(studied, root)
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "PYTHONHASHSEED": "7"}
    answer = subprocess.run(
        [sys.executable, "-W", "error", "-c", _NEXT, str(roots[1])],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    assert answer.stderr == ""
    for sampler, line in zip(SAMPLERS, answer.stdout.splitlines(), strict=True):
        suggestion = open_toy_study(roots[0] / sampler, sampler).next_suggestion()
        assert json.loads(line) == [suggestion.number, dict(suggestion.params)], sampler


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "grid", "gp"])
def test_a_study_that_stays_open_suggests_the_same(sampler: str, tmp_path: Path) -> None:
    """The view kept in memory is the one that is rebuilt from the database."""
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    whole.mkdir()
    pieces.mkdir()
    run(open_toy_study(whole, sampler), 8)
    for trials in (3, 7, 8):
        run(open_toy_study(pieces, sampler), trials)
    assert _params(open_toy_study(whole, sampler)) == _params(open_toy_study(pieces, sampler))


@pytest.mark.parametrize(("sampler", "kept"), [*((name, 2) for name in SAMPLERS), ("tpe", 0)])
def test_a_trial_that_lost_parameters_gets_the_same_again(
    sampler: str, kept: int, studied: Path, tmp_path: Path
) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        shutil.copytree(studied / sampler, folder)
    expected = dict(open_toy_study(whole, sampler).next_suggestion().params)
    study = open_toy_study(broken, sampler)
    some = dict(list(expected.items())[:kept])
    study._storage.create_new_trial(
        study._lineage.study_id,
        create_trial(
            state=TrialState.RUNNING,
            params=some,
            distributions={name: setting_distribution(SPACE[name]) for name in some},
        ),
    )
    [taken_up] = open_toy_study(broken, sampler).running_suggestions()
    assert dict(taken_up.params) == expected
    [again] = open_toy_study(broken, sampler).running_suggestions()
    assert again == taken_up


def test_a_waiting_trial_that_a_crash_cut_short_still_waits(tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    for folder in (whole, broken):
        folder.mkdir()
        open_toy_study(folder).add_waiting_trial({"epochs": 3}, "enqueued", "one")
    expected = open_toy_study(whole).next_suggestion()
    study = open_toy_study(broken)
    record = study._records[0]
    first = setting_distribution(SPACE["lr.body"])
    study._storage.set_trial_param(record.id, "lr.body", float(expected.params["lr.body"]), first)
    assert open_toy_study(broken).trial_states() == {0: "waiting"}
    assert open_toy_study(broken).next_suggestion() == expected


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_baseline_outside_of_the_space_is_used_as_it_is_and_teaches_nothing(
    sampler: str, tmp_path: Path
) -> None:
    startup = 14 if sampler == "gp" else 4
    study = open_toy_study(tmp_path, sampler, startup_trials=startup)
    study.add_waiting_trial(BASELINE, "baseline", "baseline")
    baseline = study.next_suggestion()
    assert baseline.params == {name: BASELINE[name] for name in SPACE}
    assert baseline.fixed == {"weight_decay": 0.1}
    study.complete_trial(baseline.number, 2.0)
    for _ in range(15):
        suggestion = study.next_suggestion()
        assert all(coerce_to_setting(SPACE[n], v) == v for n, v in suggestion.params.items())
        study.complete_trial(suggestion.number, score(suggestion.params))
    again = open_toy_study(tmp_path, sampler)
    assert again.trial_states() == dict.fromkeys(range(16), "complete")
    assert again.trial_outcome(0) == ("complete", 2.0)
    assert [r.number for r in again._records.values() if not r.lies_in_space(SPACE)] == [0]
    assert len(again._history.as_optuna_study().trials) == 15


def test_a_trial_with_the_recipes_own_fixed_values_is_a_point_of_the_space(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path, settings={"weight_decay": 0.1, "warmup": 0.06})
    study.add_waiting_trial({**MIDDLE, "weight_decay": 0.1}, "enqueued", "same")
    study.add_waiting_trial({**MIDDLE, "warmup": 0.1}, "enqueued", "other")
    assert [study.next_suggestion().fixed for _ in range(2)] == [{}, {"warmup": 0.1}]
    assert [study._records[n].lies_in_space(SPACE) for n in (0, 1)] == [True, False]


@pytest.mark.parametrize(("sampler", "trials"), [("tpe", 30), ("cmaes", 30)])
def test_samplers_find_the_optimum_of_a_smooth_score(
    sampler: str, trials: int, tmp_path: Path
) -> None:
    study = open_toy_study(tmp_path, sampler, pruner="none", direction="minimize", worst=math.inf)
    for index in range(trials):
        suggestion = study.next_suggestion()
        if index == 5:
            study.collapse_trial(suggestion.number)
        else:
            study.complete_trial(suggestion.number, 1 - score(suggestion.params))
    values = [study.trial_outcome(number).value for number in study.trial_states()]
    best = min(value for value in values if value is not None)
    assert best < 0.1  # a random point has 0.3 in the middle


def test_the_gaussian_process_takes_an_infinite_loss_as_the_worst(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path, "gp", startup_trials=3, direction="minimize", worst=math.inf)
    study.collapse_trial(study.next_suggestion().number)
    for value in (0.5, 0.4):
        study.complete_trial(study.next_suggestion().number, value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert study.next_suggestion().params.keys() == SPACE.keys()


def test_sobol_points_are_those_of_the_trials_numbers(tmp_path: Path) -> None:
    """Nothing is counted, so that a trial lost or enqueued in between moves no other."""
    plain, mixed = tmp_path / "plain", tmp_path / "mixed"
    plain.mkdir()
    mixed.mkdir()
    expected = [open_toy_study(plain, "qmc").next_suggestion().params for _ in range(6)]
    study = open_toy_study(mixed, "qmc")
    study.add_waiting_trial(MIDDLE, "middle", "middle")
    assert [study.next_suggestion().params for _ in range(6)][1:] == expected[1:]
    epochs = [int(params["epochs"]) for params in expected]
    assert len(set(epochs)) > 3


def test_a_grid_visits_every_point_once_and_is_exhausted(tmp_path: Path) -> None:
    space: dict[str, Range | Choices] = {
        "lr.body": Range(1e-6, 1e-3, "log"),
        "epochs": Range(1, 2, integer=True),
        "batch_size": Choices((8, 16)),
    }
    study = open_toy_study(tmp_path, "grid", space=space)
    points = []
    while not study.reason_exhausted:
        suggestion = study.next_suggestion()
        points.append(tuple(suggestion.params.values()))
        if len(points) == 3:
            study.fail_trial(suggestion.number)
        else:
            study.complete_trial(suggestion.number, 0.5)
    assert len(points) == len(set(points)) == 4 * 2 * 2
    rates = sorted({point[0] for point in points})
    assert rates == pytest.approx([1e-6, 1e-5, 1e-4, 1e-3], rel=1e-12)
    assert (rates[0], rates[-1]) == (1e-6, 1e-3)
    with pytest.raises(RuntimeError, match="exhausted"):
        study.next_suggestion()
    study.add_waiting_trial({"epochs": 2}, "enqueued", "one more")
    assert open_toy_study(tmp_path, "grid", space=space).next_suggestion().params["epochs"] == 2
    assert open_toy_study(tmp_path, "grid", space=space).reason_exhausted


@pytest.mark.parametrize("total", [1, 2, 6, 97, 4096])
def test_the_scattered_order_is_a_bijection(total: int) -> None:
    for seed in (0, 1, 123456789, 2**32 - 1):
        assert sorted(_scattered_index(n, total, seed) for n in range(total)) == list(range(total))


def test_a_huge_grid_costs_nothing(tmp_path: Path) -> None:
    space = {f"lr.{n}": Range(1e-6, 1e-3, "log") for n in range(40)}
    study = open_toy_study(tmp_path, "grid", space=space)
    assert len({tuple(study.next_suggestion().params.values()) for _ in range(5)}) == 5


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_single_values_and_several_running_trials_are_no_obstacle(
    sampler: str, tmp_path: Path
) -> None:
    space: dict[str, Range | Choices] = {
        "lr.a": Range(1e-6, 1e-3, "log"),
        "lr.b": Range(1e-5, 1e-5, "log"),
        "lr.c": Range(0.0, 1.0),
        "epochs": Range(3, 3, integer=True),
    }
    study = open_toy_study(tmp_path, sampler, space=space, slots="auto", startup_trials=2)
    running: list[int] = []
    for _ in range(7):
        suggestion = study.next_suggestion()
        assert (suggestion.params["lr.b"], suggestion.params["epochs"]) == (1e-5, 3)
        running.append(suggestion.number)
        if len(running) > 3:
            number = running.pop(0)
            study.complete_trial(number, number / 10)
    assert [
        s.number for s in open_toy_study(tmp_path, sampler, space=space).running_suggestions()
    ] == running


@pytest.mark.parametrize("sampler", ["tpe", "qmc", "random", "gp"])
def test_a_study_without_a_search_trains_the_same_thing_again(sampler: str, tmp_path: Path) -> None:
    study = open_toy_study(tmp_path, sampler, space={}, startup_trials=1)
    for _ in range(3):
        suggestion = study.next_suggestion()
        assert suggestion.params == {}
        study.complete_trial(suggestion.number, 0.5 + suggestion.number)
    assert [
        s.number
        for s in (
            study.next_suggestion(),
            *open_toy_study(tmp_path, sampler, space={}).running_suggestions(),
        )
    ] == [
        3,
        3,
    ]


def test_a_sampler_that_cannot_search_the_space_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TunerError, match="at least two searched numbers, there is 1"):
        open_toy_study(
            tmp_path, "cmaes", space={"lr.a": Range(0, 1), "batch_size": Choices((8, 16))}
        )
    with pytest.raises(TunerError, match="is not one of tpe, gp"):
        open_toy_study(tmp_path, "nope")


def test_nothing_is_pickled_and_no_sampler_keeps_state(studied: Path) -> None:
    for sampler in SAMPLERS:
        study = open_toy_study(studied / sampler, sampler)
        assert study._storage.get_study_system_attrs(study._lineage.study_id) == {}
        for trial in study._storage.get_all_trials(study._lineage.study_id):
            assert set(trial.system_attrs) <= {"fixed_params"}


def _params(study: Study) -> list[dict[str, Any]]:
    return [dict(record.params) for record in study._records.values()]


def test_the_fixture_went_through(studied: Path) -> None:
    assert all(
        count_ended_trials(open_toy_study(studied / sampler, sampler)) == 7 for sampler in SAMPLERS
    )
