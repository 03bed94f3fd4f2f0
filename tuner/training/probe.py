"""How fast training goes here: real updates of a trial that nobody keeps."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import torch

from tuner.pool.protocol import Probe, Probed, Train
from tuner.recipe.baselines import middle_values
from tuner.recipe.config import TrialConfig
from tuner.recipe.space import trial_config
from tuner.training.bench import Bench
from tuner.training.room import left, needed
from tuner.training.trial import Clock, Trial


def probe(
    bench: Bench, request: Probe, go_on: Callable[[], bool], clock: Clock = time.monotonic
) -> Probed | None:
    """Train for about the seconds asked for, at least one update; None once `go_on` says no.

    One update before that warms up. The trial writes no file, and the next one begins with a
    restart of the bench, as always.
    """
    threads = bench.use_threads(request.threads)
    throw_away = Train(trial=0, config=_config(bench), metric="loss", direction="minimize")
    trial = Trial(bench, throw_away, clock)
    trial.update()
    _catch_up(bench)
    rows, started = 0, clock()
    while go_on():
        if trial.step == trial.of:
            trial = Trial(bench, throw_away, clock)
        rows += len(trial.timetable.rows_of(trial.step))
        trial.update()
        if clock() - started >= request.seconds:
            _catch_up(bench)
            return Probed(
                examples_per_second=rows / max(clock() - started, 1e-9),
                threads=threads,
                memory=needed(bench.device),
                free=left(bench.device),
            )
    return None


def _config(bench: Bench) -> TrialConfig:
    """The middle of the recipe's ranges, with rates of 0: as much work, and nothing can blow up."""
    config = trial_config(bench.recipe, middle_values(bench.recipe), 0)
    rates = {name: None if rate is None else 0.0 for name, rate in config.learning_rates.items()}
    return msgspec.structs.replace(config, learning_rates=rates)


def _catch_up(bench: Bench) -> None:
    """Wait until the device has done what it was told."""
    if bench.device.type == "cuda":
        torch.cuda.synchronize(bench.device)
