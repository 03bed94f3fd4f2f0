"""Every place of the UI and the way there: for tests that visit all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from textual.pilot import Pilot

from tests.tui.stage import press, until
from tuner.tui.app import TunerApp
from tuner.tui.screens.study import StudyScreen
from tuner.tui.screens.trial import TrialScreen
from tuner.tui.screens.views import ViewsScreen
from tuner.tui.views.trial import WIDE

Way = Callable[[Pilot[None], TunerApp], Awaitable[None]]


async def stay(_pilot: Pilot[None], _app: TunerApp) -> None:
    """Where the app opens."""


async def go_to_view(name: str, pilot: Pilot[None], app: TunerApp) -> None:
    """A view of the screen on top."""
    screen = app.screen
    assert isinstance(screen, ViewsScreen), screen
    await screen.open_view(name)
    await pilot.pause()


async def open_trial(name: str, pilot: Pilot[None], app: TunerApp) -> None:
    """A tab of the selected trial; nothing where there is no trial, or no such tab in this size."""
    await press(pilot, "enter")
    if isinstance(app.screen, TrialScreen) and name in app.screen.names:
        await go_to_view(name, pilot, app)


async def press_keys(keys: tuple[str, ...], pilot: Pilot[None], _app: TunerApp) -> None:
    """Over the live view."""
    await press(pilot, *keys)


async def compare(pilot: Pilot[None], app: TunerApp) -> None:
    """The comparison of the first three trials there are."""
    screen = app.screen
    assert isinstance(screen, StudyScreen)
    for number in sorted(screen.feed.view.trials)[:3]:
        screen.workspace.toggle_mark(number)
    await go_to_view("Compare", pilot, app)


async def open_setup(pilot: Pilot[None], app: TunerApp) -> None:
    """The setup screen of the session, where it can be edited."""
    await press(pilot, "e")
    await until(pilot, lambda: app.screen.is_mounted)


def ways() -> Mapping[str, Way]:
    """From the live view of a session to each place."""
    views = {name: partial(go_to_view, name) for name in StudyScreen.VIEWS if name != "Compare"}
    tabs = {f"trial {name}": partial(open_trial, name) for name in (*WIDE, "Rungs")}
    over = {
        "help": partial(press_keys, ("question_mark",)),
        "export": partial(press_keys, ("E",)),
        "columns": partial(press_keys, ("c",)),
    }
    return {**views, "Compare": compare, **tabs, **over, "setup": open_setup}
