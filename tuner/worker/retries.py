"""Why a trainer was lost, and whether its trial is tried again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuner.pool import protocol as p
from tuner.pool.causes import DEVICE_LOST, DIED, HUNG, OUT_OF_MEMORY
from tuner.pool.trainer import TrainerExited
from tuner.results.format import format_duration_in_words
from tuner.worker.slots import SlotPool, TrainerSlot

if TYPE_CHECKING:  # Optuna is imported while the first trainer loads its model
    from tuner.worker.trial_recorder import TrialRecorder

_KILLED = -9
# Data and model may have to be fetched first.
SETUP_SILENCE = 900.0
_RETRIES = 1
# A kill from outside says nothing about the trial.
_RETRIES_AFTER_KILLS = 3
_OOM_COUNTER_FILES = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))


class RetryPolicy:
    """Decides on trials that were set back: one more try, as long as that can help.

    A trial that has come further since the last time gets its tries again. `silence` is how many
    seconds a trainer with a trial may say nothing; one that loads data and model may be silent for
    SETUP_SILENCE at least.
    """

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._tries_by_trial: dict[int, int] = {}
        self._steps_by_trial: dict[int, int] = {}
        self._oom_kills_before = count_oom_kills()

    def note_trial_started(self, trial: int, step: int) -> None:
        """Note the step at which a trainer begins; a trial that got further has its tries again."""
        self._oom_kills_before = count_oom_kills()
        if step > self._steps_by_trial.get(trial, 0):
            self._steps_by_trial[trial] = step
            self._tries_by_trial.pop(trial, None)

    def end_silent_trainers(self, pool: SlotPool) -> None:
        """Kill trainers that have work and have been silent for too long."""
        for slot in pool.slots:
            patience = self._silence_allowed(slot)
            if slot.seconds_of_silence() > patience and not slot.hung_after:
                slot.hung_after = patience
                slot.kill_trainer()

    def retry_after_loss(
        self, trials: TrialRecorder, slot: TrainerSlot, number: int, lost: TrainerExited
    ) -> bool:
        """Retry the trial of a lost trainer, or record it as failed and return False."""
        cause, description = self.cause_of_loss(slot, lost)
        if self._allow_another_try(number, killed=cause == DIED and lost.code == _KILLED):
            trials.record_retried(number, cause, description)
            return True
        trials.record_failed(number, cause, description, list(lost.lines))
        return False

    def retry_after_failure(self, trials: TrialRecorder, failed: p.Failed) -> bool:
        """Retry a trial that failed in its trainer, or record it as failed and return False.

        What has no room gets half the rows at once, and a device that is lost to one process may
        serve the next; everything else would go wrong again.
        """
        if failed.cause in (OUT_OF_MEMORY, DEVICE_LOST) and self._allow_another_try(failed.trial):
            trials.record_retried(failed.trial, failed.cause, failed.error)
            return True
        trials.record_failed(failed.trial, failed.cause, failed.error, failed.lines)
        return False

    def _allow_another_try(self, trial: int, *, killed: bool = False) -> bool:
        self._tries_by_trial[trial] = self._tries_by_trial.get(trial, 0) + 1
        return self._tries_by_trial[trial] <= (_RETRIES_AFTER_KILLS if killed else _RETRIES)

    def _silence_allowed(self, slot: TrainerSlot) -> float:
        return max(self._silence, SETUP_SILENCE) if slot.ready is None else self._silence

    def cause_of_loss(self, slot: TrainerSlot, lost: TrainerExited) -> tuple[str, str]:
        """Return why a trainer was lost, as a cause and as a sentence."""
        if slot.hung_after:
            silence = format_duration_in_words(slot.hung_after)
            return HUNG, f"the trainer was silent for {silence} and was killed"
        if lost.code == _KILLED and count_oom_kills() > self._oom_kills_before:
            return OUT_OF_MEMORY, "the kernel killed the trainer: out of memory"
        return DIED, lost.describe_exit()


def count_oom_kills(counters: tuple[Path, ...] = _OOM_COUNTER_FILES) -> int:
    """Count the processes that the kernel killed for lack of memory.

    In this container if that can be read, else on this machine; 0 where nobody counts.
    """
    for path in counters:
        try:
            lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        except OSError:
            continue
        kill_counts = [int(line[1]) for line in lines if line[:1] == ["oom_kill"]]
        if kill_counts:
            return kill_counts[0]
    return 0
