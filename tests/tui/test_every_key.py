"""Every binding, pressed in every place, in every state: nothing may break."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark.structures import ParameterSet
from textual import events
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input

from tests.tui import corpus
from tests.tui.app_harness import LARGE, SMALL, States, play, press, wait_until
from tests.tui.places import Way, stay, ways
from tests.tui.setup_harness import Answers
from tuner.session.folder import Session
from tuner.tui.app import TunerApp
from tuner.tui.screens import setup_screen as setup_screen
from tuner.tui.screens.picker_screen import PickerScreen
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.screens.trial_screen import TrialScreen
from tuner.tui.screens.views_screen import ViewsScreen
from tuner.tui.views.trial_tabs import NARROW_TABS, WIDE_TABS
from tuner.tui.widgets.key_bar import KeyBar

LEAVING = {"q", "ctrl+q", "escape", "ctrl+c"}
ALWAYS = (
    "enter",
    "space",
    "tab",
    "shift+tab",
    "up",
    "down",
    "left",
    "right",
    "0",
    "a",
    "backspace",
)
STORIES: dict[str, Callable[[Path], Session]] = {
    "draft": corpus.create_draft_session,
    "running": corpus.record_running_session,
    "finished": corpus.record_finished_session,
    "crashed": corpus.record_crashed_session,
    "odd": corpus.record_odd_session,
}
RUNNING = ("running", "odd")


@pytest.fixture(autouse=True)
def _nothing_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No worker, no editor, no model; files go where nobody minds."""
    monkeypatch.setattr(TunerApp, "_launch_in_thread", lambda *_: None)
    monkeypatch.setattr(setup_screen, "Services", lambda: Answers().services())
    monkeypatch.setenv("EDITOR", "true")
    monkeypatch.setenv("VISUAL", "true")
    monkeypatch.chdir(tmp_path)


def keys_of(app: TunerApp, seed: str) -> list[str]:
    """All keys that are bound here, and some that always mean something, in a seeded order."""
    keys = sorted({*app.screen.active_bindings, *ALWAYS} - LEAVING)
    random.Random(seed).shuffle(keys)
    return keys


async def return_to_view(screen: Screen[Any], view_name: str, marks: list[int]) -> None:
    """Show the view again that a key has left, with the marks that a key has removed."""
    if isinstance(screen, StudyScreen):
        for number in marks:
            if number not in screen.workspace.marks:
                screen.workspace.toggle_trial_mark(number)
    if isinstance(screen, ViewsScreen) and screen.view_name != view_name:
        await screen.show_view_named(view_name)


async def try_keys(pilot: Pilot[None], app: TunerApp, seed: str) -> int:
    """Press every key, each where screen and view are as before; how many."""
    home = app.screen
    keys = keys_of(app, seed)
    view_name = home.view_name if isinstance(home, ViewsScreen) else ""
    marks = list(home.workspace.marks) if isinstance(home, StudyScreen) else []
    for key in keys:
        await pilot.press(key)
        if any(bar.is_asking for bar in app.screen.query(KeyBar)):
            await pilot.press("n")
        if isinstance(app.focused, Input):  # where the next keys would be a text
            await pilot.press("escape")
        while app.screen is not home and home in app.screen_stack:
            app.pop_screen()
            await pilot.pause()
        if app.screen is not home:
            return len(keys)
        await return_to_view(home, view_name, marks)
    return len(keys)


def is_there(place: str, story: str) -> bool:
    """Whether there is such a place: a session that was never started has no trials."""
    return story != "draft" or not (place.startswith("trial ") or place == "export")


def cases() -> Iterator[ParameterSet]:
    """Every place in every state; one state of each place is quick, all of them the long part."""
    for number, place in enumerate(ways()):
        stories = [story for story in STORIES if is_there(place, story)]
        for turn, story in enumerate(stories):
            marks = () if turn == number % len(stories) else (pytest.mark.long,)
            yield pytest.param(place, story, marks=marks, id=f"{place}-{story}")


def size_of(place: str) -> tuple[int, int]:
    """Return a size in which there is such a place."""
    tab = place.removeprefix("trial ")
    if (tab in WIDE_TABS and tab in NARROW_TABS) or tab == place:
        return LARGE if len(place) % 2 else SMALL
    return LARGE if tab in WIDE_TABS else SMALL


@pytest.mark.parametrize(("place", "story"), list(cases()))
def test_every_key_everywhere(place: str, story: str, root: Path, states: States) -> None:
    session = STORIES[story](root)
    if story in RUNNING:
        states.running(session.name)
    way: Way = ways()[place]
    tried: list[int] = []

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await way(pilot, app)
        assert isinstance(app.screen, TrialScreen) == place.startswith("trial ")
        tried.append(await try_keys(pilot, app, f"{place} {story}"))
        for _ in range(6):
            await press(pilot, "escape")

    play(root, scene, session=session.name, size=size_of(place))
    assert tried[0] > 10


def test_every_key_among_the_sessions(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await stay(pilot, app)
        assert isinstance(app.screen, PickerScreen)
        await try_keys(pilot, app, "picker")
        for _ in range(6):
            await press(pilot, "escape")

    play(whole_corpus, scene)


def test_the_palette_opens_once_however_quick_the_keys(whole_corpus: Path) -> None:
    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        for key in ("enter", "colon", "ctrl+p", "E"):
            app.post_message(events.Key(key, None))
        await pilot.pause()
        assert app.is_running
        await press(pilot, *("escape",) * 6)

    play(whole_corpus, scene)


def test_yes_to_every_question(root: Path, states: States) -> None:
    session = corpus.record_running_session(root)
    states.running(session.name)

    async def scene(pilot: Pilot[None], app: TunerApp) -> None:
        await press(pilot, "x", "y", "p", "P", "ctrl+k", "y")
        states.states_by_name.clear()
        app.catalog.reader_for(session).expire_lock_check()
        await wait_until(
            pilot,
            lambda: app.catalog.reader_for(session).state not in states.states_by_name.values(),
        )
        assert isinstance(app.screen, StudyScreen)
        sent = session.commands_path.read_text().count("\n")
        assert sent == 4

    play(root, scene, session=session.name)
