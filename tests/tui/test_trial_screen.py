"""The screen of one trial: its tabs, its keys, what can be asked for from there."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    NOW,
    SMALL,
    States,
    assert_golden,
    play,
    press,
    visible_screen_text,
    wait_until,
)
from tuner.session import events as e
from tuner.session.codec import encode_event_line
from tuner.session.commands import Enqueue
from tuner.session.folder import Session
from tuner.session.inbox import CommandReader
from tuner.session.view import SessionState
from tuner.tui.app import TunerApp
from tuner.tui.screens.enqueue_screen import EnqueueScreen
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.screens.trial_screen import TrialScreen
from tuner.tui.widgets.key_bar import KeyBar

NAME = "rte-roberta-llrd"
BEST, PRUNED, COLLAPSED, FAILED, RUNNING = 4, 6, 5, 8, 14
SIZES = {"80x24": SMALL, "120x40": LARGE}
TABS = ("overview", "curves", "confusion", "fourth", "errors", "log")
Scene = Callable[[Pilot[None], TunerApp, TrialScreen], Awaitable[None]]


@pytest.fixture
def session(root: Path, states: States) -> Session:
    states.running(NAME)
    return corpus.record_running_session(root)


def append(session: Session, *events: e.Event) -> None:
    """As a worker would."""
    with session.events_path.open("ab") as file:
        for event in events:
            file.write(encode_event_line(msgspec.structs.replace(event, seq=999, time=NOW)))


def rerun(number: int, first_number: int, seed: int, value: float) -> list[e.Event]:
    """Return the events of a whole re-run of another trial, with one evaluation."""
    confusion = corpus.confusion_of(value, 2, 277, False)
    return [
        e.TrialStarted(
            trial=number, generation=0, params={"lr.head": 1e-3}, seed=seed, device="cuda:0",
            origin=f"rerun of {first_number}",
        ),
        e.Evaluated(
            trial=number, epoch=6.0, share=1.0, step=936, of=936, metrics={"accuracy": value},
            confusion=confusion, gradient_norms={}, train_loss=0.1,
        ),
        e.TrialCompleted(trial=number, value=value, epoch=6.0, step=936, seconds=300.0),
    ]  # fmt: skip


def on_trial(
    root: Path, number: int, scene: Scene, *, name: str = NAME, size: tuple[int, int] = LARGE
) -> None:
    """Play a scene on the screen of a trial."""

    async def whole(pilot: Pilot[None], app: TunerApp) -> None:
        study = app.screen
        assert isinstance(study, StudyScreen)
        screen = TrialScreen(study.workspace, number)
        app.push_screen(screen)
        await wait_until(pilot, lambda: app.screen is screen and screen.focused is not None)
        await scene(pilot, app, screen)

    play(root, whole, session=name, size=size)


def toast_texts(app: TunerApp) -> str:
    """Return what the toasts say."""
    return " ".join(note.message for note in app._notifications)


def enqueue_commands(session: Session) -> list[Enqueue]:
    commands = CommandReader(session.commands_path).read_new_commands()
    return [command for command in commands if isinstance(command, Enqueue)]


async def to_tab(pilot: Pilot[None], tab: str) -> None:
    await press(pilot, *["right_square_bracket"] * TABS.index(tab))


# What it looks like


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("best", BEST),
        ("pruned", PRUNED),
        ("collapsed", COLLAPSED),
        ("failed", FAILED),
    ],
)
def test_every_end_of_a_trial(root: Path, what: str, number: int, size: str) -> None:
    async def scene(_pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await assert_golden(app, f"trial-{what}-{size}")

    on_trial(root, number, scene, size=SIZES[size])


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tab", TABS[1:])
def test_every_tab(root: Path, tab: str, size: str) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await to_tab(pilot, tab)
        await assert_golden(app, f"trial-tab-{tab}-{size}")

    on_trial(root, BEST, scene, size=SIZES[size])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("tab", ["overview", "confusion", "errors"])
def test_odd_names_are_text(root: Path, states: States, tab: str, size: str) -> None:
    corpus.record_odd_session(root)
    states.running("odd.names-1")

    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await to_tab(pilot, tab)
        assert "\x1b" not in visible_screen_text(app)
        await assert_golden(app, f"trial-odd-{tab}-{size}")

    on_trial(root, 0, scene, name="odd.names-1", size=SIZES[size])


def test_reruns_and_their_mean(session: Session, root: Path) -> None:
    append(session, *rerun(15, BEST, 1, 0.7906), *rerun(16, BEST, 2, 0.8195))
    mean = "mean 0.8051 ± 0.0145 of 3"

    async def scene(_pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        screen_text = " ".join(visible_screen_text(app).split())
        assert "seed 1 0.7906" in screen_text
        assert "seed 2 0.8195" in screen_text
        assert mean in screen_text
        await assert_golden(app, "trial-reruns-120x40")

    on_trial(root, BEST, scene)

    async def rerun_scene(_pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        assert f"#{BEST} again with another seed" in visible_screen_text(app)
        assert mean in visible_screen_text(app)

    on_trial(root, 16, rerun_scene)


@pytest.mark.usefixtures("session")
@pytest.mark.parametrize("size", [(100, 30), (99, 30), (120, 24), (60, 16)])
def test_sizes_in_between(root: Path, size: tuple[int, int]) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        for _ in TABS:
            text = visible_screen_text(app)
            assert "trial 4" in text
            assert max(map(len, text.splitlines())) <= size[0]
            await press(pilot, "right_square_bracket")

    on_trial(root, BEST, scene, size=size)


# Keys


@pytest.mark.usefixtures("session")
def test_neighbours_by_j_and_k_and_none_beyond_the_ends(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, screen: TrialScreen) -> None:
        await press(pilot, "k")
        assert screen.scope.number == 1
        await press(pilot, "k", "k")
        assert screen.scope.number == 0
        await press(pilot, "j", "j")
        assert "trial 2" in visible_screen_text(app)
        await press(pilot, "y")
        assert set(json.loads(app.clipboard)) > {"lr.head", "warmup"}
        await press(pilot, "escape")
        assert isinstance(app.screen, StudyScreen)

    on_trial(root, 2, scene)


@pytest.mark.usefixtures("session")
def test_neighbours_keep_to_the_filter(root: Path) -> None:
    async def scene(pilot: Pilot[None], _app: TunerApp, screen: TrialScreen) -> None:
        screen.workspace.apply_filter_text("state:collapsed,failed")
        passing = [trial.number for trial in screen.workspace.matching_trials()]
        await press(pilot, "j")
        assert passing == [COLLAPSED, FAILED]
        assert screen.scope.number == FAILED

    on_trial(root, COLLAPSED, scene)


@pytest.mark.usefixtures("session")
def test_arrows_scroll_what_has_the_focus(root: Path) -> None:
    async def scene(pilot: Pilot[None], _app: TunerApp, screen: TrialScreen) -> None:
        await press(pilot, "4")
        pane = screen.query_one("#trial-rungs")
        assert pane.has_focus
        await press(pilot, "down", "down")
        assert pane.scroll_offset.y == 2
        await press(pilot, "end", "home")
        assert (pane.scroll_offset.y, screen.scope.number) == (0, BEST)

    on_trial(root, BEST, scene)


@pytest.mark.usefixtures("session")
def test_all_panes_show_the_evaluation_that_is_scrubbed_to(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, screen: TrialScreen) -> None:
        await press(pilot, "left", "left", "n")
        text = visible_screen_text(app)
        assert "Loss and ACC  at epoch 4" in text
        assert "Confusion  epoch 4, percent of rows" in text
        assert "▸epoch 4" in text
        await to_tab(pilot, "errors")
        assert "epoch 4" in visible_screen_text(app)
        await press(pilot, *["left"] * 9)
        assert screen.scope.shown_index == 0
        await press(pilot, *["right"] * 9)
        assert screen.scope.shown_index == 5

    on_trial(root, BEST, scene)


@pytest.mark.usefixtures("session")
def test_the_difference_with_the_best_then_with_marked_trials(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, screen: TrialScreen) -> None:
        screen.workspace.marks.extend([RUNNING, COLLAPSED])
        compared_numbers = []
        for _ in range(4):
            await press(pilot, "d")
            compared_numbers.append(screen.scope.compared_number)
        assert compared_numbers == [BEST, RUNNING, None, BEST]
        assert f"− #{BEST}" in visible_screen_text(app)

    on_trial(root, COLLAPSED, scene)


@pytest.mark.usefixtures("session")
def test_marks_and_logarithms_and_lines(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, screen: TrialScreen) -> None:
        await press(pilot, "space", "t", "l")
        assert screen.workspace.marks == [BEST]
        text = visible_screen_text(app)
        assert "◈ ★ best" in text
        assert "ACC and eval loss" in text
        assert "l log ✓" in text
        await press(pilot, "t", "space")
        assert screen.workspace.marks == []
        assert "Train loss" in visible_screen_text(app)

    on_trial(root, BEST, scene)


@pytest.mark.usefixtures("session")
def test_zoom_and_the_way_out(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, screen: TrialScreen) -> None:
        await press(pilot, "2", "z")
        assert "Parameters" not in visible_screen_text(app)
        await press(pilot, "escape")
        assert "Parameters" in visible_screen_text(app)
        await press(pilot, "right_square_bracket", "escape")
        assert (app.screen, screen.view_name) == (screen, "Overview")
        await press(pilot, "escape")
        assert app.screen is not screen

    on_trial(root, BEST, scene)


@pytest.mark.usefixtures("session")
def test_numbers_open_tabs_where_there_is_no_room_for_panes(root: Path) -> None:
    async def scene(pilot: Pilot[None], _app: TunerApp, screen: TrialScreen) -> None:
        for number, name in (("2", "Curves"), ("3", "Confusion"), ("4", "Rungs")):
            await press(pilot, number)
            assert screen.view_name == name
            await press(pilot, "escape")

    on_trial(root, BEST, scene, size=SMALL)


@pytest.mark.usefixtures("session")
def test_another_size_has_the_tab_that_fits(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await to_tab(pilot, "fourth")
        assert "fixed by the recipe" in visible_screen_text(app)
        await pilot.resize_terminal(80, 24)
        await wait_until(pilot, lambda: "DECISION" in visible_screen_text(app))
        await pilot.resize_terminal(120, 40)
        await wait_until(pilot, lambda: "fixed by the recipe" in visible_screen_text(app))

    on_trial(root, BEST, scene)


# Rows


@pytest.mark.usefixtures("session")
def test_the_text_of_a_row_and_the_way_back(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await to_tab(pilot, "errors")
        first = visible_screen_text(app)
        await press(pilot, "down", "enter")
        assert "premise" in visible_screen_text(app)
        assert "Rows wrong here" not in visible_screen_text(app)
        await press(pilot, "escape")
        assert "Rows wrong here" in visible_screen_text(app)
        assert visible_screen_text(app) != first
        await press(pilot, "w")
        assert "this is the best trial" in visible_screen_text(app)

    on_trial(root, BEST, scene)


@pytest.mark.usefixtures("session")
def test_rows_against_the_best(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, screen: TrialScreen) -> None:
        await to_tab(pilot, "errors")
        wrong = set(screen.scope.misclassified_rows().rows)
        await press(pilot, "w")
        gained = screen.scope.misclassified_rows()
        assert "correct here, wrong in the best" in visible_screen_text(app)
        await press(pilot, "w")
        lost = screen.scope.misclassified_rows()
        assert gained.predictions is not None
        assert all(
            gained.predictions.predicted[position] == gained.predictions.gold[position]
            for position in gained.rows
        )
        assert set(lost.rows) < wrong
        assert not set(gained.rows) & wrong

    on_trial(root, RUNNING, scene)


def test_missing_predictions_are_said(session: Session, root: Path) -> None:
    for file in session.trial_folder(BEST).glob("predictions-*"):
        file.unlink()

    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await to_tab(pilot, "errors")
        assert "trials/0004/predictions-5.npz is missing" in visible_screen_text(app)
        await press(pilot, *["j"] * (FAILED - BEST))
        assert "the trial has no evaluation yet" in visible_screen_text(app)

    on_trial(root, BEST, scene)


# What can be asked for


def test_a_rerun_is_asked_for(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await press(pilot, "r")
        (command,) = enqueue_commands(session)
        assert (command.rerun_of, command.params) == (BEST, {})
        assert toast_texts(app) == "trial 4 again, on another seed: next"

    on_trial(root, BEST, scene)


@pytest.mark.parametrize(
    ("state", "sends", "says"),
    [
        (SessionState.PAUSED, True, "once the session resumes; it is paused"),
        (SessionState.STOPPED, False, "was stopped for good"),
    ],
)
def test_a_rerun_while_nobody_is_at_work(
    session: Session, root: Path, states: States, state: SessionState, sends: bool, says: str
) -> None:
    states.states_by_name[NAME] = state

    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await press(pilot, "r")
        assert bool(enqueue_commands(session)) is sends
        assert says in toast_texts(app)

    on_trial(root, BEST, scene)


def test_a_finished_session_is_started_for_it_after_a_question(
    session: Session, root: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    states.states_by_name[NAME] = SessionState.FINISHED
    started: list[str] = []
    monkeypatch.setattr(
        TunerApp,
        "launch_worker",
        lambda _app, started_session: started.append(started_session.name),
    )

    async def scene(pilot: Pilot[None], _app: TunerApp, screen: TrialScreen) -> None:
        await press(pilot, "r")
        assert screen.query_one(KeyBar).is_asking
        assert (enqueue_commands(session), started) == ([], [])
        await press(pilot, "n", "r", "y")
        assert len(enqueue_commands(session)) == 1
        assert started == [NAME]

    on_trial(root, BEST, scene)


def test_an_edited_copy(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await press(pilot, "e")
        form = app.screen
        assert isinstance(form, EnqueueScreen)
        await assert_golden(app, "trial-form-120x40")
        line = form.query_one(Input)
        await press(pilot, "enter")
        line.value = "fast"
        await press(pilot, "ctrl+s")
        assert app.screen is form
        assert "lr.embeddings" in str(form.query_one("#form-message").render())
        line.value = "3e-6"
        await press(pilot, "enter", "end", "enter", "1", "1", "ctrl+s")
        await wait_until(pilot, lambda: app.screen is not form)
        (command,) = enqueue_commands(session)
        assert command.copy_of == BEST
        assert command.params["lr.embeddings"] == 3e-6
        assert command.params["seed"] == 11
        assert "warmup" in command.params

    on_trial(root, BEST, scene)


def test_the_path_of_the_folder(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, _screen: TrialScreen) -> None:
        await press(pilot, "o")
        assert app.clipboard == str(session.trial_folder(BEST))

    on_trial(root, BEST, scene)


# While it runs


def test_it_follows_the_log(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp, screen: TrialScreen) -> None:
        assert "x Prune" in visible_screen_text(app)
        append(session, e.TrialPruned(trial=RUNNING, reason="not good enough", value=0.5))
        await wait_until(pilot, lambda: "not good enough" in visible_screen_text(app))
        assert "x Prune" not in visible_screen_text(app)
        append(session, *rerun(15, RUNNING, 1, 0.7))
        await wait_until(pilot, lambda: "seed 1 0.7000" in visible_screen_text(app))
        assert screen.scope.number == RUNNING

    on_trial(root, RUNNING, scene)
