"""No configuration is trained twice to the same bit, unless somebody asks for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.study.toy_study import SAMPLERS, open_toy_study
from tuner.recipe.types import Choices, Range, Scalar
from tuner.study import Study, Suggestion

CHOICES: dict[str, Range | Choices] = {
    "batch_size": Choices((8, 16)),
    "schedule": Choices(("linear", "cosine")),
}
WHOLE: dict[str, Range | Choices] = {
    "epochs": Range(1, 3, integer=True),
    "batch_size": Choices((8, 16)),
    "accumulation": Range(2, 2, integer=True),
}
MIXED: dict[str, Range | Choices] = {"lr.a": Range(1e-6, 1e-3, "log"), "lr.b": Range(0.0, 1.0)}


def _study(
    folder: Path, sampler: str, space: Mapping[str, Range | Choices], **search_settings: object
) -> Study:
    others = {"startup_trials": 2, **search_settings}
    return open_toy_study(folder, sampler, space=space, own_seed=0, **others)  # type: ignore[arg-type]


def _ask_all(study: Study, most: int = 30) -> list[Suggestion]:
    suggestions: list[Suggestion] = []
    while not study.reason_exhausted and len(suggestions) < most:
        suggestion = study.next_suggestion()
        study.complete_trial(
            suggestion.number, 0.9 if suggestion.params["batch_size"] == 8 else 0.5
        )
        suggestions.append(suggestion)
    return suggestions


@pytest.mark.parametrize("sampler", [name for name in SAMPLERS if name != "cmaes"])
@pytest.mark.parametrize(("space", "total"), [(CHOICES, 4), (WHOLE, 6)])
def test_every_configuration_of_a_small_space_is_tried_once(
    sampler: str, space: dict[str, Range | Choices], total: int, tmp_path: Path
) -> None:
    study = _study(tmp_path, sampler, space)
    points = [tuple(suggestion.params.values()) for suggestion in _ask_all(study)]
    assert len(points) == len(set(points)) == total
    what = "points of the grid" if sampler == "grid" else "configurations"
    for current in (study, _study(tmp_path, sampler, space)):
        assert current.reason_exhausted == f"all {total} {what} have been tried"
        with pytest.raises(RuntimeError, match=f"all {total}"):
            current.next_suggestion()


def test_the_first_proposal_that_repeats_is_named(tmp_path: Path) -> None:
    suggestions = _ask_all(_study(tmp_path, "random", CHOICES))
    again = {s.number: s.proposed_again for s in suggestions if s.proposed_again is not None}
    assert again
    assert all(before < number for number, before in again.items())


def test_what_was_enqueued_or_failed_is_not_proposed_again(tmp_path: Path) -> None:
    study = _study(tmp_path, "tpe", CHOICES)
    study.add_waiting_trial({"batch_size": 8, "schedule": "cosine"}, "enqueued", "mine")
    study.fail_trial(study.next_suggestion().number)
    points = {tuple(suggestion.params.values()) for suggestion in _ask_all(study)}
    assert points == {(8, "linear"), (16, "linear"), (16, "cosine")}


@pytest.mark.parametrize("sampler", ["tpe", "random", "qmc"])
def test_a_repeat_gets_the_next_seed_where_the_recipe_asks_for_it(
    sampler: str, tmp_path: Path
) -> None:
    study = _study(tmp_path, sampler, CHOICES, repeats="seed")
    suggestions = _ask_all(study, 14)
    runs = [(*s.params.values(), s.fixed.get("seed", 0)) for s in suggestions]
    assert len(runs) == len(set(runs)) == 14
    assert not study.reason_exhausted
    again = [s for s in suggestions if s.proposed_again is not None]
    assert again
    assert all(s.fixed.keys() == {"seed"} and s.origin == "sampled" for s in again)
    # A point on another seed is evidence like any other.
    assert len(study._history.as_optuna_study().get_trials(deepcopy=False)) == 14
    reopened = _study(tmp_path, sampler, CHOICES, repeats="seed")
    assert reopened.next_suggestion() == study.next_suggestion()


def test_a_seed_for_each_trial_makes_no_repeats(tmp_path: Path) -> None:
    study = open_toy_study(tmp_path, "random", space=CHOICES)
    for _ in range(9):
        study.complete_trial(study.next_suggestion().number, 0.5)
    assert not study.reason_exhausted


def test_an_enqueued_copy_is_said_to_be_one(tmp_path: Path) -> None:
    study = _study(tmp_path, "tpe", CHOICES)
    values: dict[str, Scalar] = {"batch_size": 8, "schedule": "cosine"}
    first = study.add_waiting_trial(values, "enqueued", "a")
    copy = study.add_waiting_trial(values, "enqueued", "b")
    other_trial = study.add_waiting_trial({**values, "seed": 7}, "enqueued", "c")
    partial = study.add_waiting_trial({"batch_size": 8}, "enqueued", "d")
    assert study.find_repeated_trial(copy) == first
    assert [study.find_repeated_trial(number) for number in (first, other_trial, partial)] == [
        None
    ] * 3


def test_numbers_without_end_are_never_exhausted(tmp_path: Path) -> None:
    study = _study(tmp_path, "tpe", MIXED)
    for value in (0.1, 0.2, 0.3):
        study.complete_trial(study.next_suggestion().number, value)
    assert not study.reason_exhausted
