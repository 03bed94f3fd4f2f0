"""The setup screens as text, at both sizes."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.setup_harness import LARGE, SMALL, assert_golden, play, setup_stage
from tuner.tui.screens.setup_screen import SetupScreen

SIZES = {"80x24": SMALL, "120x40": LARGE}


@pytest.mark.parametrize("name", SIZES)
def test_the_setup_screen(tmp_path: Path, name: str) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        await pilot.press("0", "down", "equals_sign", "down", "right")
        await pilot.pause()
        await assert_golden(pilot.app, f"groups-{name}")
        if name == "120x40":
            return
        for key, pane in {"1": "task", "3": "other", "4": "search", "5": "recipe"}.items():
            await pilot.press(key)
            await pilot.pause()
            await assert_golden(pilot.app, f"{pane}-{name}")

    play(setup_stage(tmp_path), scenario, SIZES[name])


def test_a_refused_value(tmp_path: Path) -> None:
    async def scenario(pilot: Pilot[None], screen: SetupScreen) -> None:  # noqa: ARG001
        await pilot.press("down", "enter", *"4e", "minus", "5", "enter")
        await pilot.press("enter", "x", "enter")
        await pilot.pause()
        await assert_golden(pilot.app, "refused-80x24")

    play(setup_stage(tmp_path), scenario)
