"""The app on a stage: no worker, a clock that stands still, screens as text."""

from __future__ import annotations

import asyncio
import difflib
import os
import time
import unicodedata
from collections.abc import Awaitable, Callable
from pathlib import Path

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App
from textual.pilot import Pilot

from tests.tui import corpus
from tuner.session.folder import Session
from tuner.session.inbox import EndRequests
from tuner.session.status import derive_session_state
from tuner.session.view import SessionState, SessionView
from tuner.tui.app import TunerApp
from tuner.tui.screens.picker_screen import PickerScreen
from tuner.tui.screens.study_screen import StudyScreen
from tuner.tui.shell.screenshots import visible_screen_text as visible_screen_text
from tuner.tui.state.gpu import GpuReader
from tuner.tui.state.machine import MachineMonitor
from tuner.tui.widgets.session_table import SessionTable
from tuner.tui.widgets.trial_table import TrialTable

GOLDEN = Path(__file__).parent / "golden"
SMALL, LARGE = (80, 24), (120, 40)
NOW = corpus.START + 3900

Scene = Callable[[Pilot[None], TunerApp], Awaitable[None]]


class States:
    """Says in which state sessions are, where the lock could not."""

    def __init__(self) -> None:
        self.states_by_name: dict[str, SessionState] = {}

    def running(self, *names: str) -> None:
        """Report these sessions as running."""
        self.states_by_name.update(dict.fromkeys(names, SessionState.RUNNING))

    def state(
        self, session: Session, view: SessionView, end_requests: EndRequests | None = None
    ) -> SessionState:
        """In the place of `derive_session_state`."""
        return self.states_by_name.get(session.name) or derive_session_state(
            session, view, end_requests
        )


def play(
    root: Path,
    scene: Scene,
    *,
    session: str | None = None,
    size: tuple[int, int] = SMALL,
    now: Callable[[], float] = lambda: NOW,
) -> TunerApp:
    """Run a scene once everything recorded has been read; the app afterwards."""
    app = TunerApp(root, session, clock=now, settings=root / "no-settings.toml")
    app.animation_level = "none"
    app.machine = MachineMonitor(GpuReader(_no_library))

    async def run() -> None:
        async with app.run_test(size=size, notifications=True) as pilot:
            await wait_until(pilot, lambda: _read(app))
            await pilot.pause()
            await scene(pilot, app)

    asyncio.run(run())
    return app


def _no_library() -> None:
    raise ImportError("no GPU is on the stage")


def _read(app: TunerApp) -> bool:
    screen = app.screen
    if isinstance(screen, StudyScreen):
        return screen.reader.complete and screen._shown_until_seq == screen.reader.view.next_seq
    if isinstance(screen, PickerScreen):
        return app.catalog.is_fully_read and screen.query_one(SessionTable).is_all_read
    return False


async def wait_until(
    pilot: Pilot[None], fact: Callable[[], object], seconds: float = 120.0
) -> None:
    """Wait for a fact, never for a time."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "waited in vain"
        await asyncio.sleep(0.01)
        await pilot.pause()


async def wait_until_settled(pilot: Pilot[None], app: TunerApp) -> None:
    """Wait until all that was begun in the background has come to the screen."""
    await app.workers.wait_for_complete()
    for _ in range(3):
        await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, and let what follows from them happen."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()


def live_screen(app: TunerApp) -> StudyScreen:
    """Return the live screen on top."""
    assert isinstance(app.screen, StudyScreen), app.screen
    return app.screen


def trial_table(app: TunerApp) -> TrialTable:
    """Its table of trials."""
    return live_screen(app).query_one(TrialTable)


async def assert_golden(app: TunerApp, name: str, seconds: float = 30.0) -> None:
    """Wait until the screen is the stored one; with RENEW_GOLDEN set, store it first."""
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("RENEW_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(await _unchanging_screen_text(app), encoding="utf-8")
    expected, deadline = path.read_text(encoding="utf-8"), time.monotonic() + seconds
    while (
        screen_text := await _unchanging_screen_text(app)
    ) != expected and time.monotonic() < deadline:
        pass
    differences = _differences(expected, screen_text)
    assert not differences, "\n".join([name, *differences])


async def _unchanging_screen_text(app: TunerApp) -> str:
    """Wait until the screen no longer changes; return its text."""
    screen_text, before = visible_screen_text(app), None
    while screen_text != before:
        await asyncio.sleep(0.02)
        screen_text, before = visible_screen_text(app), screen_text
    return screen_text


def _differences(expected: str, actual: str) -> list[str]:
    """List what a golden screen has and this one has not, and the other way around."""
    lines = difflib.unified_diff(expected.splitlines(), actual.splitlines(), "golden", "seen", n=0)
    return list(lines)


JOINERS = "\u200c\u200d"
"""Written in Persian and in scripts of India: they have no width and no effect on a line."""


def acting_signs(text: str) -> list[str]:
    """List the characters that act on a terminal: controls, marks of direction, invisible ones."""
    wrong = {sign for sign in text if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    return sorted(map(ascii, wrong - set(JOINERS)))


def assert_inert(app: App[None], place: str = "") -> None:
    """Every line of the screen is as wide as the screen, and nothing in it acts."""
    width, height = app.size
    strips = app.screen._compositor.render_strips()
    assert len(strips) == height
    for line, strip in enumerate(strips):
        where = f"{place} line {line}: {strip.text!r}"
        assert not acting_signs(strip.text), where
        assert sum(cell_len(segment.text) for segment in strip) == width, where
        assert cell_len(strip.text) == width, where
        assert not [segment for segment in strip if _acts(segment)], where


def _acts(segment: Segment) -> bool:
    style = segment.style
    return bool(style and (style.link or "@click" in style.meta))
