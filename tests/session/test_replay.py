"""A recorded log played again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.session import events as e
from tuner.session.replay import FASTEST, SLOWEST, Playhead, Recording


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def log(*times: float) -> list[e.AnyEvent]:
    """Lines of a log at these times."""
    return [e.Log(seq=i, time=t, level="info", text=str(i)) for i, t in enumerate(times)]


def texts(events: object) -> list[str]:
    assert isinstance(events, list)
    return [event.text for event in events]


def test_the_playhead_moves_with_its_clock() -> None:
    clock = Clock()
    head = Playhead(100.0, 200.0, speed=10.0, clock=clock)
    assert head.current_moment() == 100.0
    clock.now += 2
    assert head.current_moment() == 120.0
    head.change_speed(1.0)
    clock.now += 5
    assert head.current_moment() == 125.0
    head.set_halted(True)
    clock.now += 50
    assert head.current_moment() == 125.0
    head.set_halted(False)
    clock.now += 25
    assert head.played_share == pytest.approx(0.5)
    clock.now += 1e6
    assert head.current_moment() == 200.0


def test_speed_stays_within_what_makes_sense() -> None:
    head = Playhead(0.0, 1.0)
    head.change_speed(1e12)
    assert head.speed == FASTEST
    head.change_speed(0.0)
    assert head.speed == SLOWEST


def test_events_come_when_they_came() -> None:
    clock = Clock()
    recording = Recording(log(10.0, 11.0, 20.0), Playhead(10.0, 20.0, 1.0, clock))
    assert texts(recording.read_events()) == ["0"]
    assert recording.seconds_until_next() == pytest.approx(1.0)
    clock.now += 1.5
    assert texts(recording.read_events()) == ["1"]
    assert recording.read_events() == []
    clock.now += 100
    assert texts(recording.read_events()) == ["2"]
    assert recording.has_played_all
    assert recording.seconds_until_next() == 0.0


@pytest.mark.parametrize(
    "last_word",
    [
        e.SessionPaused(seq=1, time=12.0),
        e.SessionCreated(schema=1, name="new", tuner="0.1.0", seq=1, time=12.0),
    ],
    ids=["between two workers", "before the first one"],
)
def test_time_without_a_worker_is_skipped(last_word: e.AnyEvent) -> None:
    clock = Clock()
    events = [*log(10.0), last_word, e.Log(seq=2, time=90000.0, level="info", text="on")]
    recording = Recording(events, Playhead(10.0, 90000.0, 1.0, clock))
    clock.now += 2
    assert len(recording.read_events()) == 2
    assert texts(recording.read_events()) == ["on"]


def test_a_clock_that_was_set_back_holds_nothing_back() -> None:
    clock = Clock()
    recording = Recording(log(10.0, 50.0, 5.0), Playhead(10.0, 50.0, 1.0, clock))
    clock.now += 40
    assert texts(recording.read_events()) == ["0", "1", "2"]


def test_a_rewound_recording_gives_all_again() -> None:
    clock = Clock()
    recording = Recording(log(10.0, 11.0), Playhead(10.0, 11.0, 1.0, clock))
    clock.now += 10
    first = recording.read_events()
    recording.rewind_to_start()
    assert recording.read_events() == first


@given(
    st.lists(st.floats(1.0, 1e6), min_size=1, max_size=40),
    st.lists(st.floats(0.0, 1e5), max_size=20),
)
def test_every_event_comes_once_and_in_order(times: list[float], steps: list[float]) -> None:
    clock = Clock()
    events = log(*times)
    recording = Recording(events, Playhead(min(times), max(times), 1.0, clock))
    replayed_events: list[object] = []
    for step in [*steps, 1e7]:
        clock.now += step
        replayed_events += recording.read_events()
    assert replayed_events == events


def test_an_empty_log_has_ended() -> None:
    recording = Recording.from_events([], 1.0)
    assert recording.has_played_all
    assert recording.read_events() == []
    assert recording.playhead.played_share == 1.0
