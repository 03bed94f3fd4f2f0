"""What a machine reports while it trains, as screens show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class GpuReading:
    """One GPU at one moment. `used` and `total` are bytes, `load` and `memory` are shares 0…1.

    What the driver does not report is None.
    """

    name: str
    number: int
    load: float | None = None
    used: int | None = None
    total: int | None = None
    celsius: int | None = None
    watts: float | None = None


@dataclass(frozen=True)
class MachineReading:
    """The GPU that trials run on, and the bytes of the running trials' checkpoints."""

    gpu: GpuReading | None = None
    checkpoints: int = 0


def short_gpu_name(name: str) -> str:
    """Return H100 80GB for "NVIDIA H100 80GB HBM3"; drop only the maker from other names."""
    words = [word for word in name.split() if word not in ("NVIDIA", "GeForce", "Tesla")]
    model_words: Sequence[str] = [
        word for word in words if not word.startswith(("HBM", "PCI", "SXM"))
    ]
    return " ".join(model_words) or name
