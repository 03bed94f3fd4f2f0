"""Memory of a trial: how much it took, and how many rows of a batch fit at once."""

from __future__ import annotations

import resource
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

_FLOAT = 4
# Of what is free, so much is for activations; the rest is for what the estimate leaves out.
_ACTIVATION_SHARE = 0.7
_PROCESS = Path("/proc/self")


def reset_peak_memory(device: torch.device) -> None:
    """Let `peak_memory_bytes` count from here, where the system can do that."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_memory_bytes(device: torch.device) -> int:
    """The most bytes held since `reset_peak_memory`: of the device, or by this process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    resident_peak = _read_status_bytes(_PROCESS / "status", "VmHWM")
    if resident_peak is not None:
        return resident_peak
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _read_status_bytes(path: Path, key: str) -> int | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, value = line.partition(":")
        if name == key:
            return int(value.split()[0]) * 1024
    return None


@dataclass(frozen=True, slots=True)
class Activations:
    """What a wordpiece leaves behind for the backward pass, in bytes, in rows of `longest`.

    After Korthikanti et al. 2022 (Reducing Activation Recomputation in Large Transformer Models):
    34 × hidden and 5 × heads × length at 16 bits a number, twice that at 32. `kept` is with all
    activations, `checkpointed` with those between layers only and one layer's at a time.
    """

    longest: int
    per_token: int
    per_token_checkpointed: int

    @classmethod
    def from_model_config(cls, config: Any, longest: int) -> Activations:
        """Of a transformers configuration; zeros where it does not tell its shape."""
        layers = int(getattr(config, "num_hidden_layers", 0) or 0)
        hidden = int(getattr(config, "hidden_size", 0) or 0)
        heads = int(getattr(config, "num_attention_heads", 0) or 0)
        layer = 2 * (34 * hidden + 5 * heads * longest)
        return cls(longest, layers * layer, layers * hidden * _FLOAT + layer)

    def rows_that_fit(self, available_bytes: int, *, checkpointing: bool) -> int:
        """Rows of the longest kind that fit at once."""
        bytes_per_row = self.longest * (
            self.per_token_checkpointed if checkpointing else self.per_token
        )
        return int(available_bytes * _ACTIVATION_SHARE) // max(1, bytes_per_row)


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How many rows go through the model at once (None: as many as there are), and whether layers
    are computed twice to save memory.
    """

    rows: int | None = None
    checkpointing: bool = False

    @classmethod
    def fastest_that_fits(
        cls, activations: Activations, batch: int, available_bytes: int
    ) -> MemoryPlan:
        """The fastest way for batches of so many rows in so many bytes, by estimate."""
        if activations.rows_that_fit(available_bytes, checkpointing=False) >= batch:
            return cls()
        rows = activations.rows_that_fit(available_bytes, checkpointing=False)
        if rows >= 1:
            return cls(rows)
        rows = activations.rows_that_fit(available_bytes, checkpointing=True)
        return cls(min(batch, max(1, rows)), checkpointing=True)

    def micro_batch_size(self, batch: int) -> int:
        """Rows of a batch of so many that go through together."""
        return batch if self.rows is None else min(batch, self.rows)

    def next_smaller_plan(self, batch: int) -> MemoryPlan | None:
        """After an allocation failed: half the rows, then checkpointing; None where nothing is
        left to try.
        """
        rows = self.micro_batch_size(batch)
        if rows > 1:
            return MemoryPlan(rows // 2, self.checkpointing)
        return None if self.checkpointing else MemoryPlan(1, checkpointing=True)

    def describe_plan(self) -> str:
        """One line for the log; "" where nothing is special."""
        if self.rows is None:
            return ""
        line = f"memory is short: {self.rows} rows of a batch at once, gradients added up"
        return f"{line}; layers are computed twice to save more" if self.checkpointing else line
