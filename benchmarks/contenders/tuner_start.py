"""From the start of a process to tuner's first training step."""

from __future__ import annotations

import gc
import time

from contenders.tuner_context import open_context, trial_on
from kit import child
from kit.work import Work
from tuner.training.hub import quiet_libraries
from tuner.training.skipped_imports import skip_unused_imports


def main() -> None:
    """Note when torch was there, when the first step began, and when it had ended."""
    work = Work.from_command_line()
    quiet_libraries(work.threads)
    gc.disable()
    import torch  # noqa: F401

    imported = time.time()
    skip_unused_imports()
    context = open_context(work)
    trial = trial_on(context, 0, work)
    begun = time.time()
    trial.train_one_update()
    ended = time.time()
    child.wait_for_start()
    seconds = {"imported": imported, "begun": begun, "ended": ended}
    child.send_answer({key: moment - work.started_at for key, moment in seconds.items()})


if __name__ == "__main__":
    main()
