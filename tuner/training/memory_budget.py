"""How much memory this trainer took, one more would take, and how much there is."""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import torch

_CUDA_CONTEXT = 600 << 20
_PROCESS = Path("/proc/self")
_CGROUP = Path("/sys/fs/cgroup")
# Version 2, then 1: the limit, what is used of it, and the name of what is a cache in that.
_CGROUP_FILES = (
    ("memory.max", "memory.current", "memory.stat", "inactive_file"),
    (
        "memory/memory.limit_in_bytes",
        "memory/memory.usage_in_bytes",
        "memory/memory.stat",
        "total_inactive_file",
    ),
)


def reset_peak_memory(device: torch.device) -> None:
    """Start counting the peak anew, where the system can do that."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    try:
        # Linux: resets VmHWM, the peak of resident memory, without a restart of the process.
        (_PROCESS / "clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return


def peak_memory_bytes(device: torch.device) -> int:
    """Return the most bytes held since the last reset, on the device or, for a CPU, in memory."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    try:
        return _read_number_field(_PROCESS / "status", "VmHWM:") * 1024
    except (OSError, KeyError):
        # Elsewhere the peak of the whole process, in kilobytes, but in bytes on macOS.
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def needed_memory_bytes(device: torch.device) -> int:
    """Return the peak bytes of this process lately: of a GPU's memory, else of the machine's."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_reserved(device)) + _CUDA_CONTEXT
    return peak_memory_bytes(device)


def free_memory_bytes(device: torch.device, cgroup: Path = _CGROUP) -> int:
    """Return the bytes that are free there now, within what this process is allowed."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(
        _available_memory_bytes(),
        *(_free_bytes_in_cgroup(cgroup, *names) for names in _CGROUP_FILES),
    )


def allowed_memory_bytes(device: torch.device, cgroup: Path = _CGROUP) -> int:
    """Return the bytes that a trainer may count on: those free on a GPU, else those of the machine.

    On a CPU they are the same at every start, whatever else runs: the memory plan decides in which
    order gradients add up, and a resumed trial must add them up as it began.
    """
    if device.type == "cuda":
        return free_memory_bytes(device)
    return min(
        _physical_memory_bytes(),
        *(_cgroup_limit_bytes(cgroup / limit) for limit, *_ in _CGROUP_FILES),
    )


def _physical_memory_bytes() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _cgroup_limit_bytes(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return sys.maxsize


def _available_memory_bytes() -> int:
    try:
        return _read_number_field(Path("/proc/meminfo"), "MemAvailable:") * 1024
    except (OSError, KeyError):
        return _physical_memory_bytes() // 2


def _free_bytes_in_cgroup(cgroup: Path, limit: str, used: str, stat: str, cache: str) -> int:
    try:
        most = int((cgroup / limit).read_text())
        return most - int((cgroup / used).read_text()) + _read_number_field(cgroup / stat, cache)
    except (OSError, ValueError, KeyError):
        return sys.maxsize


def _read_number_field(path: Path, name: str) -> int:
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return {line[0]: int(line[1]) for line in lines if len(line) > 1 and line[1].isdigit()}[name]
