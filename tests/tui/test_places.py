"""Every place of the UI in every state at both sizes: what holds everywhere, in one walk."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.app_harness import (
    LARGE,
    SMALL,
    States,
    assert_golden,
    assert_inert,
    live_screen,
    play,
    press,
    visible_screen_text,
    wait_until_settled,
)
from tests.tui.places import (
    go_home,
    is_in_size,
    replay,
    to_the_sessions,
    ways,
    ways_in_size,
)
from tests.tui.setup_harness import Answers
from tuner.session.folder import Session
from tuner.tui.app import TunerApp
from tuner.tui.screens import setup_screen as setup_screen
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.screens.views_screen import ViewsScreen
from tuner.tui.shell.ascii_filter import as_ascii_cells
from tuner.tui.widgets.key_bar import KeyBar
from tuner.tui.widgets.session_table import SessionTable

STORIES: dict[str, Callable[[Path], Session]] = {
    "empty": corpus.create_draft_session,
    "running": corpus.record_running_session,
    "finished": corpus.record_finished_session,
    "crashed": corpus.record_crashed_session,
    "odd": corpus.record_odd_session,
}
RUNNING = ("running", "odd")
READ_BY_PEOPLE = ("running", "odd")
"""Their screens are kept as files; what holds of the others is asserted."""

WAYS = {**ways(), "sessions": to_the_sessions, "replay": replay}
"""The replay is the last: it has another clock."""

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])


WALKS = [
    *((story, size) for story in READ_BY_PEOPLE for size in (SMALL, LARGE)),
    ("empty", SMALL),
    ("finished", LARGE),
    ("crashed", SMALL),
]
"""The layout follows from the size, the rest of a screen from the state."""


def is_there(place: str, story: str, size: tuple[int, int]) -> bool:
    """Whether there is such a place to look at; a session that never ran has no trials."""
    if story == "empty" and (place.startswith("trial ") or place in ("export", "replay")):
        return False
    return is_in_size(place, size)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder for sessions whose path is the same wherever the tests run."""
    monkeypatch.chdir(tmp_path)
    return Path("sessions")


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())
    text = '{\n  "schema": "tuner/best-params/1",\n  "trial": 4\n}'
    monkeypatch.setattr("tuner.tui.screens.export_screen.export_as_text", lambda *_: text)


async def visit_places(
    story: str, size: tuple[int, int], pilot: Pilot[None], app: TunerApp
) -> AsyncIterator[str]:
    """Yield the name of each place that there is, while it is on the screen."""
    home = live_screen(app)
    for place, way in WAYS.items():
        if is_there(place, story, size):
            await way(pilot, app)
            await wait_until_settled(pilot, app)
            yield place
            await go_home(home, pilot, app)


@pytest.mark.parametrize(
    ("story", "size"), WALKS, ids=[f"{story}-{width}x{height}" for story, (width, height) in WALKS]
)
def test_every_place(story: str, size: tuple[int, int], root: Path, states: States) -> None:
    session = STORIES[story](root)
    if story in RUNNING:
        states.running(session.name)
    visited: list[str] = []

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        async for place in visit_places(story, size, pilot, app):
            visited.append(place)
            assert_inert(app)
            assert_footer_is_whole(app, size)
            if story != "odd":
                assert_ascii_is_enough(app)
            if story in READ_BY_PEOPLE:
                name = place.lower().replace(" ", "-")
                await assert_golden(app, f"places/{name}-{story}-{size[0]}x{size[1]}")

    play(root, scene, session=session.name, size=size)
    assert visited == [place for place in WAYS if is_there(place, story, size)]


def assert_footer_is_whole(app: TunerApp, size: tuple[int, int]) -> None:
    """Check that the last line names keys that apply, as many as fit, none of them cut."""
    if not app.screen.query(KeyBar):
        return
    keys = app.screen.query_one(KeyBar).displayed_keys()
    assert 3 <= len(keys) <= 10
    assert all(key.display and key.label for key in keys)
    last = visible_screen_text(app).splitlines()[-1]
    named = [key for key in keys if f" {key.display} {key.label}" in last]
    assert len(named) >= min(len(keys), 5 if size == SMALL else 8), last
    assert last.split() == " ".join(f"{key.display} {key.label}" for key in named).split()


def assert_ascii_is_enough(app: TunerApp) -> None:
    """Every sign that the UI draws has one of ASCII in its place."""
    screen_text = visible_screen_text(app)
    ascii_text = "".join(map(as_ascii_cells, screen_text))
    assert ascii_text.isascii()
    assert ascii_text.count("?") == screen_text.count("?"), ascii_text


def test_ascii_where_it_is_asked_for(
    root: Path, states: States, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_ASCII", "1")
    session = corpus.record_running_session(root)
    states.running(session.name)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await wait_until_settled(pilot, app)
        assert visible_screen_text(app).isascii()

    play(root, scene, session=session.name)


def depth(app: TunerApp) -> tuple[int, int, int]:
    """How deep one is: screens, views and what is open in a view."""
    screen = app.screen
    if not isinstance(screen, ViewsScreen):
        return len(app.screen_stack), 0, 0
    view = screen.current_view
    zoomed = view is not None and view.is_zoomed
    filtered = isinstance(screen, StudyScreen) and bool(screen.workspace.filter_text)
    return len(app.screen_stack), int(screen._view_index > 0), zoomed + filtered


async def leave_by_escape(home: StudyScreen, pilot: Pilot[None], app: TunerApp) -> None:
    """Press esc until one is home, each time out of one layer alone."""
    before = depth(app)
    for _ in range(8):
        if app.screen is home and depth(app)[1:] == (0, 0):
            return
        await press(pilot, "escape")
        after = depth(app)
        assert sum(map(abs, map(int.__sub__, before, after))) >= 1, (before, after)
        assert before[0] - after[0] in (0, 1)
        if before[0] == after[0]:
            assert sum(before[1:]) - sum(after[1:]) == 1, (before, after)
        before = after


@SIZES
def test_esc_is_one_layer_out(size: tuple[int, int], root: Path, states: States) -> None:
    session = corpus.record_running_session(root)
    states.running(session.name)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        home = live_screen(app)
        for place, way in ways_in_size(size).items():
            await press(pilot, "slash", *"!9", "enter")
            await way(pilot, app)
            if isinstance(app.screen, ViewsScreen):
                await press(pilot, "z")
            await leave_by_escape(home, pilot, app)
            assert app.screen is home, place
            assert not home.workspace.filter_text, place
            await go_home(home, pilot, app)
        await press(pilot, "escape")
        assert app.screen.query(SessionTable)

    play(root, scene, session=session.name, size=size)
