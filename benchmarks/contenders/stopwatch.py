"""Times training steps of any library: from the first forward pass to the last optimizer step."""

from __future__ import annotations

import time
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
