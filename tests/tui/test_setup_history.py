"""The setup screen of a session that has trials: what stays, what a start makes of a change."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.setup_harness import (
    LARGE,
    SMALL,
    Answers,
    Stage,
    assert_golden,
    group,
    play,
    screen_text,
    type_text,
    wait_until,
)
from tuner.recipe.load import load_recipe
from tuner.recipe.range_edits import Ends
from tuner.recipe.types import Range
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.generations import next_generation
from tuner.session.lifecycle import is_allowed
from tuner.session.view import SessionState, TrialState
from tuner.tui.screens.setup_screen import SetupScreen
from tuner.tui.setup.session_history import SessionHistory, best_trial_numbers
from tuner.tui.setup.status_line import StatusLine
from tuner.tui.widgets.key_bar import KeyBar

ZOOM: dict[str, Ends] = {"lr.layers 8-11": (2e-5, 5e-5), "lr.head": (5e-4, 2e-3)}
SIZES = {"80x24": SMALL, "120x40": LARGE}


def message(screen: SetupScreen) -> str:
    """Return the text of the status line."""
    return screen.query_one(StatusLine).message


def stage(
    session: Session,
    proposed: dict[str, Ends] | None = None,
    *,
    answers: Answers | None = None,
    history: SessionHistory | None = None,
) -> Stage:
    """Make a stage with the setup screen of a recorded session."""
    services = (answers or Answers()).services()
    return Stage(SetupScreen(session, proposed, history=history, services=services))


@pytest.mark.parametrize("name", SIZES)
def test_the_setup_of_a_paused_session(tmp_path: Path, name: str) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        await pilot.press("2", "down")
        await pilot.pause()
        await assert_golden(pilot.app, f"trials-{name}")

    play(stage(corpus.record_paused_session(tmp_path)), scenario, SIZES[name])


@pytest.mark.parametrize("name", SIZES)
def test_the_setup_of_a_proposed_zoom(tmp_path: Path, name: str) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        await pilot.press("2", "down", "down", "down")
        await pilot.pause()
        await assert_golden(pilot.app, f"zoom-{name}")

    play(stage(corpus.record_finished_session(tmp_path), ZOOM), scenario, SIZES[name])


@pytest.mark.parametrize("name", SIZES)
def test_the_setup_of_a_session_with_odd_names(tmp_path: Path, name: str) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        await assert_golden(pilot.app, f"odd-{name}")

    play(stage(corpus.record_odd_session(tmp_path)), scenario, SIZES[name])


def test_a_zoom_is_one_edit_that_is_told_and_taken_back(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        assert message(screen) == "zoom into 2 ranges"
        assert group(screen, "layers 8-11").lr == Range(2e-5, 5e-5, "log")
        assert screen.controller.draft.has_unsaved_changes
        assert "opens generation 1: " in screen_text(pilot.app)
        await pilot.press("u")
        assert group(screen, "layers 8-11").lr == Range(1e-5, 1e-4, "log")
        assert not screen.controller.draft.has_unsaved_changes

    play(stage(corpus.record_finished_session(tmp_path), ZOOM), scenario, LARGE)


def test_a_start_asks_first_and_says_how_many_trials_are_carried_over(tmp_path: Path) -> None:
    answers = Answers()
    session = corpus.record_paused_session(tmp_path)

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        recipe = screen.controller.draft.recipe
        assert recipe is not None
        generation = next_generation(load_session_view(session), recipe)
        assert generation is not None
        await pilot.press("ctrl+r")
        assert screen.query_one(KeyBar).is_asking
        line = f"Generation 1 keeps {generation.carried} of {generation.trials} trials. Start?"
        assert line in screen_text(pilot.app)
        await pilot.press("n")
        assert not answers.started
        await pilot.press("ctrl+r", "y")
        await wait_until(pilot, lambda: answers.started)
        assert load_recipe(session.recipe_path) == recipe

    play(stage(session, {"lr.head": (2e-4, 4e-3)}, answers=answers), scenario)


def test_without_a_change_a_start_just_goes_on(tmp_path: Path) -> None:
    answers = Answers()

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        assert "continues in generation 0; " in screen_text(pilot.app)
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: answers.started)
        assert not answers.paused

    play(stage(corpus.record_paused_session(tmp_path), answers=answers), scenario)


def test_a_running_session_is_paused_before_it_starts_again(tmp_path: Path) -> None:
    answers = Answers()
    session = corpus.record_paused_session(tmp_path)
    history = SessionHistory(load_session_view(session), SessionState.RUNNING)

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        await pilot.press("ctrl+r")
        assert "Pause, save and restart?" in screen_text(pilot.app)
        await pilot.press("y")
        await wait_until(pilot, lambda: answers.started)
        assert answers.paused == ["sst2-bert-groups"]

    play(stage(session, answers=answers, history=history), scenario)


def test_a_session_without_trials_left_wants_more_before_it_starts(tmp_path: Path) -> None:
    answers = Answers()
    session = corpus.record_finished_session(tmp_path)

    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        await pilot.press("ctrl+r")
        await pilot.pause()
        assert (
            message(screen) == "all 12 trials have ended: raise search.trials (4 Search) to go on"
        )
        assert not answers.started
        await pilot.press("4", "down", "down", "down", "enter")
        await type_text(pilot, "15")
        await pilot.press("ctrl+r")
        await wait_until(pilot, lambda: answers.started)

    play(stage(session, answers=answers), scenario)


def test_model_data_and_metric_stay(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:
        for keys in (["1", "enter"], ["1", "down", "enter"], ["4", "enter"], ["4", "right"]):
            await pilot.press(*keys)
            await pilot.pause()
            assert "clone the session to change it" in message(screen), keys
        before = screen.controller.draft.recipe_text
        await pilot.press("ctrl+e")
        await pilot.pause()
        assert "model.name is locked" in message(screen)
        await pilot.press("u")
        assert screen.controller.draft.recipe_text == before

    session = corpus.record_paused_session(tmp_path)
    screen = SetupScreen(
        session,
        services=Answers().services(),
        edit_text=lambda _app, text: text.replace('name = "bert-base', 'name = "x-base'),
    )
    play(Stage(screen), scenario)


def test_a_proposal_that_cannot_be_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        assert "no such setting" in message(screen)
        assert not screen.controller.draft.has_unsaved_changes

    play(
        stage(corpus.record_paused_session(tmp_path), {"lr.head": (2e-4, 1e-3), "lr.no": (1, 2)}),
        scenario,
    )


def test_the_best_fifth_of_the_complete_trials_is_good(tmp_path: Path) -> None:
    view = load_session_view(corpus.record_finished_session(tmp_path))
    trials = list(view.trials.values())
    complete = [t for t in trials if t.state is TrialState.COMPLETE and t.value is not None]
    good = best_trial_numbers(trials, "maximize")
    assert len(good) == -(-len(complete) // 5)
    worst_good = min(t.value for t in complete if t.number in good)  # type: ignore[type-var]
    assert all(t.value <= worst_good for t in complete if t.number not in good)  # type: ignore[operator]
    head_rates = SessionHistory(view, SessionState.FINISHED).rates_by_group["head"]
    assert {view.trials[n].params["lr.head"] for n in good} == set(head_rates.good)
    assert best_trial_numbers(trials, "minimize") & good == frozenset()
    assert best_trial_numbers([], "maximize") == frozenset()


def test_every_session_without_a_worker_can_be_edited() -> None:
    for state in SessionState:
        alive = state in (SessionState.STARTING, SessionState.RUNNING, SessionState.PAUSING)
        assert is_allowed("edit", state) is not alive
