"""Steps of tuner's trainer; `how` is empty, or the technique that is switched off."""

from __future__ import annotations

import gc
import time

from contenders.tuner_context import open_context, trial_on
from kit import child
from kit.work import Work
from tuner.training.techniques import Techniques


def main() -> None:
    """Warm up, wait for the others, train the rows once."""
    work = Work.from_command_line()
    context = open_context(work, Techniques(**{work.how: False}) if work.how else Techniques())
    from contenders.stopwatch import peak_memory

    cuda = work.device == "cuda"
    # A trial's start resets the count where the system can do that.
    memory = [peak_memory(cuda=cuda)]
    gc.collect()
    gc.freeze()
    warm = trial_on(context, 0, work)
    for _ in range(work.warm_up):
        warm.train_one_update()
    memory.append(peak_memory(cuda=cuda))
    trial = trial_on(context, 1, work)
    child.wait_for_start()
    synchronize_device(work.device)
    started = time.time()
    for _ in range(work.step_count):
        trial.train_one_update()
    synchronize_device(work.device)
    ended = time.time()
    memory.append(peak_memory(cuda=cuda))
    child.send_answer(
        {
            "first": started,
            "last": ended,
            "seconds": ended - started,
            "memory": max(memory),
            "precision": context.kernels.precision,
        }
    )


def synchronize_device(device: str) -> None:
    """Until the device has done what it was told."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


if __name__ == "__main__":
    main()
