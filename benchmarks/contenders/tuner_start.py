"""From the start of a process to tuner's first training step."""

from __future__ import annotations

import time

from contenders.tuner_bench import opened, trial_on
from kit import child
from kit.work import Work
from tuner.training.hub import quiet_libraries


def main() -> None:
    """Note when torch was there, when the first step began, and when it had ended."""
    work = Work.asked()
    quiet_libraries(work.threads)
    import torch  # noqa: F401

    imported = time.time()
    context = opened(work)
    trial = trial_on(context, 0, work)
    begun = time.time()
    trial.train_one_update()
    ended = time.time()
    child.wait_for_start()
    seconds = {"imported": imported, "begun": begun, "ended": ended}
    child.answer({key: moment - work.started_at for key, moment in seconds.items()})


if __name__ == "__main__":
    main()
