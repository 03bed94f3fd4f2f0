"""The power fails at any instant: with the disk as it is then, the study goes on all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import power_loss
from tests.faults.conftest import Calm
from tests.faults.fault_counts import count_event
from tests.faults.kill_points import Kill
from tests.faults.processes import Plan, live
from tests.faults.studies import Tiny, assert_same, assert_sound
from tests.faults.system_calls import needs_compiler

KILLED = -9
pytestmark = needs_compiler


def lose_power_once(tiny: Tiny, calm: Calm, notes: Path, call_number: int) -> bool:
    """Cut the power during a study; return False where the worker had ended before."""
    session = tiny.session()
    power_loss.note_synced_files(session, notes)
    code = live(session, Plan(worker=Kill(call_number, all_of_it=True), waited_for=notes))
    if code != KILLED:
        return False
    power_loss.lose_unsynced_writes(session, notes)
    count_event("power failures")
    assert live(session) == 0
    assert_sound(session, torn=1)
    assert_same(session, calm.portrait)
    return True


def test_the_log_is_synced_before_the_study_hears_of_an_end(calm: Calm) -> None:
    call_numbers = [
        n for n, c in enumerate(calm.worker) if c == "write events.jsonl trial_completed"
    ]
    assert call_numbers
    for call_number in call_numbers:
        earlier_calls = calm.worker[:call_number]
        assert earlier_calls[-1] == "commit study.db"
        while earlier_calls[-1] == "commit study.db":
            earlier_calls.pop()
        assert earlier_calls[-1] == "fsync events.jsonl"


@pytest.mark.parametrize("share", [0.4, 0.8])
def test_the_power_fails(tiny: Tiny, calm: Calm, tmp_path: Path, share: float) -> None:
    assert lose_power_once(tiny, calm, tmp_path / "notes", round(share * len(calm.worker)))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_the_power_fails_before_every_other_call(tiny: Tiny, calm: Calm, tmp_path: Path) -> None:
    last = calm.worker.index("write events.jsonl session_finished")
    for call_number in range(1, last, 2):
        assert lose_power_once(tiny, calm, tmp_path / f"notes-{call_number}", call_number)
