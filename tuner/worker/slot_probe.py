"""How many trials side by side: twice as many as long as they train faster together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tuner.pool import protocol as p
from tuner.recipe.baselines import middle_values
from tuner.recipe.types import Recipe
from tuner.results import format as fmt
from tuner.session import events as e
from tuner.worker.parallelism import threads_per_trainer, usable_core_count
from tuner.worker.slots import SlotPool, TrainerSlot

PROBE_SECONDS = 2.5
LEAST_GAIN = 1.1
SHORT_SEARCH_SECONDS = 120.0
MOST_ON_CUDA = 8


@dataclass(frozen=True, slots=True)
class MeasuredSpeed:
    """Examples a second of all together, and the threads that each used."""

    examples_per_second: float
    threads: int


def highest_slot_count(planned: int, device: str) -> int:
    """Return the number of slots beyond which there is nothing to gain."""
    return min(planned, MOST_ON_CUDA if device.startswith("cuda") else usable_core_count())


def choice_still_holds(slots_choice: e.SlotsChosen | None, device: str) -> bool:
    """Check that a choice was made on a machine like this one."""
    return slots_choice is not None and (slots_choice.cores, slots_choice.device) == (
        usable_core_count(),
        device,
    )


class SlotProbe:
    """Measures 1, 2, 4, … trials side by side, each number in a round, until more do not pay.

    A trainer that is lost counts as a number that does not fit. `open_trainer` starts one in a
    slot; `ready` is what the first trainer said.
    """

    def __init__(
        self,
        pool: SlotPool,
        open_trainer: Callable[[TrainerSlot], None],
        recipe: Recipe,
        planned: int,
        ready: p.Ready,
    ) -> None:
        self._pool = pool
        self._open_trainer = open_trainer
        self._highest_slots = highest_slot_count(planned, ready.device)
        self._examples = planned * _epochs_of_middle_trial(recipe) * ready.rows["train"]
        self._budget = recipe.search.time
        self._device = ready.device
        self._speeds: dict[int, MeasuredSpeed] = {}
        self._slots_measuring: set[TrainerSlot] = set()
        self._answers: list[p.Probed] = []
        self._lost = ""

    def record_measurement(self, slot: TrainerSlot, probed: p.Probed) -> None:
        slot.is_measuring = False
        self._slots_measuring.discard(slot)
        self._answers.append(probed)

    def record_lost_trainer(self, slot: TrainerSlot, reason: str) -> None:
        """Record a trainer that was lost or never started; the first reason counts."""
        self._slots_measuring.discard(slot)
        if not self._lost:
            self._lost = f"with {len(self._pool.slots)} side by side a trainer was lost: {reason}"

    def continue_probe(self) -> e.SlotsChosen | None:
        """Take the next step; return the choice once there is one and no trainer measures."""
        if self._slots_measuring:
            return None
        if self._lost:
            return self._make_slots_choice(self._lost)
        if self._answers:
            reason = self._reason_to_stop_probing()
            if reason is not None:
                return self._make_slots_choice(reason)
            self._pool.resize_slots(2 * len(self._pool.slots))
        self._begin_probe_round()
        return None

    def _begin_probe_round(self) -> None:
        """Start missing trainers; once all are ready, let them measure together."""
        slots = self._pool.slots
        for slot in slots:
            if slot.trainer is None:
                self._open_trainer(slot)
        if all(slot.ready is not None for slot in slots):
            for slot in slots:
                slot.send_request(
                    p.Probe(threads=threads_per_trainer(len(slots)), seconds=PROBE_SECONDS)
                )
                slot.is_measuring = True
            self._slots_measuring.update(slots)

    def _reason_to_stop_probing(self) -> str | None:
        """Say why this was the last round, "" where the speeds do; None where it was not."""
        count, answers = len(self._pool.slots), self._answers
        rate = sum(answer.examples_per_second for answer in answers)
        self._speeds[count] = MeasuredSpeed(rate, answers[0].threads)
        self._answers = []
        seconds = min(self._examples / max(rate, 1e-9), self._budget or float("inf"))
        if count == 1 and seconds < SHORT_SEARCH_SECONDS:
            return f"the whole search takes about {fmt.format_duration_in_words(seconds)}"
        if self._best_slot_count() < count or 2 * count > self._highest_slots:
            return ""
        if count * max(answer.memory for answer in answers) > min(a.free for a in answers):
            return "more do not fit into memory"
        return None

    def _best_slot_count(self) -> int:
        """Return the last number that paid."""
        *before, last = self._speeds
        pays = (
            not before
            or self._speeds[last].examples_per_second
            >= LEAST_GAIN * self._speeds[before[-1]].examples_per_second
        )
        return last if pays else before[-1]

    def _make_slots_choice(self, note: str) -> e.SlotsChosen:
        slots = self._best_slot_count() if self._speeds else 1
        measured_speed = self._speeds.get(slots)
        return e.SlotsChosen(
            slots=slots,
            threads=threads_per_trainer(slots)
            if measured_speed is None
            else measured_speed.threads,
            measured={count: speed.examples_per_second for count, speed in self._speeds.items()},
            reason=self._describe_choice(slots, note),
            cores=usable_core_count(),
            device=self._device,
        )

    def _describe_choice(self, slots: int, note: str) -> str:
        """Say "2 trials side by side × 1 thread: 12.1 examples/s, against 9.0 for one × …"."""
        text = "one trial at a time" if slots == 1 else f"{slots} trials side by side"
        rates = {n: fmt.format_speed(s.examples_per_second) for n, s in self._speeds.items()}
        threads = {n: fmt.format_thread_count(s.threads) for n, s in self._speeds.items()}
        if slots in rates:
            text += f" × {threads[slots]}: {rates[slots]} examples/s"
        others = [
            f"{rate} for {'one' if n == 1 else n} × {threads[n]}"
            for n, rate in rates.items()
            if n != slots
        ]
        against = f", against {' and '.join(others)}" if others else ""
        return f"{text}{against}{'; ' if note else ''}{note}"


def _epochs_of_middle_trial(recipe: Recipe) -> float:
    epochs = middle_values(recipe).get("epochs", recipe.training.epochs)
    assert isinstance(epochs, int | float)
    return epochs
