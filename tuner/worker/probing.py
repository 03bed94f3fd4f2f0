"""How many trials side by side: twice as many as long as they train faster together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner.pool import protocol as p
from tuner.recipe.baselines import middle_values
from tuner.recipe.types import Recipe
from tuner.results import format as fmt
from tuner.session import events as e
from tuner.worker.budget import cores, threads_for_each
from tuner.worker.slots import Pool, Slot

SECONDS = 2.5
GAIN = 1.1
SHORT = 120.0
MOST_ON_CUDA = 8


@dataclass(frozen=True, slots=True)
class Speed:
    """Examples a second of all together, and the threads that each used."""

    rate: float
    threads: int


def most_slots(planned: int, device: str) -> int:
    """Beyond this many trials side by side there is nothing to gain."""
    return min(planned, MOST_ON_CUDA if device.startswith("cuda") else cores())


def holds(chosen: e.SlotsChosen | None, device: str) -> bool:
    """Whether what a probe found before was found on a machine like this one."""
    return chosen is not None and (chosen.cores, chosen.device) == (cores(), device)


class Probing:
    """Measures 1, 2, 4, … trials side by side, each number in a round, until more do not pay.

    A trainer that is lost counts as a number that does not fit. `open_trainer` starts one in a
    slot; `ready` is what the first trainer said.
    """

    def __init__(
        self,
        pool: Pool,
        open_trainer: Callable[[Slot], None],
        recipe: Recipe,
        planned: int,
        ready: p.Ready,
    ) -> None:
        self._pool = pool
        self._open_trainer = open_trainer
        self._most = most_slots(planned, ready.device)
        self._examples = planned * _epochs(recipe) * ready.rows["train"]
        self._budget = recipe.search.time
        self._device = ready.device
        self._speeds: dict[int, Speed] = {}
        self._awaited: set[Slot] = set()
        self._answers: list[p.Probed] = []
        self._lost = ""

    def heard(self, slot: Slot, probed: p.Probed) -> None:
        """A trainer has measured."""
        slot.measures = False
        self._awaited.discard(slot)
        self._answers.append(probed)

    def lost(self, slot: Slot, reason: str) -> None:
        """A trainer is gone, or never came to be one. Of several reasons the first one counts."""
        self._awaited.discard(slot)
        if not self._lost:
            self._lost = f"with {len(self._pool.slots)} side by side a trainer was lost: {reason}"

    def go_on(self) -> e.SlotsChosen | None:
        """Do what can be done by now; the choice once there is one, and no trainer measures."""
        if self._awaited:
            return None
        if self._lost:
            return self._choice(self._lost)
        if self._answers:
            reason = self._end_of_round()
            if reason is not None:
                return self._choice(reason)
            self._pool.resize(2 * len(self._pool.slots))
        self._begin_round()
        return None

    def _begin_round(self) -> None:
        """Start the trainers that are missing; once all are ready, let them measure together."""
        slots = self._pool.slots
        for slot in slots:
            if slot.trainer is None:
                self._open_trainer(slot)
        if all(slot.ready is not None for slot in slots):
            for slot in slots:
                slot.send(p.Probe(threads=threads_for_each(len(slots)), seconds=SECONDS))
                slot.measures = True
            self._awaited.update(slots)

    def _end_of_round(self) -> str | None:
        """Why this was the last round, as far as the speeds do not tell; None where it was not."""
        count, answers = len(self._pool.slots), self._answers
        rate = sum(answer.examples_per_second for answer in answers)
        self._speeds[count] = Speed(rate, answers[0].threads)
        self._answers = []
        seconds = min(self._examples / max(rate, 1e-9), self._budget or float("inf"))
        if count == 1 and seconds < SHORT:
            return f"the whole search takes about {fmt.duration_words(seconds)}"
        if self._best() < count or 2 * count > self._most:
            return ""
        if count * max(answer.memory for answer in answers) > min(a.free for a in answers):
            return "more do not fit into the memory"
        return None

    def _best(self) -> int:
        """The last number that paid."""
        *before, last = self._speeds
        pays = not before or self._speeds[last].rate >= GAIN * self._speeds[before[-1]].rate
        return last if pays else before[-1]

    def _choice(self, note: str) -> e.SlotsChosen:
        slots = self._best() if self._speeds else 1
        known = self._speeds.get(slots)
        return e.SlotsChosen(
            slots=slots,
            threads=threads_for_each(slots) if known is None else known.threads,
            measured={count: speed.rate for count, speed in self._speeds.items()},
            reason=self._sentence(slots, note),
            cores=cores(),
            device=self._device,
        )

    def _sentence(self, slots: int, note: str) -> str:
        """2 trials side by side × 1 thread: 12.1 examples/s, against 9.0 for one × 2 threads."""
        text = "one trial at a time" if slots == 1 else f"{slots} trials side by side"
        if slots in self._speeds:
            speed = self._speeds[slots]
            text += f" × {fmt.threads(speed.threads)}: {fmt.speed(speed.rate)} examples/s"
        others = [
            f"{fmt.speed(speed.rate)} for {'one' if n == 1 else n} × {fmt.threads(speed.threads)}"
            for n, speed in self._speeds.items()
            if n != slots
        ]
        against = f", against {' and '.join(others)}" if others else ""
        return f"{text}{against}{'; ' if note else ''}{note}"


def _epochs(recipe: Recipe) -> float:
    """Of a trial in the middle of the ranges."""
    epochs = middle_values(recipe).get("epochs", recipe.training.epochs)
    assert isinstance(epochs, int | float)
    return epochs
