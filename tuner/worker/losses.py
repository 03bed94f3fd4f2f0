"""Why a trainer was lost, and whether its trial is tried again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tuner.pool import protocol as p
from tuner.pool.trainer import Lost
from tuner.results.format import duration_words
from tuner.worker.slots import Pool, Slot

if TYPE_CHECKING:  # Optuna is imported while the first trainer loads its model
    from tuner.worker.trials import Trials

DIED = "died"
HUNG = "hung"
OUT_OF_MEMORY = "out of memory"
DEVICE_LOST = "device lost"
_KILLED = -9
# Data and model may have to be fetched first.
SETUP_SILENCE = 900.0
_RETRIES = 1
# A kill from outside says nothing about the trial.
_RETRIES_AFTER_KILLS = 3
_COUNTERS = (Path("/sys/fs/cgroup/memory.events"), Path("/proc/vmstat"))


class Losses:
    """Decides on trials that were set back: one more try, as long as that can help.

    A trial that has come further since the last time gets its tries again. `silence` is how many
    seconds a trainer with a trial may say nothing; one that loads data and model may be silent for
    SETUP_SILENCE at least.
    """

    def __init__(self, silence: float) -> None:
        self._silence = silence
        self._count: dict[int, int] = {}
        self._reached: dict[int, int] = {}
        self._ended_for_memory = ended_for_memory()

    def begun(self, trial: int, step: int) -> None:
        """A trainer has the trial, from the checkpoint at this step."""
        self._ended_for_memory = ended_for_memory()
        if step > self._reached.get(trial, 0):
            self._reached[trial] = step
            self._count.pop(trial, None)

    def end_silent_trainers(self, pool: Pool) -> None:
        """One that has work and says nothing for too long hangs: it is ended by force."""
        for slot in pool.slots:
            patience = self._patience(slot)
            if slot.silent_for() > patience and not slot.hung:
                slot.hung = patience
                slot.end_trainer()

    def lost(self, trials: Trials, slot: Slot, number: int, lost: Lost) -> bool:
        """The trainer of a trial is gone; whether the trial is tried again, else it has failed."""
        cause, what = self.cause(slot, lost)
        if self._allow_another(number, killed=cause == DIED and lost.code == _KILLED):
            trials.retried(number, cause, what)
            return True
        trials.failed(number, cause, what, list(lost.lines))
        return False

    def failed(self, trials: Trials, failed: p.Failed) -> bool:
        """The trial could not go on in its trainer; whether it is tried again, else it has failed.

        What has no room gets half the rows at once, and a device that is lost to one process may
        serve the next; everything else would go wrong again.
        """
        if failed.cause in (OUT_OF_MEMORY, DEVICE_LOST) and self._allow_another(failed.trial):
            trials.retried(failed.trial, failed.cause, failed.error)
            return True
        trials.failed(failed.trial, failed.cause, failed.error, failed.lines)
        return False

    def _allow_another(self, trial: int, *, killed: bool = False) -> bool:
        self._count[trial] = self._count.get(trial, 0) + 1
        return self._count[trial] <= (_RETRIES_AFTER_KILLS if killed else _RETRIES)

    def _patience(self, slot: Slot) -> float:
        return max(self._silence, SETUP_SILENCE) if slot.ready is None else self._silence

    def cause(self, slot: Slot, lost: Lost) -> tuple[str, str]:
        """Why a trainer was lost, and the same in words."""
        if slot.hung:
            return HUNG, f"the trainer said nothing for {duration_words(slot.hung)} and was ended"
        if lost.code == _KILLED and ended_for_memory() > self._ended_for_memory:
            return OUT_OF_MEMORY, "the system ended the trainer for want of memory"
        return DIED, lost.describe()


def ended_for_memory(counters: tuple[Path, ...] = _COUNTERS) -> int:
    """How many processes the kernel has ended for want of memory: in this container, if it can be
    told, else on this machine; 0 where nobody counts.
    """
    for path in counters:
        try:
            lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
        except OSError:
            continue
        counted = [int(line[1]) for line in lines if line[:1] == ["oom_kill"]]
        if counted:
            return counted[0]
    return 0
