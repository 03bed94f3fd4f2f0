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
from tuner.tui.views.trial import NARROW, WIDE

STORIES: dict[str, Callable[[Path], Session]] = {
    "empty": corpus.draft,
    "running": corpus.running,
    "finished": corpus.finished,
    "crashed": corpus.crashed,
    "odd": corpus.odd,
}
RUNNING = ("running", "odd")
ALIKE = ("help", "columns", "export")
"""Places that look the same in every story: shown in one."""


def is_there(place: str, story: str, size: tuple[int, int]) -> bool:
    """Whether there is such a place to look at."""
    tab = place.removeprefix("trial ")
    if tab != place and (story == "empty" or tab not in (NARROW if size == SMALL else WIDE)):
        return False
    if place == "setup":
        return story not in RUNNING
    return story == "running" or place not in ALIKE


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())
    text = '{\n  "schema": "tuner/best-params/1",\n  "trial": 4\n}'
    done = ExportEnded(text, written=True)
    monkeypatch.setattr("tuner.tui.screens.export.run_export", lambda *_: done)


@pytest.mark.parametrize(
    ("place", "story", "size"),
    [
        (place, story, size)
        for place in ways()
        for story in STORIES
        for size in (SMALL, LARGE)
        if is_there(place, story, size)
    ],
    ids=lambda value: str(value) if isinstance(value, str) else f"{value[0]}x{value[1]}",
)
def test_a_place_in_a_state(
    place: str, story: str, size: tuple[int, int], root: Path, states: States
) -> None:
    session = STORIES[story](root)
    if story in RUNNING:
        states.running(session.name)
    way: Way = ways()[place]

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await way(pilot, app)
        await settled(pilot, app)
        name = place.lower().replace(" ", "-")
        await assert_golden(app, f"places/{name}-{story}-{size[0]}x{size[1]}")

    play(root, scene, session=session.name, size=size)
