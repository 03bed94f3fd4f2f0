"""How fast training goes here: real updates of a trial that nobody keeps."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
import torch

from tuner.pool.protocol import Probe, Probed, Train
from tuner.recipe.baselines import middle_values
from tuner.recipe.config import TrialConfig
from tuner.recipe.space import build_trial_config
from tuner.training.memory_budget import free_memory_bytes, needed_memory_bytes
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Clock, Trial


def measure_throughput(
    context: TrainerContext,
    request: Probe,
    may_continue: Callable[[], bool],
    clock: Clock = time.monotonic,
) -> Probed | None:
    """Train for about the seconds asked for, at least one update; None once `may_continue` says no.

    One update before that warms up. The trial writes no file, and the next one begins with a
    restart of the context, as always.
    """
    threads = context.set_thread_count(request.threads)
    throw_away = Train(
        trial=0, config=_throwaway_config(context), metric="loss", direction="minimize"
    )
    trial = Trial(context, throw_away, clock)
    trial.train_one_update()
    _synchronize_device(context)
    rows, started = 0, clock()
    while may_continue():
        if trial.step == trial.total_updates:
            trial = Trial(context, throw_away, clock)
        rows += len(trial.data_order.rows_of_update(trial.step))
        trial.train_one_update()
        if clock() - started >= request.seconds:
            _synchronize_device(context)
            return Probed(
                examples_per_second=rows / max(clock() - started, 1e-9),
                threads=threads,
                memory=needed_memory_bytes(context.device),
                free=free_memory_bytes(context.device),
            )
    return None


def _throwaway_config(context: TrainerContext) -> TrialConfig:
    """Take the middle of the ranges, with rates of 0: as much work, and no divergence."""
    config = build_trial_config(context.recipe, middle_values(context.recipe), 0)
    rates = {name: None if rate is None else 0.0 for name, rate in config.learning_rates.items()}
    return msgspec.structs.replace(config, learning_rates=rates)


def _synchronize_device(context: TrainerContext) -> None:
    """Wait until the device has done all its work: launches return before they are carried out."""
    if context.device.type == "cuda":
        torch.cuda.synchronize(context.device)
