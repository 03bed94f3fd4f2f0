"""A log as long as wanted, written fast: the same bytes for the same seed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.session import events as e
from tuner.session.codec import encode_event_line

STEPS = 936
ROWS = 277


@dataclass
class LongLog:
    """Trials one after the other, each with its steps, evaluations, rungs and end."""

    rates: Mapping[str, tuple[float, float]]
    recipe: dict[str, Any]
    evaluations: int = 10
    classes: int = 2
    seed: int = 0
    now: float = 1_790_000_000.0
    _seq: int = 0
    _best: float = 0.0
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def lines(self, trials: int) -> Iterator[bytes]:
        """Yield the whole log, an event a line; the last trial is running."""
        yield self._line(e.SessionCreated(schema=1, name="long", tuner="0.1.0", **self._next()))
        versions = {"torch": "2.13.0"}
        started = e.WorkerStarted(
            pid=1, host="box", versions=versions, devices=["cuda:0"], **self._next()
        )
        yield self._line(started)
        yield self._line(
            e.SessionStarted(
                trials=trials + 50,
                metric="accuracy",
                direction="maximize",
                recipe=self.recipe,
                **self._next(),
            )
        )
        yield self._line(self._data())
        for number in range(trials):
            for event in self._trial(number, runs=number == trials - 1):
                yield self._line(event)

    def _line(self, event: e.Event) -> bytes:
        return encode_event_line(event)

    def _next(self, seconds: float = 0.5) -> dict[str, Any]:
        seq, self._seq = self._seq, self._seq + 1
        self.now += seconds
        return {"seq": seq, "time": self.now}

    def _data(self) -> e.DataRead:
        labels = [f"class {index}" for index in range(self.classes)]
        rows, sizes = {"train": 2490, "validation": ROWS}, dict.fromkeys(self.rates, 28_400_000)
        return e.DataRead(
            rows=rows,
            labels=labels,
            parameters=124_600_000,
            groups=sizes,
            device="cuda:0",
            batches="packed",
            threads=16,
            **self._next(),
        )

    def _trial(self, number: int, *, runs: bool) -> Iterator[e.Event]:
        random_ = self._rng.random
        params: dict[str, Any] = {
            f"lr.{name}": low * (high / low) ** random_()
            for name, (low, high) in self.rates.items()
        }
        params |= {"warmup": 0.2 * random_(), "weight_decay": 0.1 * random_()}
        yield e.TrialStarted(
            trial=number, generation=0, params=params, seed=4, device="cuda:0", **self._next()
        )
        goal, cut = 0.6 + 0.25 * random_(), 1.0 if random_() < 0.4 else 0.2 + 0.6 * random_()
        ends = 0.5 if runs else cut
        value, share = 0.0, 0.0
        for index in range(1, self.evaluations + 1):
            share = index / self.evaluations
            value = 0.5 + (goal - 0.5) * share**0.3 + 0.01 * random_()
            yield self._step(number, share)
            yield self._evaluated_event(number, index, share, value)
            if share >= ends:
                break
        if not runs:
            yield from self._end(number, share, value)

    def _step(self, number: int, share: float) -> e.Step:
        return e.Step(
            trial=number,
            step=round(STEPS * share),
            of=STEPS,
            loss=0.7 - 0.5 * share,
            learning_rates={},
            examples_per_second=412.0,
            memory=5_000_000_000,
            **self._next(),
        )

    def _evaluated_event(self, number: int, index: int, share: float, value: float) -> e.Evaluated:
        return e.Evaluated(
            trial=number,
            epoch=float(index),
            share=share,
            step=round(STEPS * share),
            of=STEPS,
            metrics={"accuracy": value, "f1_macro": value - 0.01, "loss": 0.7 - 0.3 * share},
            confusion=diagonal(self.classes, ROWS, value),
            gradient_norms={},
            train_loss=0.7 - 0.5 * share,
            seconds=0.2,
            **self._next(),
        )

    def _end(self, number: int, share: float, value: float) -> Iterator[e.Event]:
        if share < 1:
            yield e.Rung(
                trial=number,
                share=share,
                kept=False,
                value=value,
                cutoff=value + 0.01,
                rank=7,
                among=9,
                rule="halving",
                **self._next(),
            )
            reason = f"accuracy {value:.4f} at {share:.0%} of the schedule is 7. of 9"
            yield e.TrialPruned(trial=number, reason=reason, value=value, **self._next())
            return
        yield e.TrialCompleted(
            trial=number,
            value=value,
            epoch=float(self.evaluations),
            step=STEPS,
            seconds=9.0,
            **self._next(),
        )
        if value > self._best:
            self._best = value
            yield e.BestChanged(trial=number, value=value, **self._next())


def diagonal(classes: int, rows: int, share: float) -> list[list[int]]:
    """Make a matrix with that share of the rows on its diagonal, the rest beside it."""
    matrix: list[list[int]] = []
    for gold in range(classes):
        count = rows // classes + (gold < rows % classes)
        right = round(count * min(share, 1.0))
        row = [0] * classes
        row[gold] = right
        row[(gold + 1) % classes] += count - right
        matrix.append(row)
    return matrix
