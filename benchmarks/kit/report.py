"""What was measured: medians, spreads, a table for people and JSON for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kit.neighbours import Neighbours, share_text
from kit.processes import BENCHMARKS, usable_cores

RESULTS = BENCHMARKS / "results"
_PACKAGES = ("tuner", "torch", "transformers", "accelerate", "optuna", "numpy")
_console = Console(width=None if os.isatty(1) else 140, highlight=False)
neighbours = Neighbours()


def describe_machine(device: str) -> dict[str, Any]:
    """Describe what the figures depend on besides the programs."""
    import torch

    from tuner.training.trainer_context import device_display_name

    return {
        "device": device,
        "device_name": device_display_name(torch.device(device)),
        "cores": usable_cores(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: _package_version(name) for name in _PACKAGES},
        "load_before": [round(value, 2) for value in os.getloadavg()],
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _package_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine_line(facts: dict[str, Any]) -> str:
    """Describe the machine in a line or two."""
    versions = ", ".join(f"{name} {number}" for name, number in facts["versions"].items() if number)
    return (
        f"{facts['device_name']}, {facts['cores']} cores, {facts['instructions']}, "
        f"Python {facts['python']}, {versions}; load before {facts['load_before'][0]}"
    )


def print_line(text: str) -> None:
    """Print a line without markup."""
    _console.print(text, markup=False)


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], notes: str
) -> None:
    """Print a table, columns between the first and the last aligned right, and the notes on it."""
    table = Table(title=title, title_justify="left", caption=notes, caption_justify="left")
    for number, column in enumerate(columns):
        last = number == len(columns) - 1
        table.add_column(column, justify="left" if number == 0 or last else "right")
    for row in rows:
        table.add_row(*row)
    _console.print(table)


def write_document(name: str, document: dict[str, Any]) -> Path:
    """Write results/NAME.json."""
    RESULTS.mkdir(exist_ok=True)
    document["others_share"] = share = neighbours.others_share()
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print_line(f"written: {path.relative_to(BENCHMARKS.parent)}.{share_text(share)}")
    return path


def median(values: Sequence[float]) -> float:
    """Return the median, nan of nothing."""
    return statistics.median(values) if values else float("nan")


def spread(values: Sequence[float]) -> str:
    """Write the least and the greatest value as shares of the median."""
    middle = median(values)
    if len(values) < 2 or not middle:
        return "one round"
    low, high = min(values) / middle - 1, max(values) / middle - 1
    return f"{low:+.0%} … {high:+.0%}"


def median_ratio(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the median of the ratios within each round."""
    return median([a / b for a, b in zip(values, others, strict=False) if b])
