"""The live screen: keys, panes, filter, following, and that it assumes nothing."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path
from typing import BinaryIO

import msgspec
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    NOW,
    States,
    live_screen,
    play,
    press,
    trial_table,
    visible_screen_text,
    wait_until,
)
from tuner.errors import TunerError
from tuner.session import events as e
from tuner.session.codec import encode_event_line
from tuner.session.events import AnyEvent, Unknown
from tuner.session.folder import Session
from tuner.session.inbox import CommandReader
from tuner.session.status import derive_session_state
from tuner.session.suggested_command import command_line
from tuner.session.tail import EventTail
from tuner.session.view import SessionState
from tuner.tui.app import TunerApp
from tuner.tui.screens.picker_screen import PickerScreen
from tuner.tui.shell.notifications import ProblemDetector
from tuner.tui.state.session_reader import SessionReader
from tuner.tui.widgets.confusion_pane import ConfusionPane
from tuner.tui.widgets.curves_pane import CurvesPane
from tuner.tui.widgets.events_pane import EventsPane
from tuner.tui.widgets.key_bar import KeyBar

NAME = "rte-roberta-llrd"


@pytest.fixture
def session(root: Path, states: States) -> Session:
    states.running(NAME)
    return corpus.record_running_session(root)


def append(session: Session, *events: e.Event) -> None:
    """As a worker would."""
    with session.events_path.open("ab") as file:
        for event in events:
            file.write(encode_event_line(msgspec.structs.replace(event, seq=999, time=NOW)))


def commands(session: Session) -> list[str]:
    return [
        type(command).__name__
        for command in CommandReader(session.commands_path).read_new_commands()
    ]


def keys_shown(app: TunerApp) -> str:
    return visible_screen_text(app).splitlines()[-1]


def test_pausing_is_asked_for_and_shown_only_once_it_happened(
    session: Session, root: Path, states: States
) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert "p Pause" in keys_shown(app)
        await press(pilot, "p")
        assert commands(session) == ["Pause"]
        assert "RUNNING" in visible_screen_text(app)
        states.states_by_name[NAME] = SessionState.PAUSING
        await wait_until(pilot, lambda: "pausing…" in visible_screen_text(app))
        assert "p Pause" not in keys_shown(app)
        states.states_by_name.clear()
        append(session, e.SessionPaused(reason="asked for by you"))
        await wait_until(pilot, lambda: "PAUSED" in visible_screen_text(app))
        assert "p Resume" in keys_shown(app)
        assert app.screen.query_one(EventsPane)

    play(root, scene, session=NAME)


def test_drain_and_stop(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "P")
        await press(pilot, "ctrl+k")
        assert f"Stop {NAME} for good?" in keys_shown(app)
        await press(pilot, "n")
        assert commands(session) == ["Drain"]
        await press(pilot, "ctrl+k", "p", "j")
        assert "for good?" in keys_shown(app)
        await press(pilot, "y")
        assert commands(session) == ["Drain", "Stop"]
        assert app.focused is trial_table(app)

    play(root, scene, session=NAME)


def test_pruning_asks_and_is_for_running_trials(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert trial_table(app).selected_key == 14
        await press(pilot, "x", "escape")
        assert commands(session) == []
        await press(pilot, "x", "y")
        assert commands(session) == ["Prune"]
        await press(pilot, "j", "x", "y")
        assert commands(session) == ["Prune"]

    play(root, scene, session=NAME)


def test_only_what_changed_is_told(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        step = e.Step(
            trial=14, step=900, of=936, loss=0.111, learning_rates={}, examples_per_second=5
        )
        strips_before = dict(trial_table(app)._cached_strips)
        append(session, step)
        await wait_until(pilot, lambda: "0.1110" in visible_screen_text(app))
        fresh = {
            key
            for key, strip in trial_table(app)._cached_strips.items()
            if strips_before.get(key) is not strip
        }
        assert {number for number, _ in fresh} <= {14}

    play(root, scene, session=NAME, size=LARGE)


def test_a_look_that_ran_out_of_time_is_gone_on_with(session: Session, root: Path) -> None:
    step = e.Step(trial=14, step=900, of=936, loss=0.111, learning_rates={}, examples_per_second=5)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        feed = live_screen(app).reader
        append(session, *[step] * 200)
        feed.read_new_events(budget=0.0)
        assert not feed.complete
        await wait_until(pilot, lambda: feed.complete)
        append(session, e.SessionPaused(reason="asked for by you"))
        await wait_until(pilot, lambda: "PAUSED" in visible_screen_text(app))

    def in_no_time(self: EventTail, _budget: float = 0.0) -> list[AnyEvent | Unknown]:
        return whole(self, 0.0)

    whole = EventTail.read_events
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EventTail, "read_events", in_no_time)
        patch.setattr("tuner.session.log_follower.derive_session_state", derive_session_state)
        play(root, scene, session=NAME)


def test_a_new_best_moves_its_row(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "f")
        done = e.TrialCompleted(trial=14, value=0.99, epoch=6, step=936, seconds=9)
        append(session, done, e.BestChanged(trial=14, value=0.99))
        await wait_until(pilot, lambda: "★ done" in visible_screen_text(app).splitlines()[4])
        assert trial_table(app).keys_in_order()[0] == 14
        assert visible_screen_text(app).count("★ done") == 1

    play(root, scene, session=NAME)


def test_following_goes_to_the_newest_running_trial(session: Session, root: Path) -> None:
    started = e.TrialStarted(trial=15, generation=0, params={}, seed=1, device="cuda:0")

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        append(session, started)
        await wait_until(pilot, lambda: trial_table(app).selected_key == 15)
        await press(pilot, "j")
        assert not trial_table(app).following
        append(session, msgspec.structs.replace(started, trial=16))
        await wait_until(pilot, lambda: 16 in trial_table(app).keys_in_order())
        assert trial_table(app).selected_key != 16
        await press(pilot, "f")
        assert trial_table(app).selected_key == 16

    play(root, scene, session=NAME)


@pytest.mark.usefixtures("session")
def test_the_filter_is_live_kept_by_enter_and_taken_back_by_escape(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        def rows() -> int:
            return len(trial_table(app).keys_in_order())

        await press(pilot, "slash", *"state")
        live_screen(app).query_one(Input).value = "state:pruned"
        await pilot.pause()
        assert rows() == 6
        await press(pilot, "enter")
        assert (rows(), app.focused) == (6, trial_table(app))
        await press(pilot, "slash", "x", "x")
        assert rows() == 6
        await press(pilot, "escape")
        assert rows() == 6
        await press(pilot, "escape")
        assert rows() == 15

    play(root, scene, session=NAME)


@pytest.mark.usefixtures("session")
def test_a_filter_that_cannot_be_read_says_why(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "slash")
        live_screen(app).query_one(Input).value = "state:prunde"
        await pilot.pause()
        assert "pruned" in visible_screen_text(app).splitlines()[-2].split("filter:")[1]
        await press(pilot, "escape")
        assert len(trial_table(app).keys_in_order()) == 15

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.usefixtures("session")
def test_sorting_by_every_column_and_back(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "f")
        orders = set()
        for _ in range(13):
            orders.add((trial_table(app).sort_column_key, tuple(trial_table(app).keys_in_order())))
            await press(pilot, "o")
        assert {key for key, _ in orders} > {"number", "state", "metric", "time", "param:lr.head"}
        await press(pilot, "O")
        before = list(trial_table(app).keys_in_order())
        await press(pilot, "R")
        assert list(trial_table(app).keys_in_order()) == before[::-1]

    play(root, scene, session=NAME)


@pytest.mark.usefixtures("session")
def test_arrows_bring_the_other_parameters(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        def header() -> str:
            return visible_screen_text(app).splitlines()[3]

        assert "warmup" not in header()
        await press(pilot, "right", "right", "right")
        assert "wd" in header()
        assert "LR emb" not in header()
        await press(pilot, "left", "left", "left")
        assert "LR emb" in header()

    play(root, scene, session=NAME)


@pytest.mark.usefixtures("session")
def test_moving(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "G")
        assert trial_table(app).cursor == 14
        assert "✗ fail" in visible_screen_text(app)
        await press(pilot, "g", "j", "j", "k")
        assert trial_table(app).cursor == 1
        await press(pilot, "pagedown")
        assert trial_table(app).cursor > 4

    play(root, scene, session=NAME)


@pytest.mark.usefixtures("session")
def test_numbers_focus_panes_and_z_zooms(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for number, pane in enumerate(
            ("trials", "curves", "events", "confusion", "importance"), start=1
        ):
            await press(pilot, str(number))
            assert app.focused is not None
            assert app.focused.id == pane
            await press(pilot, "z")
            assert app.focused.size.width > 115
            await press(pilot, "escape")
        assert live_screen(app).query_one("#trials").size.width < 115

    play(root, scene, session=NAME, size=LARGE)


@pytest.mark.usefixtures("session")
def test_curves_and_matrix_have_their_keys(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "2", "t")
        assert "Train loss over the schedule" in visible_screen_text(app)
        await press(pilot, "l", "4", "n")
        assert live_screen(app).query_one(CurvesPane).logarithmic
        assert "64 %" in visible_screen_text(app)
        await press(pilot, "left")
        assert "#14 epoch 2" in visible_screen_text(app)
        await press(pilot, "1", "j")
        assert "#4 epoch 6" in visible_screen_text(app)
        assert live_screen(app).query_one(ConfusionPane)

    play(root, scene, session=NAME, size=LARGE)


def test_views_and_the_way_out(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, *["right_square_bracket"] * 2)
        assert "Marked trials are compared here" in visible_screen_text(app)
        await press(pilot, "right_square_bracket")
        assert "# What is trained" in visible_screen_text(app)
        await press(pilot, "right_square_bracket")
        assert "worker.log" in visible_screen_text(app)
        session.log_path.write_text("hello\x1b[31m from the worker\n")
        await wait_until(pilot, lambda: "hello␛[31m from" in visible_screen_text(app))
        await press(pilot, *["left_square_bracket"] * 4)
        assert "1 Trials" in visible_screen_text(app)
        await press(pilot, "left_square_bracket", "escape", "escape")
        assert isinstance(app.screen, PickerScreen)

    play(root, scene, session=NAME)


def test_leaving_names_the_way_back(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], _app: TunerApp) -> None:
        await press(pilot, "q")

    app = play(root, scene, session=NAME)
    assert app.farewell_lines() == [
        f"{NAME} keeps running in the background.",
        f"Reattach: {command_line('open', session)}",
    ]
    assert commands(session) == []


def test_a_start_that_fails_says_why(
    root: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus.create_draft_session(root)
    start_requests: list[str] = []
    failure_seen = threading.Event()

    def start(session: Session, **_: object) -> None:
        start_requests.append(session.name)
        assert failure_seen.wait(20)
        raise TunerError("no such model [red]x[/red]")

    monkeypatch.setattr("tuner.worker.launch.start_worker", start)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "s")
        assert "STARTING" in visible_screen_text(app)
        failure_seen.set()
        await wait_until(pilot, lambda: "no such model [red]x[/red]" in visible_screen_text(app))
        assert "DRAFT" in visible_screen_text(app)
        assert start_requests == ["agnews-tiny"]

    play(root, scene, session="agnews-tiny")
    assert states.states_by_name == {}


def test_a_session_whose_kernels_are_missing_here_goes_on_after_a_question(
    root: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = corpus.record_failed_session(root)
    lines = failed.events_path.read_text(encoding="utf-8").splitlines()
    lines[-1] = lines[-1].replace('"cause":""', '"cause":"no such kernels"')
    failed.events_path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    starts: list[tuple[str, bool]] = []

    def start(session: Session, *, rechoose: bool = False) -> None:
        starts.append((session.name, rechoose))

    monkeypatch.setattr("tuner.worker.launch.start_worker", start)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "p")
        assert "This machine lacks the session's kernels" in visible_screen_text(app)
        assert starts == []
        await press(pilot, "y")
        await wait_until(pilot, lambda: starts == [(failed.name, True)])

    play(root, scene, session=failed.name)
    assert states.states_by_name == {}


def test_deleting_asks_and_is_not_for_what_runs(session: Session, root: Path) -> None:
    finished = corpus.record_finished_session(root)

    async def running(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "ctrl+d")
        assert not app.screen.query_one(KeyBar).is_asking

    async def check_finished_session(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "ctrl+d", "y")
        assert isinstance(app.screen, PickerScreen)

    play(root, running, session=NAME)
    play(root, check_finished_session, session=finished.name)
    assert session.path.exists()
    assert not finished.path.exists()


def test_a_key_in_the_bar_can_be_clicked(session: Session, root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        key_position = keys_shown(app).index("Drain")
        await pilot.click(KeyBar, offset=(key_position, 0))
        await pilot.pause()
        assert commands(session) == ["Drain"]
        await pilot.click(".tabs", offset=(32, 0))
        await pilot.pause()
        assert app.focused is not None
        assert app.focused.id == "confusion"
        await pilot.click("#trials", offset=(4, 5))
        assert trial_table(app).cursor == 3

    play(root, scene, session=NAME)


def test_a_log_that_cannot_be_read_says_so_and_is_read_again(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = SessionReader(session)
    with monkeypatch.context() as patch:
        patch.setattr("tuner.session.existing_file.open_regular_file", _refuse_to_open)
        assert reader.read_new_events() is not None
        assert "events.jsonl cannot be read: " in reader.problem
        assert reader.complete
        detector = ProblemDetector()
        assert [notice.text for notice in detector.new_problems([reader])] == [reader.problem]
        assert detector.new_problems([reader]) == []
    assert reader.read_new_events(60.0) is not None
    assert (reader.problem, bool(reader.view.trials)) == ("", True)


def _refuse_to_open(path: Path) -> BinaryIO:
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
