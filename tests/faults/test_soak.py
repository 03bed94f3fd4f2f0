"""Hundreds of trials in one worker and one trainer: neither grows, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.faults.processes import Life, children, wait_until
from tests.faults.studies import Tiny, assert_sound
from tests.faults.tally import count, measured
from tuner.session.fold import load_view

TRIALS = 500
WARM = 100
_EVERY = 10
# A trial is kept in the log's view and in the study, so that a worker grows by that much.
WORKER_BYTES_A_TRIAL = 20_000
# After the fork, pages that were shared become its own bit by bit.
TRAINER_BYTES_A_TRIAL = 8_000


@dataclass(frozen=True)
class Sample:
    """After so many trials: resident bytes and open files of worker and trainer."""

    trials: int
    worker: int
    trainer: int
    worker_files: int
    trainer_files: int


def resident(pid: int) -> int:
    """Private memory, which pages that were there before the fork do not count to."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(
        int(line.split()[1]) * 1024
        for line in text.splitlines()
        if line.startswith(("Private_Dirty:", "Private_Clean:"))
    )


def open_files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def zombies(pid: int) -> list[int]:
    """Children that have ended and were not asked for their exit code."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if int(parent) == pid and state == "Z":
                    found.append(int(entry.name))
    return found


def soak(life: Life) -> list[Sample]:
    samples: list[Sample] = []
    while life.alive:
        done = len(samples) * _EVERY + _EVERY
        wait_until(partial(has_come_to, life, done), 300)
        assert zombies(life.pid) == []
        with contextlib.suppress(OSError, ValueError):
            (trainer,) = children(life.pid)
            samples.append(
                Sample(done, resident(life.pid), resident(trainer),
                       open_files(life.pid), open_files(trainer))
            )  # fmt: skip
    return samples


def has_come_to(life: Life, trial: int) -> bool:
    return not life.alive or life.session.trial_folder(trial).exists()


def slope(samples: list[Sample], who: str) -> float:
    """Bytes a trial, by a straight line through the samples."""
    x = [sample.trials for sample in samples]
    return float(np.polyfit(x, [getattr(sample, who) for sample in samples], 1)[0])


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_hundred_trials(tiny: Tiny) -> None:
    session = tiny.session(
        trials=TRIALS, epochs=1, checkpoint_seconds=60, search='pruner = "none"\nbaseline = false'
    )
    life = Life(session)
    samples = [sample for sample in soak(life) if sample.trials >= WARM]
    assert life.wait() == 0
    count("trials in one soak", len(assert_sound(session)))
    assert len(load_view(session).trials) == TRIALS
    grown = {who: slope(samples, who) for who in ("worker", "trainer")}
    for who, figure in grown.items():
        most = max(getattr(sample, who) for sample in samples)
        measured[f"soak, {who}"] = f"{figure / 1000:+.1f} kB a trial, {most >> 20} MiB at most"
    for who in ("worker_files", "trainer_files"):
        assert len({getattr(sample, who) for sample in samples}) <= 2, who
    assert grown["worker"] <= WORKER_BYTES_A_TRIAL
    assert grown["trainer"] <= TRAINER_BYTES_A_TRIAL
