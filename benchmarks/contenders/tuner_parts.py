"""The parts of a trial by themselves: steps, an evaluation, saving the best model."""

from __future__ import annotations

import gc
import os
import time
from itertools import pairwise

from contenders.tuner_context import open_context, trial_on
from contenders.tuner_steps import synchronize_device
from kit import child
from kit.work import Work

EVALUATIONS = 2


def main() -> None:
    """Warm up, wait for the others, train the rows once, evaluate, save."""
    work = Work.from_command_line()
    context = open_context(work)
    gc.collect()
    gc.freeze()
    warm = trial_on(context, 0, work)
    for _ in range(work.warm_up):
        warm.train_one_update()
    # A folder of its own: copies of this contender share a session.
    trial = trial_on(context, os.getpid(), work)
    child.wait_for_start()
    synchronize_device(work.device)
    moments = [time.time()]
    for _ in range(work.step_count):
        trial.train_one_update()
    synchronize_device(work.device)
    moments.append(time.time())
    for _ in range(EVALUATIONS):
        trial.evaluate_validation()
    moments.append(time.time())
    trial.save_model_if_best()
    moments.append(time.time())
    steps, evaluations, saving = (end - start for start, end in pairwise(moments))
    child.send_answer({"steps": steps, "evaluation": evaluations / EVALUATIONS, "saving": saving})


if __name__ == "__main__":
    main()
