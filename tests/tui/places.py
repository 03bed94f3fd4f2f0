"""Every place of the UI and the way there: for tests that visit all of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from textual.pilot import Pilot

from tests.tui.app_harness import SMALL, live_screen, press, trial_table, wait_until
from tuner.session.replay import Recording
from tuner.session.tail import EventTail
from tuner.tui.app import TunerApp
from tuner.tui.screens.picker_screen import PickerScreen
from tuner.tui.screens.replay_screen import ReplayScreen
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.screens.trial_screen import TrialScreen
from tuner.tui.screens.views_screen import ViewsScreen
from tuner.tui.state.replay_reader import ReplayReader
from tuner.tui.views.trial_tabs import NARROW_TABS, WIDE_TABS
from tuner.tui.widgets.session_table import SessionTable

Way = Callable[[Pilot[None], TunerApp], Awaitable[None]]


async def stay(_pilot: Pilot[None], _app: TunerApp) -> None:
    """Where the app opens."""


async def go_to_view(name: str, pilot: Pilot[None], app: TunerApp) -> None:
    """Show a view of the screen on top."""
    screen = app.screen
    assert isinstance(screen, ViewsScreen), screen
    await screen.show_view_named(name)
    await pilot.pause()


async def open_trial(name: str, pilot: Pilot[None], app: TunerApp) -> None:
    """Open a tab of the selected trial, where there is a trial, and such a tab in this size."""
    await press(pilot, "enter")
    if isinstance(app.screen, TrialScreen) and name in app.screen.view_names:
        await go_to_view(name, pilot, app)


async def press_keys(keys: tuple[str, ...], pilot: Pilot[None], _app: TunerApp) -> None:
    """Over the live view."""
    await press(pilot, *keys)


async def compare(pilot: Pilot[None], app: TunerApp) -> None:
    """Open the comparison of the first three trials there are."""
    screen = app.screen
    assert isinstance(screen, StudyScreen)
    for number in sorted(screen.reader.view.trials)[:3]:
        screen.workspace.toggle_trial_mark(number)
    await go_to_view("Compare", pilot, app)


async def open_setup(pilot: Pilot[None], app: TunerApp) -> None:
    """Open the setup screen of the session, where it can be edited."""
    await press(pilot, "e")
    await wait_until(pilot, lambda: app.screen.is_mounted)


async def replay(pilot: Pilot[None], app: TunerApp) -> None:
    """Replay the session, halted in its middle; the app's clock is the recording's."""
    session = live_screen(app).reader.session
    recording = Recording.from_events(EventTail(session.events_path).read_all_events(), speed=1.0)
    head = recording.playhead
    head.set_halted(True)
    head.jump_to_moment((head.start + head.end) / 2)
    app.clock = head.current_moment
    feed = ReplayReader(session, recording)
    await app.push_screen(ReplayScreen(feed))
    await wait_until(pilot, lambda: feed.complete)


async def to_the_sessions(pilot: Pilot[None], app: TunerApp) -> None:
    """All sessions, over the live view."""
    await app.push_screen(PickerScreen(app.catalog))
    sessions = app.screen.query_one(SessionTable)
    await wait_until(pilot, lambda: sessions.is_all_read)


async def go_home(home: StudyScreen, pilot: Pilot[None], app: TunerApp) -> None:
    """Back to the live view as it was when the app opened."""
    while app.screen is not home:
        app.pop_screen()
        await pilot.pause()
    app.clear_notifications()
    home.workspace.marks.clear()
    await go_to_view("Live", pilot, app)
    trial_table(app).focus()


def ways() -> Mapping[str, Way]:
    """From the live view of a session to each place."""
    views = {name: partial(go_to_view, name) for name in StudyScreen.VIEWS if name != "Compare"}
    tabs = {f"trial {name}": partial(open_trial, name) for name in (*WIDE_TABS, "Rungs")}
    over = {
        "help": partial(press_keys, ("question_mark",)),
        "export": partial(press_keys, ("E",)),
        "columns": partial(press_keys, ("c",)),
    }
    return {**views, "Compare": compare, **tabs, **over, "setup": open_setup}


ALIKE_IN_EVERY_SIZE = ("Log", "trial Log", "help", "columns")
"""Without tabs in the small size, and without panes side by side in the large one."""


def is_in_size(place: str, size: tuple[int, int]) -> bool:
    """Whether a place is there; a trial's tabs follow from the size."""
    tab = place.removeprefix("trial ")
    return tab == place or tab in (NARROW_TABS if size == SMALL else WIDE_TABS)


def ways_in_size(size: tuple[int, int]) -> Mapping[str, Way]:
    """To each place in the small size; in the large one to those that have another layout there."""
    return {
        place: way
        for place, way in ways().items()
        if is_in_size(place, size) and (size == SMALL or place not in ALIKE_IN_EVERY_SIZE)
    }
