"""Whether a model fits, so that no neighbour on the machine pays for a benchmark."""

from __future__ import annotations

from pathlib import Path

_MEMORY = Path("/proc/meminfo")
# Weights, their copy, gradients, two moments, and about as much again for activations.
_BYTES_A_PARAMETER = 4 * 6
_KIB = 1024


def available_memory() -> int | None:
    """Bytes that can be had without swapping, None where the system does not tell."""
    try:
        lines = _MEMORY.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    kibibytes = [line.split()[1] for line in lines if line.startswith("MemAvailable:")]
    return int(kibibytes[0]) * _KIB if kibibytes else None


def memory_shortage(parameters: int, copies: int) -> str:
    """Say why so many trainings at once would not fit; return nothing where they do."""
    have, need = available_memory(), parameters * copies * _BYTES_A_PARAMETER
    if have is None or need <= have:
        return ""
    return f"needs about {need / 1e9:.0f} GB of memory, {have / 1e9:.0f} are free"
