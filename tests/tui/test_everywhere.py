"""What holds in every place: esc is one layer out, the footer is whole, ASCII is ASCII."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.tui import corpus
from tests.tui.places import Way, ways
from tests.tui.setup_stage import Answers
from tests.tui.stage import LARGE, SMALL, States, live, play, press, settled, visible_screen_text
from tuner.session.folder import Session
from tuner.tui.app import TunerApp
from tuner.tui.screens import setup_screen as setup_screen
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.screens.views_screen import ViewsScreen
from tuner.tui.widgets.key_bar import KeyBar, keys_to_display
from tuner.tui.widgets.session_table import SessionTable

SIZES = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
PLACES = pytest.mark.parametrize("place", ways())


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())


@pytest.fixture
def session(root: Path, states: States) -> Session:
    """A session that runs."""
    found = corpus.running(root)
    states.running(found.name)
    return found


def depth(app: TunerApp) -> tuple[int, int, int]:
    """How deep one is: screens, views and what is open in a view."""
    screen = app.screen
    if not isinstance(screen, ViewsScreen):
        return len(app.screen_stack), 0, 0
    view = screen.current_view
    zoomed = view is not None and view.is_zoomed
    filtered = isinstance(screen, StudyScreen) and bool(screen.workspace.filter_text)
    return len(app.screen_stack), int(screen._view_index > 0), zoomed + filtered


@SIZES
@PLACES
def test_esc_is_one_layer_out(place: str, size: tuple[int, int], session: Session) -> None:
    way: Way = ways()[place]

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "slash", *"!9", "enter")
        home = live(app)
        await way(pilot, app)
        if isinstance(app.screen, ViewsScreen):
            await press(pilot, "z")
        before = depth(app)
        for _ in range(8):
            if app.screen is home and depth(app)[1:] == (0, 0):
                break
            await press(pilot, "escape")
            after = depth(app)
            assert sum(map(abs, map(int.__sub__, before, after))) >= 1, (before, after)
            assert before[0] - after[0] in (0, 1)
            if before[0] == after[0]:
                assert sum(before[1:]) - sum(after[1:]) == 1, (before, after)
            before = after
        assert app.screen is home
        assert not home.workspace.filter_text
        await press(pilot, "escape")
        assert app.screen.query(SessionTable)

    play(session.path.parent, scene, session=session.name, size=size)


@SIZES
@PLACES
def test_the_footer_is_whole(place: str, size: tuple[int, int], session: Session) -> None:
    way: Way = ways()[place]

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await way(pilot, app)
        await settled(pilot, app)
        if not app.screen.query(KeyBar):
            return
        keys = keys_to_display(app, app.screen)
        assert 3 <= len(keys) <= 10
        assert all(key.display and key.label for key in keys)
        last = visible_screen_text(app).splitlines()[-1]
        named = [key for key in keys if f" {key.display} {key.label}" in last]
        assert len(named) >= (5 if size == SMALL else 8), last
        assert last.split() == " ".join(f"{key.display} {key.label}" for key in named).split()

    play(session.path.parent, scene, session=session.name, size=size)


@SIZES
@PLACES
def test_ascii_where_it_is_asked_for(
    place: str, size: tuple[int, int], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TUNER_ASCII", "1")
    way: Way = ways()[place]

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await way(pilot, app)
        await settled(pilot, app)
        seen = visible_screen_text(app)
        assert seen.isascii()
        assert "?" not in seen.replace(" ? ", "").replace("question mark", ""), seen

    play(session.path.parent, scene, session=session.name, size=size)
