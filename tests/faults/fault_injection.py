"""What can go wrong in a trainer, made to happen in a real one; see `Plan.fault`."""

from __future__ import annotations

import ctypes
import importlib
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from tuner.training.trial import Trial

_bench: Any = importlib.import_module("tuner.training.trainer_context")


@dataclass(frozen=True)
class InjectedFault:
    """Something that happens in a trial after a step, so many times in all trainers together.

    Each time leaves a file in `folder`.
    """

    what: Callable[[Trial], None]
    folder: Path
    trials: tuple[int, ...] = (1,)
    step: int = 3
    times: int = 1

    def __call__(self) -> None:
        """Prepare the trainer that is about to begin."""
        update = Trial.train_one_update

        def update_and_meet(trial: Trial) -> None:
            update(trial)
            is_due = trial.request.trial in self.trials and trial.step == self.step
            if is_due and happens_again(self.folder, self.times):
                self.what(trial)

        Trial.train_one_update = update_and_meet  # type: ignore[method-assign, assignment]


def happens_again(folder: Path, times: int) -> bool:
    """Whether it has not happened so often yet; it has once more then."""
    before = len(list(folder.iterdir()))
    if before < times:
        (folder / str(before)).touch()
    return before < times


def crash(_trial: Trial) -> None:
    """Cause a segmentation fault."""
    ctypes.string_at(0)


def hang(_trial: Trial) -> None:
    """Alive, and silent for good."""
    time.sleep(3600)


def stop(_trial: Trial) -> None:
    """Stop the process, all its threads at once (SIGSTOP)."""
    os.kill(os.getpid(), signal.SIGSTOP)


def lose_numbers(trial: Trial) -> None:
    """Fill a weight with nan."""
    with torch.no_grad():
        next(p for p in trial.context.model.parameters() if p.requires_grad).fill_(float("nan"))


def lose_device(_trial: Trial) -> None:
    """As CUDA does: from here on every step of this process fails."""

    def fail(_trial: Trial) -> None:
        raise torch.AcceleratorError("CUDA error: unspecified launch failure")

    Trial.train_one_update = fail  # type: ignore[method-assign, assignment]
    fail(_trial)


@dataclass(frozen=True)
class CrashThenNoTokenizer:
    """After a crash, the next trainer's tokenizer raises something unexpected."""

    crash: InjectedFault
    folder: Path

    def __call__(self) -> None:
        """Prepare the trainer that is about to begin."""
        self.crash()
        really = _bench.load_tokenizer

        def load(*args: Any) -> Any:
            crashed = any(self.crash.folder.iterdir())
            if crashed and happens_again(self.folder, 1):
                raise ValueError("a tokenizer with a bad day")
            return really(*args)

        _bench.load_tokenizer = load


@dataclass(frozen=True)
class LittleMemory:
    """So many bytes more than the trainer has at a trial's first step, and not one beyond.

    Without oneDNN, which makes code as it goes and has no room for that at the oddest places.
    """

    spare: int
    trial: int = 0

    def __call__(self) -> None:
        """Prepare the trainer that is about to begin."""
        torch.backends.mkldnn.set_flags(False)  # type: ignore[no-untyped-call]
        update = Trial.train_one_update

        def update_in_little(trial: Trial) -> None:
            if trial.request.trial == self.trial and trial.step == 0:
                limit_memory(self.spare)
            update(trial)

        Trial.train_one_update = update_in_little  # type: ignore[method-assign, assignment]


@dataclass(frozen=True)
class NoMemoryToEvaluate:
    """The first evaluation of a trial finds no memory for its scores; afterwards there is some."""

    folder: Path
    trial: int = 1

    def __call__(self) -> None:
        """Prepare the trainer that is about to begin."""
        evaluate = Trial.evaluate_validation

        def evaluate_in_none(trial: Trial) -> Any:
            if trial.request.trial != self.trial or not happens_again(self.folder, 1):
                return evaluate(trial)
            limit_memory(0)
            try:
                return torch.empty(1 << 28)
            finally:
                resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)

        Trial.evaluate_validation = evaluate_in_none  # type: ignore[method-assign, assignment]


def limit_memory(spare: int) -> None:
    """Let this process have so many bytes of address space more than now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + spare
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
