"""A new session: what is asked for, and what is made of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from textual.pilot import Pilot

from tests.tui.setup_harness import SMALL, Answers, Stage, assert_golden, make_session, type_text
from tuner.recipe.load import load_recipe
from tuner.session.folder import find_session
from tuner.tui.screens.new_session_screen import NewSessionScreen
from tuner.tui.screens.setup_screen import SetupScreen
from tuner.tui.setup.field_list import FieldList
from tuner.tui.setup.status_line import StatusLine

Scenario = Callable[[Pilot[None], NewSessionScreen], Awaitable[None]]


def play_new(root: Path, scenario: Scenario, size: tuple[int, int] = SMALL) -> None:
    """Run a scenario on the screen that makes sessions."""
    screen = NewSessionScreen(root)
    stage = Stage(screen, Answers().services())

    async def run() -> None:
        async with stage.run_test(size=size) as pilot:
            await pilot.pause()
            await scenario(pilot, screen)

    asyncio.run(run())


def message(screen: NewSessionScreen) -> str:
    """Return the text of the status line."""
    return screen.query_one(StatusLine).message


async def fill(pilot: Pilot[None], row: str, text: str) -> None:
    """Types one field, by its row."""
    pilot.app.screen.query_one(FieldList).cursor = int(row)
    await pilot.press("enter")
    await type_text(pilot, text)


def test_a_session_is_made_of_what_was_typed_and_goes_on_in_its_setup(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: NewSessionScreen) -> None:  # noqa: ARG001
        for row, text in {
            "0": "my-rte",
            "2": "roberta-base",
            "3": "data/train.jsonl",
            "4": "data/val.jsonl",
            "6": "0.5",
            "7": "premise, hypothesis",
            "8": "label",
        }.items():
            await fill(pilot, row, text)
        await pilot.press("home", "down", "left", "left")
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert isinstance(pilot.app.screen, SetupScreen)
        session = find_session(tmp_path, "my-rte")
        recipe = load_recipe(session.recipe_path)
        assert recipe.preset == "basic"
        assert recipe.model.name == "roberta-base"
        assert recipe.data.text == ("premise", "hypothesis")
        assert recipe.data.root == str(Path.cwd())

    play_new(tmp_path, scenario)


def test_what_is_missing_or_wrong_is_said(tmp_path: Path) -> None:
    make_session(tmp_path, "taken")

    async def scenario(pilot: Pilot[None], screen: NewSessionScreen) -> None:
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert message(screen) == "model is missing"
        for name, reason in {"a b": "a-b", ".x": "'.'", "taken": "already", "": "empty"}.items():
            await fill(pilot, "0", name)
            assert reason in message(screen)
            await pilot.press("escape")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["taken"]
        await pilot.press("escape")
        await pilot.pause()
        assert pilot.app.screen is not screen

    play_new(tmp_path, scenario)


def test_the_name_follows_the_preset_until_it_is_typed(tmp_path: Path) -> None:
    make_session(tmp_path, "baseline")

    async def scenario(pilot: Pilot[None], screen: NewSessionScreen) -> None:
        assert screen.session_name == "groups"
        await pilot.press("down", "right")
        assert (screen.preset, screen.session_name) == ("llrd", "llrd")
        await pilot.press("right")
        assert (screen.preset, screen.session_name) == (
            "rte-roberta-large-article",
            "rte-roberta-large-article",
        )
        await pilot.press("right")
        assert (screen.preset, screen.session_name) == ("baseline", "baseline-2")
        await fill(pilot, "0", "mine")
        await pilot.press("down", "right")
        assert screen.session_name == "mine"

    play_new(tmp_path, scenario)


def test_the_new_session_screen(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: NewSessionScreen) -> None:  # noqa: ARG001
        await pilot.press("down")
        await pilot.pause()
        await assert_golden(pilot.app, "new-80x24")

    play_new(tmp_path, scenario)
