"""The line that says on what a session runs: as much of it as fits, the important first."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.session.event_logs import slots_chosen
from tuner.render.status_text import device_status_runs
from tuner.render.styles import TERMINAL_STYLES
from tuner.session import events as e
from tuner.session.fold import fold_events
from tuner.session.folder import Session
from tuner.session.trial_counter import TrialCounter
from tuner.session.view import SessionState, SessionView

SESSION = Session(Path("sessions/tiny"))


@dataclass
class SessionFacts:
    """What a feed would know."""

    view: SessionView
    session: Session = SESSION
    trial_counts: TrialCounter = field(default_factory=TrialCounter)
    state: SessionState = SessionState.RUNNING
    is_stalled: bool = False
    remaining_seconds: float | None = None


def two_running(*more: e.AnyEvent) -> SessionFacts:
    events: list[e.AnyEvent] = [
        e.WorkerStarted(pid=7, host="a-rather-long-name", versions={}, devices=["cpu"], time=90.0),
        e.DataRead(
            rows={}, labels=[], parameters=1, groups={}, device="cpu", batches="packed", threads=4
        ),
        *more,
    ]
    for number in (0, 1):
        events += [
            e.TrialStarted(trial=number, generation=0, params={}, seed=0, device="cpu"),
            e.Step(
                trial=number, step=1, of=9, loss=1.0, learning_rates={},
                examples_per_second=18.9, memory=300 << 20, time=100.0,
            ),
        ]  # fmt: skip
    session_facts = SessionFacts(SessionView())
    session_facts.trial_counts.recount_trials(
        session_facts.view, fold_events(session_facts.view, events)
    )
    return session_facts


def line(session_facts: SessionFacts, width: int) -> str:
    text = "".join(
        part for part, _ in device_status_runs(session_facts, 103.0, width, TERMINAL_STYLES)
    )
    assert cell_len(text.rstrip()) <= width
    return text.strip()


def test_device_path_slots_speed_and_memory_fit_eighty_columns() -> None:
    session_facts = two_running(slots_chosen())
    whole = "cpu  packed  2 × 2 threads  37.8 examples/s  memory 600.0 MiB"
    assert line(session_facts, 80) == whole
    assert line(session_facts, 90) == f"{whole}  last event 3 s ago"
    assert line(session_facts, 120).endswith(
        "last event 3 s ago  worker pid 7 on a-rather-long-name"
    )
    assert line(session_facts, 40) == "cpu  packed  2 × 2 threads"


def test_silence_is_more_important_than_who_works() -> None:
    session_facts = two_running(slots_chosen())
    session_facts.is_stalled = True
    assert "⚠ no news, may be stalled" in line(session_facts, 100)


@pytest.mark.parametrize("state", [SessionState.PAUSED, SessionState.FINISHED])
def test_what_does_not_run_has_no_speed(state: SessionState) -> None:
    session_facts = two_running()
    fold_events(session_facts.view, [e.SessionPaused()])
    session_facts.trial_counts.recount_trials(session_facts.view, {0, 1})
    session_facts.state = state
    assert line(session_facts, 120) == "cpu  packed  1 × 4 threads  last event 3 s ago"


def test_the_log_of_an_older_version_tells_less() -> None:
    session_facts = SessionFacts(SessionView())
    fold_events(
        session_facts.view,
        [e.WorkerStarted(pid=7, host="x", versions={}, devices=["cpu"], slots=2)],
    )
    assert line(session_facts, 80) == "cpu  worker pid 7 on x"
