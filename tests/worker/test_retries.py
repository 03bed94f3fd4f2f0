"""Which trials are tried again after a trainer was lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tuner.pool import protocol as p
from tuner.pool.causes import DIED, HUNG, OUT_OF_MEMORY
from tuner.pool.trainer import TrainerExited
from tuner.worker.retries import RetryPolicy
from tuner.worker.slots import TrainerSlot
from tuner.worker.trial_recorder import TrialRecorder

KILLED, CRASHED = TrainerExited(-9, ()), TrainerExited(-11, ("last words",))


class RecorderStandIn:
    """What was decided, in the place of the trials."""

    def __init__(self) -> None:
        self.causes: list[tuple[str, str]] = []

    def record_retried(self, _number: int, cause: str, _error: str) -> None:
        self.causes.append(("retried", cause))

    def record_failed(self, _number: int, cause: str, _error: str, _lines: list[str]) -> None:
        self.causes.append(("failed", cause))


def tries(
    losses: RetryPolicy, lost: TrainerExited, slot: TrainerSlot | None = None
) -> list[tuple[str, str]]:
    """Lose the trainer until the trial is given up."""
    recorder = RecorderStandIn()
    while losses.retry_after_loss(cast(TrialRecorder, recorder), slot or TrainerSlot(), 4, lost):
        assert len(recorder.causes) < 9
    return recorder.causes


def test_a_crash_is_tried_again_once() -> None:
    assert tries(RetryPolicy(1.0), CRASHED) == [("retried", DIED), ("failed", DIED)]


def test_a_kill_from_outside_is_tried_again_more_often() -> None:
    assert tries(RetryPolicy(1.0), KILLED) == [*[("retried", DIED)] * 3, ("failed", DIED)]


def test_a_trial_that_came_further_has_its_tries_again() -> None:
    losses, recorder = RetryPolicy(1.0), cast(TrialRecorder, RecorderStandIn())
    for step in (0, 5, 9, 12):
        losses.note_trial_started(4, step)
        assert losses.retry_after_loss(recorder, TrainerSlot(), 4, CRASHED)
    losses.note_trial_started(4, 12)
    assert not losses.retry_after_loss(recorder, TrainerSlot(), 4, CRASHED)


def test_a_hung_trainer_is_told_apart_from_a_killed_one() -> None:
    assert tries(RetryPolicy(60.0), KILLED, TrainerSlot(hung_after=60.0)) == [
        ("retried", HUNG),
        ("failed", HUNG),
    ]


class Silent:
    """A trainer that says nothing, and counts how often it was ended."""

    ended = 0

    def kill_process_group(self) -> None:
        self.ended += 1


@pytest.mark.parametrize(
    ("ready", "silence", "limit"), [(True, 60.0, 60.0), (False, 60.0, 900.0), (False, 2e3, 2e3)]
)
def test_silence_is_suffered_for_longer_while_data_and_model_are_loaded(
    ready: bool, silence: float, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Silent()
    slot = TrainerSlot(trainer=cast(Any, trainer), last_heard=1e6, is_trial_sent=ready)
    slot.ready = cast(Any, object()) if ready else None
    losses, pool = RetryPolicy(silence), cast(Any, SimpleNamespace(slots=[slot]))
    for seconds, ended in ((limit, 0), (limit + 1, 1), (limit + 2, 1)):
        monkeypatch.setattr(
            "tuner.worker.slots.time.monotonic", lambda moment=seconds: 1e6 + moment
        )
        losses.end_silent_trainers(pool)
        assert trainer.ended == ended
    assert slot.hung_after == limit


def test_what_the_system_took_for_memory_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = RetryPolicy(1.0)
    monkeypatch.setattr("tuner.worker.retries.count_oom_kills", lambda: 10**9)
    assert tries(losses, KILLED) == [("retried", OUT_OF_MEMORY), ("failed", OUT_OF_MEMORY)]
    losses.note_trial_started(4, 3)
    assert tries(losses, KILLED)[0] == ("retried", DIED)


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (OUT_OF_MEMORY, [("retried", OUT_OF_MEMORY), ("failed", OUT_OF_MEMORY)]),
        ("not a number", [("failed", "not a number")]),
    ],
)
def test_only_what_can_help_is_tried_again(cause: str, told: Any) -> None:
    losses, recorder = RetryPolicy(1.0), RecorderStandIn()
    failed = p.Failed(trial=4, cause=cause, error="", lines=[], seconds=0.0)
    while losses.retry_after_failure(cast(TrialRecorder, recorder), failed):
        pass
    assert recorder.causes == told
