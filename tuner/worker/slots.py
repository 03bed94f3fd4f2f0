"""A slot: a place where one trial at a time is trained, by one trainer after another."""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.pool import protocol as p
from tuner.pool.trainer import Receive, Trainer, TrainerExited, TrainerMessage

if TYPE_CHECKING:  # Optuna is imported while the first trainer loads its model
    from tuner.study.records import Suggestion

_MOST_AT_ONCE = 64


@dataclass(slots=True, eq=False)
class TrainerSlot:
    """A place for one trainer and one trial.

    `trial` is what is to be trained here, `is_trial_sent` whether the trainer has got it,
    `is_trial_announced` whether the log says so, and `is_trial_over` that the trial has ended and
    the trainer was told. `is_measuring`: it was asked how fast it trains.

    `is_finishing`: the trainer was asked to finish or to pause the trial, because the time is up.
    `setups_lost` counts trainers that were lost before they had loaded data and model; `refusal` is
    the reason that the last of them gave. `last_heard` is when the trainer last got or sent a
    message, and `hung_after` the seconds of silence after which it was killed.
    """

    trainer: Trainer | None = None
    ready: p.Ready | None = None
    trial: Suggestion | None = None
    is_trial_over: bool = False
    is_trial_sent: bool = False
    is_trial_announced: bool = False
    is_measuring: bool = False
    is_finishing: bool = False
    setups_lost: int = 0
    refusal: str = ""
    last_heard: float = 0.0
    hung_after: float = 0.0

    def is_training_trial(self, number: int) -> bool:
        """Check that this trial is being trained here and is not over."""
        return self.trial is not None and self.trial.number == number and not self.is_trial_over

    @property
    def device_name(self) -> str:
        return "" if self.ready is None else self.ready.device

    def send_request(self, request: p.Request) -> None:
        """Send a request to the trainer; where that is gone, `TrainerExited` follows."""
        self.last_heard = time.monotonic()
        if self.trainer is not None:
            self.trainer.send(request)

    def kill_trainer(self) -> None:
        """Kill the trainer; `TrainerExited` follows."""
        if self.trainer is not None:
            self.trainer.kill_process_group()

    def end_trainer(self) -> None:
        """Ask the trainer to end; kill one that still loads data and model.

        That one hears nothing, and has nothing to lose.
        """
        if self.ready is None:
            self.kill_trainer()
        elif self.trainer is not None:
            self.trainer.request_end()

    def renew_trainer(self) -> None:
        """Kill the trainer as if it had never been ready.

        Its trial continues in a new one, whose memory is not fragmented yet.
        """
        self.ready, self.is_trial_sent, self.is_trial_announced, self.is_finishing = (
            None,
            False,
            False,
            False,
        )
        self.kill_trainer()

    def seconds_of_silence(self) -> float:
        """Return the seconds since a trainer with something to do was last heard."""
        busy = self.trainer is not None and (
            self.ready is None or self.is_trial_sent or self.is_measuring
        )
        return time.monotonic() - self.last_heard if busy else 0.0

    def release_trial(self) -> None:
        self.trial, self.is_trial_over, self.is_trial_sent, self.is_trial_announced = (
            None,
            False,
            False,
            False,
        )
        self.is_finishing = False

    def give_up_trial(self) -> None:
        """Release a trial that has ended in study and log; its trainer answers `Stopped`."""
        if self.trial is None or not self.is_trial_sent:
            self.release_trial()
        else:
            self.is_trial_over = True
            self.send_request(p.Prune(trial=self.trial.number))

    def note_lost_trainer(self) -> None:
        """Forget the trainer; its trial stays assigned."""
        if self.ready is None:
            self.setups_lost += 1
        self.trainer, self.ready, self.is_trial_sent, self.is_trial_announced = (
            None,
            None,
            False,
            False,
        )
        self.is_measuring = self.is_finishing = False


class SlotPool:
    """All slots, and the queue that their trainers' messages arrive in.

    `start(receive, number, threads)` starts a trainer in the slot of a number.
    """

    def __init__(self, slots: int, start: Callable[[Receive, int, int], Trainer]) -> None:
        self.slots = [TrainerSlot() for _ in range(slots)]
        self._surplus_slots: list[TrainerSlot] = []
        self._start_trainer = start
        self._messages: queue.Queue[tuple[Trainer, TrainerMessage]] = queue.Queue()

    def start_trainer(self, slot: TrainerSlot, setup: p.Setup) -> None:
        slot.trainer = self._start_trainer(
            self._enqueue_message, self.slots.index(slot), setup.threads
        )
        slot.hung_after, slot.refusal = 0.0, ""
        slot.send_request(setup)

    def resize_slots(self, slots: int) -> None:
        """Add slots or drop the last ones, whose trainers are asked to end."""
        self._surplus_slots += self.slots[slots:]
        for slot in self.slots[slots:]:
            slot.end_trainer()
        self.slots = self.slots[:slots] + [TrainerSlot() for _ in range(slots - len(self.slots))]

    def receive_messages(self, seconds: float) -> Iterator[tuple[TrainerSlot, TrainerMessage]]:
        """Yield messages: wait up to `seconds` for the first one, then take what is there.

        A slot has lost its trainer once `TrainerExited` is handed out. Messages from trainers in
        surplus slots are dropped.
        """
        for wait in itertools.chain([seconds], itertools.repeat(0.0, _MOST_AT_ONCE)):
            try:
                trainer, message = self._messages.get(block=wait > 0, timeout=wait)
            except queue.Empty:
                return
            slot = self._find_slot_of(trainer)
            if slot is not None:
                slot.last_heard = time.monotonic()
                if isinstance(message, TrainerExited):
                    slot.note_lost_trainer()
                if slot in self.slots:
                    yield slot, message

    def slots_with_trainers(self) -> Sequence[TrainerSlot]:
        """Return the slots that have a trainer, surplus ones included."""
        return [slot for slot in (*self.slots, *self._surplus_slots) if slot.trainer is not None]

    def end_all_trainers(self, patience: float) -> None:
        """Ask all trainers to end, and kill them after `patience` seconds."""
        for slot in self.slots_with_trainers():
            slot.end_trainer()
        self.wait_until_gone(patience)
        self.kill_all_trainers()

    def kill_all_trainers(self) -> None:
        """Kill all trainers and wait until they are gone."""
        for slot in self.slots_with_trainers():
            slot.kill_trainer()
        self.wait_until_gone(float("inf"))

    def wait_until_gone(self, patience: float) -> None:
        """Drop messages until no trainer is left or the time is over."""
        deadline = time.monotonic() + patience
        while self.slots_with_trainers() and time.monotonic() < deadline:
            for _ in self.receive_messages(0.05):
                pass

    def _enqueue_message(self, trainer: Trainer, message: TrainerMessage) -> None:
        self._messages.put((trainer, message))

    def _find_slot_of(self, trainer: Trainer) -> TrainerSlot | None:
        return next((slot for slot in self.slots_with_trainers() if slot.trainer is trainer), None)
