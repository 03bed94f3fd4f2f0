"""Times training steps of any library: from the first forward pass to the last optimizer step."""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import Any

import torch
from torch.optim.optimizer import register_optimizer_step_post_hook


class Stopwatch:
    """Armed for so many steps; the device is waited for at both ends and nowhere between."""

    def __init__(self, device: str) -> None:
        self._cuda = device == "cuda"
        self._steps = self._done = 0
        self.first: float | None = None
        self.last = 0.0
        register_optimizer_step_post_hook(self._note_step)

    def watch_model(self, model: torch.nn.Module) -> None:
        """Hear of this model's forward passes."""
        model.register_forward_pre_hook(self._note_forward)

    def arm_for_steps(self, steps: int) -> None:
        """Measure the next `steps` steps."""
        self._steps, self._done, self.first = steps, 0, None

    @property
    def seconds(self) -> float:
        """Of the steps that it was armed for."""
        if self.first is None or self._done < self._steps:
            raise RuntimeError(f"{self._done} steps of {self._steps} were seen")
        return self.last - self.first

    def as_answer(self) -> dict[str, Any]:
        """Return begin, end and seconds of the steps, and the most memory that this took."""
        return {
            "first": self.first,
            "last": self.last,
            "seconds": self.seconds,
            "memory": peak_memory(cuda=self._cuda),
        }

    def _note_forward(self, *_: Any) -> None:
        if self._steps and self.first is None:
            self._synchronize_device()
            self.first = time.time()

    def _note_step(self, *_: Any) -> None:
        if not self._steps or self.first is None:
            return
        self._done += 1
        if self._done == self._steps:
            self._synchronize_device()
            self.last = time.time()

    def _synchronize_device(self) -> None:
        if self._cuda:
            torch.cuda.synchronize()


def peak_memory(*, cuda: bool) -> int:
    """Return the most bytes that this process has held: of the GPU, else resident."""
    if cuda:
        return int(torch.cuda.max_memory_reserved())
    try:
        # Not ru_maxrss, which begins with that of the process that started this one.
        status = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except OSError:
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024
