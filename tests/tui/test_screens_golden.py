"""Every place of the UI in every state at both sizes, as text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.places import go_home, replay, to_the_sessions, ways
from tests.tui.setup_stage import Answers
from tests.tui.stage import LARGE, SMALL, States, assert_golden, live, play, settled
from tuner.session.folder import Session
from tuner.tui.app import TunerApp
from tuner.tui.screens import setup_screen as setup_screen
from tuner.tui.shell.messages import ExportEnded
from tuner.tui.views.trial_tabs import NARROW_TABS, WIDE_TABS

STORIES: dict[str, Callable[[Path], Session]] = {
    "empty": corpus.draft,
    "running": corpus.running,
    "finished": corpus.finished,
    "crashed": corpus.crashed,
    "odd": corpus.odd,
}
RUNNING = ("running", "odd")
WAYS = {**ways(), "sessions": to_the_sessions, "replay": replay}
"""The replay is the last: it has another clock."""


def is_there(place: str, story: str, size: tuple[int, int]) -> bool:
    """Whether there is such a place to look at."""
    tab = place.removeprefix("trial ")
    if story == "empty" and (tab != place or place in ("export", "replay")):
        return False
    return tab == place or tab in (NARROW_TABS if size == SMALL else WIDE_TABS)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for sessions whose path is the same wherever the tests run."""
    monkeypatch.chdir(tmp_path)
    return Path("sessions")


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())
    text = '{\n  "schema": "tuner/best-params/1",\n  "trial": 4\n}'
    done = ExportEnded(text, written=True)
    monkeypatch.setattr("tuner.tui.screens.export_screen.run_export", lambda *_: done)


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
@pytest.mark.parametrize("story", STORIES)
def test_all_places(story: str, size: tuple[int, int], root: Path, states: States) -> None:
    session = STORIES[story](root)
    if story in RUNNING:
        states.running(session.name)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        home = live(app)
        for place, way in WAYS.items():
            if is_there(place, story, size):
                await way(pilot, app)
                await settled(pilot, app)
                name = place.lower().replace(" ", "-")
                await assert_golden(app, f"places/{name}-{story}-{size[0]}x{size[1]}")
                await go_home(home, pilot, app)

    play(root, scene, session=session.name, size=size)
