"""Estimates come from what was measured, or say that nothing was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.tui import corpus
from tuner.recipe.load import load_recipe
from tuner.session.fold import load_session_view
from tuner.session.view import SessionView
from tuner.tui.setup.estimate import UNKNOWN_TIME, estimate_lines, first_measurement, measure_trials


def test_trials_of_the_same_model_tell_time_and_memory(tmp_path: Path) -> None:
    session = corpus.record_paused_session(tmp_path)
    view, recipe = load_session_view(session), load_recipe(session.recipe_path)
    measurement = measure_trials(view, recipe)
    assert measurement is not None
    speeds = sorted(t.examples_per_second for t in view.trials.values() if t.ended is not None)
    assert measurement.rows_a_second == speeds[len(speeds) // 2]
    whole = replace(recipe, search=replace(recipe.search, pruner="none"))
    time, memory = estimate_lines(whole, view, measurement, 1000)
    seconds = 43 * 1000 * 6 / measurement.rows_a_second / measurement.slots
    assert seconds > 0
    assert time.startswith("≈ ")
    assert time.endswith(
        f"at {measurement.rows_a_second:.0f} rows a second in this session's trials"
    )
    assert memory.startswith("memory: ")
    assert estimate_lines(recipe, SessionView(name="new"), measurement, 1000)[0].endswith(view.name)


def test_other_models_and_too_few_trials_tell_nothing(tmp_path: Path) -> None:
    session = corpus.record_paused_session(tmp_path)
    view, recipe = load_session_view(session), load_recipe(session.recipe_path)
    other_recipe = replace(recipe, model=replace(recipe.model, name="another"))
    longer = replace(recipe, model=replace(recipe.model, max_length=512))
    assert measure_trials(view, other_recipe) is None
    assert measure_trials(view, longer) is None
    assert measure_trials(SessionView(recipe=view.recipe), recipe) is None
    assert first_measurement([SessionView(), view], recipe) == measure_trials(view, recipe)
    assert estimate_lines(recipe, view, None, 1000) == [UNKNOWN_TIME]
    assert estimate_lines(recipe, view, measure_trials(view, recipe), None) == [UNKNOWN_TIME]
