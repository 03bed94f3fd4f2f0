"""Pause and resume at any step: the same study, no process left, and soon."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from tests.e2e.test_real_study import make as demo_session
from tests.faults.conftest import Calm
from tests.faults.fault_counts import count_event, measured
from tests.faults.processes import Life, processes_with, wait_until
from tests.faults.studies import Tiny, assert_same, assert_sound
from tuner.session import events as e
from tuner.session.commands import Pause
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.inbox import send_command
from tuner.session.status import derive_session_state
from tuner.session.tail import EventTail
from tuner.session.view import SessionState

QUICK_PAUSES = 5
LONG_PAUSES = 100
SECONDS_BEYOND_A_STEP = 2.0
_HOW = ("command", "SIGTERM", "SIGTERM to all")


def ask_for_pause(life: Life, how: str) -> None:
    if how == "command":
        send_command(life.session, Pause())
        return
    life.send(signal.SIGTERM, trainers=how == "SIGTERM to all")


def pause_somewhere(session: Session, dice: random.Random) -> bool:
    """Start, let it get somewhere, pause; afterwards there is nothing but files.

    False where the study came to its end before.
    """
    before = len(EventTail(session.events_path).read_all_events())
    further = dice.randint(1, 14)
    life = Life(session)
    wait_until(
        lambda: (
            not life.alive
            or len(EventTail(session.events_path).read_all_events()) >= before + further
        )
    )
    time.sleep(dice.uniform(0.0, 0.05))
    ask_for_pause(life, dice.choice(_HOW))
    assert life.wait() == 0
    assert processes_with(session.path) == []
    assert_sound(session)
    state = derive_session_state(session, load_session_view(session))
    assert state in (SessionState.PAUSED, SessionState.FINISHED)
    count_event("pauses", state is SessionState.PAUSED)
    return state is SessionState.PAUSED


def pause_all_the_way(tiny: Tiny, calm: Calm, dice: random.Random, pauses: int) -> None:
    while pauses > 0:
        session = tiny.session(checkpoint_seconds=dice.choice((1e-9, 60)))
        while (
            derive_session_state(session, load_session_view(session)) is not SessionState.FINISHED
        ):
            pauses -= pause_somewhere(session, dice)
        assert_same(session, calm.portrait)


@pytest.mark.timeout(300)
def test_paused_at_random_steps(tiny: Tiny, calm: Calm) -> None:
    pause_all_the_way(tiny, calm, random.Random(21), QUICK_PAUSES)


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_paused_at_very_many_random_steps(tiny: Tiny, calm: Calm) -> None:
    pause_all_the_way(tiny, calm, random.Random(22), LONG_PAUSES)


@pytest.mark.usefixtures("fork_server")
def test_a_paused_session_lets_go_of_the_device_at_once(tmp_path: Path) -> None:
    """With the embedded model and data."""
    session = demo_session(tmp_path, "demo")
    life = Life(session)
    wait_until(lambda: any(trial.step for trial in load_session_view(session).trials.values()))
    trial = load_session_view(session).trials[0]
    step = trial.seconds / trial.step
    pause_requested_at = time.monotonic()
    send_command(session, Pause())
    wait_until(lambda: not life.trainers())
    waited = time.monotonic() - pause_requested_at
    measured["from a pause to a free device"] = f"{waited:.2f} s, a step takes {step:.2f} s"
    assert waited <= step + SECONDS_BEYOND_A_STEP
    assert life.wait() == 0
    assert processes_with(session.path) == []


def test_a_lost_connection_changes_nothing(tiny: Tiny, calm: Calm) -> None:
    """SIGHUP, as from a terminal that is gone: the worker and its trainers go on."""
    session = tiny.session()
    life = Life(session)
    wait_until(lambda: load_session_view(session).trials)
    life.send(signal.SIGHUP, trainers=True)
    assert life.wait() == 0
    assert not any(
        isinstance(x, e.TrialRetried) for x in EventTail(session.events_path).read_all_events()
    )
    assert_same(session, calm.portrait)
