"""Text from data is shown as text: nowhere can it act, or break a line."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    SMALL,
    States,
    acting_signs,
    assert_inert,
    live_screen,
    play,
    press,
    visible_screen_text,
    wait_until,
    wait_until_settled,
)
from tests.tui.hostile_session import LONG, NASTY, hostile
from tests.tui.places import go_home, press_keys, ways, ways_in_size
from tests.tui.setup_harness import Answers
from tuner.cli import main
from tuner.results.format import sanitize_text
from tuner.session.replay import Playhead, Recording
from tuner.session.tail import EventTail
from tuner.tui.app import TunerApp
from tuner.tui.screens import setup_screen as setup_screen
from tuner.tui.screens.row_screen import RowScreen

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())
    monkeypatch.setattr(TunerApp, "_launch_in_thread", lambda *_: None)


@SIZES
def test_hostile_text_in_every_place(size: tuple[int, int], root: Path, states: States) -> None:
    session = hostile(root)
    states.running(session.name)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        home = live_screen(app)
        for place, way in ways_in_size(size).items():
            await way(pilot, app)
            await wait_until_settled(pilot, app)
            assert_inert(app, place)
            for key in ("tab", "z", "right", "n", "m"):
                await press(pilot, key)
                assert_inert(app, place)
            await go_home(home, pilot, app)

    play(root, scene, session=session.name, size=size)


@SIZES
def test_hostile_text_among_the_sessions(size: tuple[int, int], root: Path, states: States) -> None:
    names = [hostile(root, name).name for name in ("hostile-1", "hostile-2")]
    states.running(*names)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        assert_inert(app)
        await press(pilot, "space", "down", "space", "C")
        await wait_until_settled(pilot, app)
        for key in "1234":
            await press(pilot, key)
            assert_inert(app)

    play(root, scene, size=size)


@SIZES
def test_hostile_rows(size: tuple[int, int], root: Path, states: States) -> None:
    session = hostile(root)
    states.running(session.name)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await ways()["Compare"](pilot, app)
        await press(pilot, "4", "enter")
        await wait_until_settled(pilot, app)
        assert isinstance(app.screen, RowScreen)
        for _ in range(12):
            assert_inert(app)
            await press(pilot, "right", "G")

    play(root, scene, session=session.name, size=size)


@SIZES
def test_hostile_text_over_the_screens(size: tuple[int, int], root: Path, states: States) -> None:
    session = hostile(root)
    states.running(session.name)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        app.notify_user(NASTY)
        app.notify_user(LONG, failed=True)
        await wait_until_settled(pilot, app)
        assert "[@click=app.bell]" in visible_screen_text(app)
        assert_inert(app)
        live_screen(app).request_confirmation(f"Delete {NASTY}?", print)
        await pilot.pause()
        assert_inert(app)
        await press(pilot, "n", "slash", *"[red]", "enter")
        assert_inert(app)
        await press(pilot, "colon")
        await wait_until(pilot, lambda: "Pause now" in visible_screen_text(app))
        assert_inert(app)

    play(root, scene, session=session.name, size=size)


@SIZES
def test_hostile_text_in_a_replay(size: tuple[int, int], root: Path) -> None:
    session = hostile(root)
    events = EventTail(session.events_path).read_all_events()
    recording = Recording(events, Playhead(events[0].time, events[-1].time, 1e6, time.monotonic))
    app = TunerApp(root, session.name, settings=root / "none.toml", recording=recording)
    app.animation_level = "none"

    async def run() -> None:
        async with app.run_test(size=size) as pilot:
            await wait_until(
                pilot, lambda: recording.has_played_all and live_screen(app).reader.complete
            )
            assert_inert(app)

    asyncio.run(run())


@SIZES
def test_hostile_text_in_the_setup(size: tuple[int, int], root: Path) -> None:
    session = hostile(root)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await ways()["setup"](pilot, app)
        await wait_until_settled(pilot, app)
        for pane in "12345":
            await press(pilot, pane, "enter")
            assert_inert(app)
            await press(pilot, "escape", "down", "enter")
            assert_inert(app)
            await press(pilot, "escape")
        await press(pilot, "2", "v")
        await wait_until_settled(pilot, app)
        assert_inert(app)

    play(root, scene, session=session.name, size=size)


def test_markup_is_read_by_people_alone(root: Path, states: States) -> None:
    session = hostile(root)
    states.running(session.name)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press_keys(("right_square_bracket",) * 4, pilot, app)
        await wait_until_settled(pilot, app)
        assert "[red]r[/] [/] [@click=app.bell]x[/]" in visible_screen_text(app)

    play(root, scene, session=session.name, size=LARGE)


COMMANDS = {
    "list": ("list",),
    "status": ("status", "hostile"),
    "trials": ("trials", "hostile"),
    "filtered": ("trials", "hostile", "--filter", NASTY),
    "show": ("show", "hostile", "best"),
    "failed": ("show", "hostile", "3"),
    "compare": ("compare", "hostile", "0", "1", "2"),
    "importance": ("importance", "hostile"),
    "groups": ("groups", "hostile"),
    "nobody": ("show", NASTY, NASTY),
}


@pytest.mark.parametrize("command", COMMANDS)
def test_hostile_text_on_the_command_line(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile(root)
    main(["--sessions", str(root), *COMMANDS[command]])
    output = capsys.readouterr()
    assert output.out or output.err
    for line in (output.out + output.err).split("\n"):
        assert not acting_signs(line), line[:300]


def test_what_is_inert_stays_so() -> None:
    assert not acting_signs(sanitize_text(NASTY))
    assert sanitize_text(sanitize_text(NASTY)) == sanitize_text(NASTY)


def test_a_log_that_no_recipe_can_be_read_from_is_told(root: Path) -> None:
    session = corpus.record_crashed_session(root)
    log = session.events_path.read_bytes()
    session.events_path.write_bytes(log.replace(b'"layers 0-3"', b'"\\u001b[2J"'))

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "e")
        await wait_until(pilot, lambda: "groups[2].name" in visible_screen_text(app))
        assert live_screen(app)
        assert_inert(app)

    play(root, scene, session=session.name, size=LARGE)
