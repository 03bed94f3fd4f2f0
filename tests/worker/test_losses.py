"""Which trials are tried again after a trainer was lost."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tuner.pool import protocol as p
from tuner.pool.trainer import Lost
from tuner.worker.losses import DIED, HUNG, OUT_OF_MEMORY, Losses
from tuner.worker.slots import Slot
from tuner.worker.trials import Trials

KILLED, CRASHED = Lost(-9, ()), Lost(-11, ("last words",))


class Told:
    """What was decided, in the place of the trials."""

    def __init__(self) -> None:
        self.causes: list[tuple[str, str]] = []

    def retried(self, _number: int, cause: str, _error: str) -> None:
        self.causes.append(("retried", cause))

    def failed(self, _number: int, cause: str, _error: str, _lines: list[str]) -> None:
        self.causes.append(("failed", cause))


def tries(losses: Losses, lost: Lost, slot: Slot | None = None) -> list[tuple[str, str]]:
    """Lose the trainer until the trial is given up."""
    told = Told()
    while losses.lost(cast(Trials, told), slot or Slot(), 4, lost):
        assert len(told.causes) < 9
    return told.causes


def test_a_crash_is_tried_again_once() -> None:
    assert tries(Losses(1.0), CRASHED) == [("retried", DIED), ("failed", DIED)]


def test_a_kill_from_outside_is_tried_again_more_often() -> None:
    assert tries(Losses(1.0), KILLED) == [*[("retried", DIED)] * 3, ("failed", DIED)]


def test_a_trial_that_came_further_has_its_tries_again() -> None:
    losses, told = Losses(1.0), cast(Trials, Told())
    for step in (0, 5, 9, 12):
        losses.begun(4, step)
        assert losses.lost(told, Slot(), 4, CRASHED)
    losses.begun(4, 12)
    assert not losses.lost(told, Slot(), 4, CRASHED)


def test_a_hung_trainer_is_told_apart_from_a_killed_one() -> None:
    assert tries(Losses(60.0), KILLED, Slot(hung=60.0)) == [("retried", HUNG), ("failed", HUNG)]


class Silent:
    """A trainer that says nothing, and counts how often it was ended."""

    ended = 0

    def kill(self) -> None:
        self.ended += 1


@pytest.mark.parametrize(
    ("ready", "silence", "limit"), [(True, 60.0, 60.0), (False, 60.0, 900.0), (False, 2e3, 2e3)]
)
def test_silence_is_suffered_for_longer_while_data_and_model_are_loaded(
    ready: bool, silence: float, limit: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Silent()
    slot = Slot(trainer=cast(Any, trainer), heard=1e6, sent=ready)
    slot.ready = cast(Any, object()) if ready else None
    losses, pool = Losses(silence), cast(Any, SimpleNamespace(slots=[slot]))
    for seconds, ended in ((limit, 0), (limit + 1, 1), (limit + 2, 1)):
        monkeypatch.setattr("tuner.worker.slots.time.monotonic", lambda at=seconds: 1e6 + at)
        losses.end_silent_trainers(pool)
        assert trainer.ended == ended
    assert slot.hung == limit


def test_what_the_system_took_for_memory_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = Losses(1.0)
    monkeypatch.setattr("tuner.worker.losses.ended_for_memory", lambda: 10**9)
    assert tries(losses, KILLED) == [("retried", OUT_OF_MEMORY), ("failed", OUT_OF_MEMORY)]
    losses.begun(4, 3)
    assert tries(losses, KILLED)[0] == ("retried", DIED)


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (OUT_OF_MEMORY, [("retried", OUT_OF_MEMORY), ("failed", OUT_OF_MEMORY)]),
        ("not a number", [("failed", "not a number")]),
    ],
)
def test_only_what_can_help_is_tried_again(cause: str, told: Any) -> None:
    losses, seen = Losses(1.0), Told()
    failed = p.Failed(trial=4, cause=cause, error="", lines=[], seconds=0.0)
    while losses.failed(cast(Trials, seen), failed):
        pass
    assert seen.causes == told
