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
_SHARE = 0.7
_PROCESS = Path("/proc/self")


def reset_peak(device: torch.device) -> None:
    """Let `peak` count from here, where the system can do that."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak(device: torch.device) -> int:
    """The most bytes held since `reset_peak`: of the device, or by this process on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    found = _kilobytes(_PROCESS / "status", "VmHWM")
    if found is not None:
        return found
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def _kilobytes(path: Path, key: str) -> int | None:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    for line in lines:
        name, _, rest = line.partition(":")
        if name == key:
            return int(rest.split()[0]) * 1024
    return None


@dataclass(frozen=True, slots=True)
class Activations:
    """What a wordpiece leaves behind for the backward pass, in bytes, in rows of `longest`.

    After Korthikanti et al. 2022 (Reducing Activation Recomputation in Large Transformer Models):
    34 × hidden and 5 × heads × length at 16 bits a number, twice that at 32. `kept` is with all
    activations, `checkpointed` with those between layers only and one layer's at a time.
    """

    longest: int
    kept: int
    checkpointed: int

    @classmethod
    def of(cls, config: Any, longest: int) -> Activations:
        """Of a transformers configuration; zeros where it does not tell its shape."""
        layers = int(getattr(config, "num_hidden_layers", 0) or 0)
        hidden = int(getattr(config, "hidden_size", 0) or 0)
        heads = int(getattr(config, "num_attention_heads", 0) or 0)
        layer = 2 * (34 * hidden + 5 * heads * longest)
        return cls(longest, layers * layer, layers * hidden * _FLOAT + layer)

    def rows(self, bytes_there: int, *, checkpointing: bool) -> int:
        """Rows of the longest kind that fit at once."""
        each = self.longest * (self.checkpointed if checkpointing else self.kept)
        return int(bytes_there * _SHARE) // max(1, each)


@dataclass(frozen=True, slots=True)
class Fit:
    """How many rows go through the model at once (None: as many as there are), and whether layers
    are computed twice to save memory.
    """

    rows: int | None = None
    checkpointing: bool = False

    @classmethod
    def of(cls, activations: Activations, batch: int, bytes_there: int) -> Fit:
        """The fastest way for batches of so many rows in so many bytes, by estimate."""
        if activations.rows(bytes_there, checkpointing=False) >= batch:
            return cls()
        rows = activations.rows(bytes_there, checkpointing=False)
        if rows >= 1:
            return cls(rows)
        rows = activations.rows(bytes_there, checkpointing=True)
        return cls(min(batch, max(1, rows)), checkpointing=True)

    def at_once(self, batch: int) -> int:
        """Rows of a batch of so many that go through together."""
        return batch if self.rows is None else min(batch, self.rows)

    def smaller(self, batch: int) -> Fit | None:
        """After an allocation failed: half the rows, then checkpointing; None where nothing is
        left to try.
        """
        rows = self.at_once(batch)
        if rows > 1:
            return Fit(rows // 2, self.checkpointing)
        return None if self.checkpointing else Fit(1, checkpointing=True)

    def describe(self) -> str:
        """One line for the log; "" where nothing is special."""
        if self.rows is None:
            return ""
        line = f"memory is short: {self.rows} rows of a batch at once, gradients added up"
        return f"{line}; layers are computed twice to save more" if self.checkpointing else line
