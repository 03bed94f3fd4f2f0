"""Steps of two of tuner's trainers in turn, one of them without the technique that `how` names.

In one process, step by step, so that whatever else the machine does meets both alike. The clock is
the processor's where there is no other device.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from contenders.tuner_context import open_context, trial_on
from contenders.tuner_steps import synchronize_device
from kit import child
from kit.work import Work
from tuner.training.techniques import Techniques
from tuner.training.trial import Trial


def main() -> None:
    """Warm both up, then time them in turn, each first every other time."""
    work = Work.from_command_line()
    pair = {
        "with": make_trial(work, "with", Techniques()),
        "without": make_trial(work, "without", Techniques(**{work.how: False})),
    }
    child.wait_for_start()
    seconds: dict[str, list[float]] = {name: [] for name in pair}
    for step in range(work.step_count):
        for name in sorted(pair, reverse=bool(step % 2)):
            duration = time_update(pair[name], work.device)
            if step >= work.warm_up:
                seconds[name].append(duration)
    child.send_answer(seconds)


def make_trial(work: Work, name: str, techniques: Techniques) -> Trial:
    """Make a trial on a context of its own."""
    place = Path(work.scratch) / name
    return trial_on(open_context(replace(work, scratch=str(place)), techniques), 0, work)


def time_update(trial: Trial, device: str) -> float:
    """Seconds of one update."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    synchronize_device(device)
    started = clock()
    trial.train_one_update()
    synchronize_device(device)
    return clock() - started


if __name__ == "__main__":
    main()
