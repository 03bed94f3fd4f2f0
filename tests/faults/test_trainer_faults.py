"""Whatever befalls a trainer costs at most the trial that it has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.faults import fault_injection
from tests.faults.conftest import Calm
from tests.faults.fault_counts import count_event
from tests.faults.fault_injection import InjectedFault
from tests.faults.processes import Plan, live
from tests.faults.studies import Tiny, assert_same, assert_sound
from tests.worker.worker_sessions import of_kind
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.view import TrialState
from tuner.worker.retries import count_oom_kills

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Where mishaps note that they have happened."""
    folder = tmp_path / "happened"
    folder.mkdir()
    return folder


def after(session: Session, fault: Any, code: int = 0) -> Session:
    """Run a worker with this fault; return the session."""
    assert live(session, Plan(fault=fault)) == code
    count_event(
        f"faults: {type(fault).__name__} {getattr(getattr(fault, 'what', None), '__name__', '')}"
    )
    assert_sound(session)
    return session


def retries(session: Session) -> list[tuple[int, str]]:
    return [(event.trial, event.cause) for event in of_kind(session, e.TrialRetried)]


def failures(session: Session) -> list[tuple[int, str]]:
    return [(event.trial, event.cause) for event in of_kind(session, e.TrialFailed)]


def test_a_segmentation_fault_costs_nothing(tiny: Tiny, calm: Calm, notes: Path) -> None:
    session = after(tiny.session(), InjectedFault(fault_injection.crash, notes))
    assert retries(session) == [(1, "died")]
    assert "signal 11" in of_kind(session, e.TrialRetried)[0].error
    assert_same(session, calm.portrait)


def test_a_trial_that_always_crashes_is_tried_twice_and_given_up(tiny: Tiny, notes: Path) -> None:
    session = tiny.session(checkpoint_seconds=60)
    after(session, InjectedFault(fault_injection.crash, notes, times=99))
    assert retries(session) == [(1, "died")]
    assert failures(session) == [(1, "died")]
    assert ended_flags(session) == [True] * 5


def ended_flags(session: Session) -> list[bool]:
    return [trial.ended is not None for trial in load_session_view(session).trials.values()]


@pytest.mark.parametrize(
    "what", [fault_injection.stop, pytest.param(fault_injection.hang, marks=pytest.mark.long)]
)
def test_a_trainer_that_says_nothing_is_replaced(
    tiny: Tiny, calm: Calm, notes: Path, what: Any
) -> None:
    session = tiny.session(training="silence_seconds = 2")
    after(session, InjectedFault(what, notes))
    assert retries(session) == [(1, "hung")]
    assert "was silent for 2 s" in of_kind(session, e.TrialRetried)[0].error
    assert_same(session, calm.portrait)


def test_a_loss_that_is_not_a_number_costs_that_trial(tiny: Tiny, notes: Path) -> None:
    session = after(tiny.session(), InjectedFault(fault_injection.lose_numbers, notes))
    assert retries(session) == []
    assert failures(session) == [(1, "not a number")]
    assert ended_flags(session) == [True] * 5


def test_a_lost_device_costs_nothing_where_the_next_process_has_it_again(
    tiny: Tiny, calm: Calm, notes: Path
) -> None:
    session = after(tiny.session(), InjectedFault(fault_injection.lose_device, notes))
    assert retries(session) == [(1, "device lost")]
    assert_same(session, calm.portrait)


def test_a_trial_that_loses_the_device_again_fails_alone(tiny: Tiny, notes: Path) -> None:
    session = after(
        tiny.session(checkpoint_seconds=60),
        InjectedFault(fault_injection.lose_device, notes, times=9),
    )
    assert retries(session) == [(1, "device lost")]
    assert failures(session) == [(1, "device lost")]
    assert ended_flags(session) == [True] * 5


def test_three_failures_with_one_cause_end_the_study(tiny: Tiny, notes: Path) -> None:
    session = tiny.session()
    after(
        session,
        InjectedFault(fault_injection.lose_numbers, notes, trials=(1, 2, 3), times=3),
        code=1,
    )
    (failed,) = of_kind(session, e.SessionFailed)
    assert failed.reason.startswith("3 trials failed in a row (not a number): the ")


def test_an_exception_in_a_tokenizer_costs_nothing(
    tiny: Tiny, calm: Calm, notes: Path, tmp_path: Path
) -> None:
    also = tmp_path / "also"
    also.mkdir()
    fault = fault_injection.CrashThenNoTokenizer(InjectedFault(fault_injection.crash, notes), also)
    session = after(tiny.session(), fault)
    error_texts = [log.text for log in of_kind(session, e.Log) if log.level == "error"]
    assert error_texts == ["a trainer could not start: ValueError: a tokenizer with a bad day"]
    assert_same(session, calm.portrait)


@pytest.mark.usefixtures("fork_server")
def test_what_does_not_fit_goes_through_in_halves(tmp_path: Path) -> None:
    """A limit on memory that half a batch keeps, and a whole one does not."""
    wide = Tiny(tmp_path / "wide", width=128, words=22, batch=256)
    roomy, narrow = (
        wide.session(
            trials=1, epochs=1, search="baseline = false",
            training="dropout = 0.0", checkpoint_seconds=60,
        )
        for _ in range(2)
    )  # fmt: skip
    assert live(roomy) == 0
    after(narrow, fault_injection.LittleMemory(64 << 20))
    warning_texts = memory_warnings(narrow)
    assert warning_texts
    assert all("gradients accumulated" in text for text in warning_texts)
    assert failures(narrow) == []
    np.testing.assert_allclose(losses(narrow), losses(roomy), rtol=1e-4)


def memory_warnings(session: Session) -> list[str]:
    """List the warnings of the log, without what the check said of the rows."""
    warnings = [log.text for log in of_kind(session, e.Log) if log.level == "warning"]
    return [text for text in warnings if not text.startswith("check: ")]


def losses(session: Session) -> list[float]:
    return [event.metrics["loss"] for event in of_kind(session, e.Evaluated)]


def test_an_evaluation_without_memory_is_tried_again_with_half_the_rows(
    tiny: Tiny, notes: Path
) -> None:
    session = after(tiny.session(), fault_injection.NoMemoryToEvaluate(notes))
    assert retries(session) == [(1, "out of memory")]
    warning_texts = memory_warnings(session)
    assert warning_texts == ["memory is short: micro-batches of 4 rows, gradients accumulated"]
    assert load_session_view(session).trials[1].state is TrialState.COMPLETE


def test_a_counter_of_the_kernel_tells_who_was_taken_for_memory(tmp_path: Path) -> None:
    group, machine = tmp_path / "memory.events", tmp_path / "vmstat"
    assert count_oom_kills((group, machine)) == 0
    machine.write_text("nr_free_pages 1\noom_kill 7\n")
    assert count_oom_kills((group, machine)) == 7
    group.write_text("low 0\noom 2\noom_kill 2\n")
    assert count_oom_kills((group, machine)) == 2
