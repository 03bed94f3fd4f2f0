"""Whole screens as text, at the two sizes they are designed for."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui.app_harness import LARGE, SMALL, assert_golden, play, press
from tuner.tui.app import TunerApp
from tuner.tui.widgets.drawn_line import DrawnLine

SIZES = {"80x24": SMALL, "120x40": LARGE}


@pytest.mark.parametrize("name", SIZES)
def test_the_picker(whole_corpus: Path, name: str) -> None:
    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        app.catalog.root = Path("sessions")
        app.screen.query(DrawnLine).first().redraw_content()
        await _pilot.pause()
        await assert_golden(app, f"picker-{name}")

    play(whole_corpus, scene, size=SIZES[name])


@pytest.mark.parametrize("name", SIZES)
def test_a_session_that_failed(whole_corpus: Path, name: str) -> None:
    async def scene(_pilot: Pilot[None], app: TunerApp) -> None:
        await assert_golden(app, f"live-mrpc-smoke-{name}")

    play(whole_corpus, scene, session="mrpc-smoke", size=SIZES[name])


def test_every_tab_of_the_narrow_layout(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for number in "345":
            await press(pilot, number)
            await assert_golden(app, f"tab-{number}-80x24")

    play(whole_corpus, scene, session="rte-roberta-llrd")


def test_the_first_run(root: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        app.catalog.root = Path("sessions")
        app.screen.query(DrawnLine).first().redraw_content()
        await pilot.pause()
        await assert_golden(app, "first-run-80x24")

    play(root, scene)
