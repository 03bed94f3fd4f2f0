"""Every place of the UI in every state at both sizes, as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.places import Way, ways
from tests.tui.setup_stage import Answers
from tests.tui.stage import LARGE, SMALL, States, assert_golden, play, settled
from tuner.session.folder import Session
from tuner.tui.app import TunerApp
from tuner.tui.messages import ExportEnded
from tuner.tui.screens import setup as setup_screen

STORIES: dict[str, Callable[[Path], Session]] = {
    "empty": corpus.draft,
    "running": corpus.running,
    "finished": corpus.finished,
    "crashed": corpus.crashed,
    "odd": corpus.odd,
}
RUNNING = ("running", "odd")
NO_TRIALS = ("empty",)


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())
    text = '{\n  "schema": "tuner/best-params/1",\n  "trial": 4\n}'
    done = ExportEnded(text, written=True)
    monkeypatch.setattr("tuner.tui.screens.export.run_export", lambda *_: done)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("story", STORIES)
@pytest.mark.parametrize("place", ways())
def test_a_place_in_a_state(
    place: str, story: str, size: tuple[int, int], root: Path, states: States
) -> None:
    if story in NO_TRIALS and place.startswith("trial"):
        pytest.skip("there is no trial to open")
    session = STORIES[story](root)
    if story in RUNNING:
        states.running(session.name)
    way: Way = ways()[place]

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await way(pilot, app)
        await settled(pilot, app)
        name = place.lower().replace(" ", "-")
        assert_golden(app, f"places/{name}-{story}-{size[0]}x{size[1]}")

    play(root, scene, session=session.name, size=size)
