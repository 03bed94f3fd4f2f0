"""A recorded session in the UI."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.tui import corpus
from tests.tui.app_harness import press, visible_screen_text, wait_until
from tuner.session.replay import Playhead, Recording
from tuner.session.tail import EventTail
from tuner.tui.app import TunerApp
from tuner.tui.screens.replay_screen import ReplayScreen


class Clock:
    """Time that a test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def playing(app: TunerApp) -> ReplayScreen:
    assert isinstance(app.screen, ReplayScreen)
    return app.screen


def test_a_session_is_played_in_time(tmp_path: Path) -> None:
    session = corpus.record_running_session(tmp_path)
    events = EventTail(session.events_path).read_all_events()
    clock = Clock()
    recording = Recording(events, Playhead(events[0].time, events[-1].time, 1.0, clock))
    app = TunerApp(tmp_path, session.name, settings=tmp_path / "none.toml", recording=recording)
    app.animation_level = "none"

    async def run() -> None:
        async with app.run_test(size=(120, 40)) as pilot:
            screen = playing(app)
            await wait_until(pilot, lambda: screen.reader.complete)
            assert screen.reader.view.trials == {}
            assert "▶ replay" in visible_screen_text(app)
            clock.now += 1000
            await wait_until(pilot, lambda: len(screen.reader.view.trials) > 1)
            half = len(screen.reader.view.trials)
            await press(pilot, "p")
            clock.now += 1e5
            await pilot.pause()
            assert len(screen.reader.view.trials) == half
            assert "‖ replay" in visible_screen_text(app)
            await press(pilot, "plus", "plus", "minus")
            assert recording.playhead.speed == 2.0
            await press(pilot, "p")
            clock.now += 1e5
            await wait_until(pilot, lambda: recording.has_played_all)
            whole = len(screen.reader.view.trials)
            assert whole > half
            await press(pilot, *["less_than_sign"] * 10)
            await wait_until(pilot, lambda: playing(app).reader.complete)
            assert playing(app) is not screen
            assert 0 < len(playing(app).reader.view.trials) < whole
            assert "Pause" not in visible_screen_text(app).splitlines()[-1]

    asyncio.run(run())
