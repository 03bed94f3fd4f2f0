"""One piece of work, the same for every contender. Standard library only."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from kit import child


@dataclass(frozen=True)
class Work:
    """A model, prepared data, and what to do with both.

    train, validation  jsonl with `text`, `label` and for pairs `second`
    rows               numbers of the training rows to be timed, in the order of the batches
    seed               of the trial whose batches these are
    how                the contender's own variant
    scratch            a folder that is removed afterwards
    precision          "fp32", "bf16", or "auto" where the contender chooses
    rates              one learning rate a trial, for whole studies
    trials             (rate, seed) of each trial, for final scores
    evaluations        in an epoch
    started_at         when the process was started, in seconds of time.time()
    """

    model: str
    train: str
    validation: str
    labels: list[str]
    pair: bool
    max_length: int
    batch_size: int
    threads: int
    device: str
    scratch: str
    rows: list[int] = field(default_factory=list)
    seed: int = 0
    warm_up: int = 2
    how: str = ""
    precision: str = "auto"
    rate: float = 2e-5
    epochs: int = 1
    seeds: list[int] = field(default_factory=lambda: [0])
    rates: list[float] = field(default_factory=list)
    trials: list[tuple[float, int]] = field(default_factory=list)
    evaluations: int = 1
    started_at: float = 0.0

    @classmethod
    def from_command_line(cls) -> Work:
        """Parse the work on this process's command line."""
        return cls(**child.read_request())

    def as_request(self) -> dict[str, Any]:
        """Plain values for a contender's command line."""
        return asdict(self)

    @property
    def step_count(self) -> int:
        """How many steps the timed rows make."""
        return -(-len(self.rows) // self.batch_size)

    @property
    def warm_up_rows(self) -> list[int]:
        """The rows of the steps that do not count: the first of those that do, once before."""
        return self.rows[: self.warm_up * self.batch_size]


def read_rows(path: str | Path) -> list[dict[str, str]]:
    """All rows of a prepared file."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]
