"""A slot: a place where one trial at a time is trained, by one trainer after another."""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tuner.pool import protocol as p
from tuner.pool.trainer import Lost, Receive, Trainer, TrainerMessage

if TYPE_CHECKING:  # Optuna is imported while the first trainer loads its model
    from tuner.study.records import Suggestion

_MOST_AT_ONCE = 64


@dataclass(slots=True, eq=False)
class Slot:
    """`trial` is what is to be trained here, `sent` whether the trainer has got it, `announced`
    whether the log says so, and `ended` that the trial is over and the trainer was told. `measures`
    tells that it was asked how fast it trains.

    `finishing` tells that the trainer was asked to bring the trial to an end, or to pause it, as
    the time is up. `setups_lost` counts trainers that were lost before they had loaded data and
    model, and `refusal` is what the last of them said of it. `heard` is when the trainer was last
    spoken to or heard, and `hung` after how many seconds of silence it was ended for that.
    """

    trainer: Trainer | None = None
    ready: p.Ready | None = None
    trial: Suggestion | None = None
    ended: bool = False
    sent: bool = False
    announced: bool = False
    measures: bool = False
    finishing: bool = False
    setups_lost: int = 0
    refusal: str = ""
    heard: float = 0.0
    hung: float = 0.0

    def has(self, number: int) -> bool:
        """Whether this trial is being trained here, and not over."""
        return self.trial is not None and self.trial.number == number and not self.ended

    @property
    def device(self) -> str:
        return "" if self.ready is None else self.ready.device

    def send(self, request: p.Request) -> None:
        """Hand it to the trainer; where that is gone, `Lost` will tell."""
        self.heard = time.monotonic()
        if self.trainer is not None:
            self.trainer.send(request)

    def end_trainer(self) -> None:
        """End the trainer by force; `Lost` follows."""
        if self.trainer is not None:
            self.trainer.kill()

    def renew(self) -> None:
        """End the trainer by force, as if it had never been ready: its trial goes on in a new one,
        whose memory nothing has cut up yet.
        """
        self.ready, self.sent, self.announced, self.finishing = None, False, False, False
        self.end_trainer()

    def silent_for(self) -> float:
        """Seconds without a word from a trainer that has something to do."""
        busy = self.trainer is not None and (self.ready is None or self.sent or self.measures)
        return time.monotonic() - self.heard if busy else 0.0

    def free(self) -> None:
        """The trainer has no trial any more."""
        self.trial, self.ended, self.sent, self.announced = None, False, False, False
        self.finishing = False

    def lose(self) -> None:
        """The trainer is gone; its trial stays assigned."""
        if self.ready is None:
            self.setups_lost += 1
        self.trainer, self.ready, self.sent, self.announced = None, None, False, False
        self.measures = self.finishing = False


class Pool:
    """All slots, and the queue that their trainers' messages arrive in.

    `start(receive, number, threads)` starts a trainer in the slot of a number.
    """

    def __init__(self, slots: int, start: Callable[[Receive, int, int], Trainer]) -> None:
        self.slots = [Slot() for _ in range(slots)]
        self._given_up: list[Slot] = []
        self._start = start
        self._messages: queue.Queue[tuple[Trainer, TrainerMessage]] = queue.Queue()

    def open(self, slot: Slot, setup: p.Setup) -> None:
        """Start a trainer in a slot that has none."""
        slot.trainer = self._start(self._receive, self.slots.index(slot), setup.threads)
        slot.hung, slot.refusal = 0.0, ""
        slot.send(setup)

    def resize(self, slots: int) -> None:
        """Have more slots, or fewer: what trains in the last ones is asked to end."""
        self._given_up += self.slots[slots:]
        for slot in self.slots[slots:]:
            if slot.trainer is not None:
                slot.trainer.end()
        self.slots = self.slots[:slots] + [Slot() for _ in range(slots - len(self.slots))]

    def messages(self, seconds: float) -> Iterator[tuple[Slot, TrainerMessage]]:
        """What arrives: waits for the first one at most so long, then takes what is there.

        A slot has lost its trainer once `Lost` is handed out. What trainers say in slots that are
        given up is dropped.
        """
        for wait in itertools.chain([seconds], itertools.repeat(0.0, _MOST_AT_ONCE)):
            try:
                trainer, message = self._messages.get(block=wait > 0, timeout=wait)
            except queue.Empty:
                return
            slot = self._slot_of(trainer)
            if slot is not None:
                slot.heard = time.monotonic()
                if isinstance(message, Lost):
                    slot.lose()
                if slot in self.slots:
                    yield slot, message

    def with_trainers(self) -> Sequence[Slot]:
        """The slots that have one, also where it is one too many and about to end."""
        return [slot for slot in (*self.slots, *self._given_up) if slot.trainer is not None]

    def end(self, patience: float) -> None:
        """End all trainers, by asking, and after `patience` seconds by force.

        One that still loads data and model hears nothing and has nothing to lose.
        """
        for slot in self.with_trainers():
            if slot.ready is None:
                slot.end_trainer()
            elif slot.trainer is not None:
                slot.trainer.end()
        self.wait_until_gone(patience)
        self.kill()

    def kill(self) -> None:
        """End all trainers by force and wait until they are gone."""
        for slot in self.with_trainers():
            slot.end_trainer()
        self.wait_until_gone(float("inf"))

    def wait_until_gone(self, patience: float) -> None:
        """Drop messages until no trainer is left, or the time is over."""
        deadline = time.monotonic() + patience
        while self.with_trainers() and time.monotonic() < deadline:
            for _ in self.messages(0.05):
                pass

    def _receive(self, trainer: Trainer, message: TrainerMessage) -> None:
        self._messages.put((trainer, message))

    def _slot_of(self, trainer: Trainer) -> Slot | None:
        return next((slot for slot in self.with_trainers() if slot.trainer is trainer), None)
