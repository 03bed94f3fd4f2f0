"""A session whose recipe was changed: what a start makes of it, foretold from the log alone."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.worker.worker_sessions import (
    evaluations,
    make_session,
    of_kind,
    run_worker,
    run_worker_until,
)
from tuner.cli.show_importance import importance_verdict
from tuner.recipe.document import RecipeDocument
from tuner.recipe.load import load_recipe
from tuner.recipe.range_edits import write_range_ends
from tuner.session import commands as c
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.generations import make_point_test, next_generation, recipe_with_present_groups
from tuner.session.inbox import send_command
from tuner.session.status import count_trial_states
from tuner.session.trial_plan import trials_to_continue
from tuner.session.view import TrialState


def zoom_ranges(
    session: Session, *, trials: int | None = None, **ends: tuple[float, float]
) -> None:
    """Write other ranges into the recipe, as `tuner zoom` does."""
    document = RecipeDocument.from_file(session.recipe_path)
    write_range_ends(document, {name.replace("__", "."): pair for name, pair in ends.items()})
    if trials is not None:
        document.set_value("search.trials", trials)
    document.save_atomically(session.recipe_path)


@pytest.mark.parametrize("low", [1e-6, 1e-5, 1e-4, 1e-3, 5e-2])
def test_a_zoomed_session_carries_the_trials_that_were_foretold(tmp_path: Path, low: float) -> None:
    session = make_session(tmp_path, trials=5)
    assert run_worker(session) == 0
    zoom_ranges(session, lr__head=(low, 9e-2), trials=6)
    view = load_session_view(session)
    generation = next_generation(view, load_recipe(session.recipe_path))
    assert generation is not None
    assert (generation.number, generation.trials, list(generation.changes)) == (1, 5, ["lr.head"])
    assert run_worker(session) == 0
    (opened,) = of_kind(session, e.GenerationOpened)
    assert (opened.generation, opened.carried) == (generation.number, generation.carried)
    after = load_session_view(session)
    assert after.lifecycle == "session_finished"
    assert [trial.generation for trial in after.trials.values()] == [0] * 5 + [1]
    assert low <= after.trials[5].params["lr.head"] <= 9e-2


def test_trials_with_another_fixed_setting_are_not_carried_over(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=3)
    assert run_worker(session) == 0
    change_setting(session, "training.label_smoothing", 0.1, trials=4)
    carried = [foretold(session)]
    assert run_worker(session) == 0
    change_setting(session, "training.label_smoothing", 0.0, trials=5)
    carried.append(foretold(session))
    assert run_worker(session) == 0
    # The baseline has values of its own: it lies in no generation's space.
    assert [event.carried for event in of_kind(session, e.GenerationOpened)] == carried == [0, 2]


def change_setting(session: Session, key: str, value: float, *, trials: int) -> None:
    """Another fixed setting, and more trials to use it."""
    document = RecipeDocument.from_file(session.recipe_path)
    document.set_value(key, value)
    document.set_value("search.trials", trials)
    document.save_atomically(session.recipe_path)


def foretold(session: Session) -> int:
    """How many trials the next generation is said to take over."""
    generation = next_generation(load_session_view(session), load_recipe(session.recipe_path))
    assert generation is not None
    return generation.carried


def test_trials_that_were_not_finished_are_given_up(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=4, search='pruner = "none"')
    process = run_worker_until(session, evaluations(7), slow=2, slowly=1.0)
    process.send(signal.SIGTERM)
    assert process.wait() == 0
    zoom_ranges(session, lr__head=(1e-6, 9e-2))
    generation = next_generation(load_session_view(session), load_recipe(session.recipe_path))
    assert generation is not None
    assert generation.given_up == 1
    assert run_worker(session) == 0
    (opened,) = of_kind(session, e.GenerationOpened)
    assert opened.carried == generation.carried
    assert load_session_view(session).trials[2].state is TrialState.PRUNED


def test_more_trials_alone_go_on_in_the_same_generation(tmp_path: Path) -> None:
    session = make_session(tmp_path, trials=2)
    assert run_worker(session) == 0
    zoom_ranges(session, trials=3)
    assert next_generation(load_session_view(session), load_recipe(session.recipe_path)) is None
    assert run_worker(session) == 0
    assert not of_kind(session, e.GenerationOpened)
    assert len(load_session_view(session).trials) == 3


def test_a_draft_has_no_generation_to_open(tmp_path: Path) -> None:
    session = make_session(tmp_path)
    zoom_ranges(session, lr__head=(1e-5, 1e-2))
    assert next_generation(load_session_view(session), load_recipe(session.recipe_path)) is None


HALVES = """[[groups]]
name = "half 1"
layers = "1/2"
lr = { low = 1e-6, high = 1e-4, scale = "log" }
weight_decay = 0.1

[[groups]]
name = "half 2"
layers = "2/2"
lr = { low = 1e-6, high = 1e-4, scale = "log" }

[search]"""
HOLDING = {"head": 8, "half 2": 16}


def test_what_is_said_of_a_zoom_is_what_it_does(tmp_path: Path) -> None:
    """With a group that is empty in the model, trials beyond the plan, re-runs, other ranges."""
    session = make_session(tmp_path, trials=5)
    text = session.recipe_path.read_text()
    session.recipe_path.write_text(text.replace("[search]", HALVES))
    assert run_worker(session, groups=HOLDING) == 0
    send_command(session, c.Enqueue(params={"lr.head": 5e-1}))  # outside of its range
    send_command(session, c.Enqueue(params={"lr.head": 1e-3, "lr.half 1": 1e-5}))
    send_command(session, c.Enqueue(params={}, rerun_of=2))
    assert run_worker(session, groups=HOLDING) == 0
    view = load_session_view(session)
    assert count_trial_states(view).planned == len(view.trials) == 8
    recipe = load_recipe(session.recipe_path)
    assert trials_to_continue(view, recipe) == 7 + 2
    zoom_ranges(session, lr__head=(1e-5, 9e-1), trials=trials_to_continue(view, recipe))
    generation = next_generation(view, load_recipe(session.recipe_path))
    assert generation is not None
    assert run_worker(session, groups=HOLDING) == 0
    (opened,) = of_kind(session, e.GenerationOpened)
    assert opened.carried == generation.carried >= 3
    view = load_session_view(session)
    assert [trial.generation for trial in view.trials.values()] == [0] * 8 + [1] * 2
    inside = make_point_test(view, recipe_with_present_groups(view))
    assert sum(map(inside, view.trials.values())) == generation.carried + 2
    assert view.importance_trials == importance_verdict(view).complete
    assert "lr.half 1" not in view.importance
