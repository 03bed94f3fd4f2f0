"""Hundreds of trials under the eyes of somebody: nothing grows, and nothing is left behind."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.faults.fault_counts import count_event, measured
from tests.faults.processes import Life, children, wait_until
from tests.faults.studies import Tiny, assert_sound
from tests.faults.terminals import Terminal
from tuner.session.fold import load_session_view

TRIALS = 500
WARM = 100
_EVERY = 10
_KEYS = ("]", "]", "]", "]", "]", "j")
BYTES_A_TRIAL = {
    # A trial is kept in the log's view and in the study.
    "worker": 20_000,
    # After the fork, pages that were shared become its own bit by bit.
    "trainer": 8_000,
    # A trial is kept in the log's view, and as a row of the table.
    "screens": 30_000,
}


@dataclass(frozen=True)
class Sample:
    """After so many trials: private bytes and open files, by whose they are."""

    trials: int
    memory: dict[str, int]
    files: dict[str, int]


def private_bytes(pid: int) -> int:
    """Resident memory, without the pages that were there before a fork."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(
        int(line.split()[1]) * 1024
        for line in text.splitlines()
        if line.startswith(("Private_Dirty:", "Private_Clean:"))
    )


def files(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def zombies(pid: int) -> list[int]:
    """Children that have ended and were not asked for their exit code."""
    zombie_pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if int(parent) == pid and state == "Z":
                    zombie_pids.append(int(entry.name))
    return zombie_pids


def soak(life: Life, terminal: Terminal) -> list[Sample]:
    """Look every few trials, while somebody walks through the views of the screens."""
    samples: list[Sample] = []
    while life.alive:
        done = len(samples) * _EVERY + _EVERY
        wait_until(partial(has_come_to, life, terminal, done), 300)
        for pid in (life.pid, terminal.pid):
            assert zombies(pid) == []
        terminal.type(_KEYS[len(samples) % len(_KEYS)])
        terminal.forget()
        with contextlib.suppress(OSError, ValueError):
            (trainer,) = children(life.pid)
            whose = {"worker": life.pid, "trainer": trainer, "screens": terminal.pid}
            memory = {who: private_bytes(pid) for who, pid in whose.items()}
            samples.append(Sample(done, memory, {who: files(pid) for who, pid in whose.items()}))
    return samples


def has_come_to(life: Life, terminal: Terminal, trial: int) -> bool:
    terminal.read(0.0)
    assert not terminal.has_ended(), terminal.written
    return not life.alive or life.session.trial_folder(trial).exists()


def slope(samples: list[Sample], who: str) -> float:
    """Bytes a trial, by a straight line through the samples."""
    x = [sample.trials for sample in samples]
    return float(np.polyfit(x, [sample.memory[who] for sample in samples], 1)[0])


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_five_hundred_trials(tiny: Tiny) -> None:
    session = tiny.session(
        trials=TRIALS, epochs=1, checkpoint_seconds=60, search='pruner = "none"\nbaseline = false'
    )
    life = Life(session)
    with contextlib.closing(Terminal(session.path.parent, "open", session.name)) as terminal:
        terminal.shows(session.name)
        samples = [sample for sample in soak(life, terminal) if sample.trials >= WARM]
        assert life.wait() == 0
        terminal.shows("finished")
    count_event("trials in one soak", len(assert_sound(session)))
    assert len(load_session_view(session).trials) == TRIALS
    grown = {who: slope(samples, who) for who in BYTES_A_TRIAL}
    for who, figure in grown.items():
        most = max(sample.memory[who] for sample in samples)
        measured[f"soak, {who}"] = f"{figure / 1000:+.1f} kB a trial, {most >> 20} MiB at most"
    for who, most in BYTES_A_TRIAL.items():
        assert grown[who] <= most, who
        assert len({sample.files[who] for sample in samples}) <= 2, who
