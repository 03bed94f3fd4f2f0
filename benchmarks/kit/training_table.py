"""The table of training.py."""

from __future__ import annotations

import math
from collections.abc import Sequence

from kit import report
from kit.limits import Limits
from kit.training_rows import REFERENCE, Row

_COLUMNS = (
    "contender",
    "type",
    "examples/s",
    "spread",
    f"to {REFERENCE}",
    "to its best",
    "of its limit",
    "of the best",
    "MB",
    "",
)


def show_training(title: str, rows: Sequence[Row], limits: Limits, flop: float, notes: str) -> None:
    """Print speeds, ratios, shares of the limits and memory; `flop` is that of an example."""
    reference = next((row.speeds for row in rows if row.name == REFERENCE), [])
    best = best_trainer(rows)
    report.print_table(
        title,
        _COLUMNS,
        [
            (row.name, *("-",) * 8, row.failure)
            if row.failure
            else describe_row(row, reference, best, limits, flop)
            for row in rows
        ],
        f"GFLOP/s of matrix products of these shapes alone: {limits.as_text()}. The limit of a "
        "type is its highest, the best is the highest of all. "
        f"An example takes {flop / 1e9:.3g} GFLOP without padding. {notes}",
    )


def best_trainer(rows: Sequence[Row]) -> list[float]:
    """Return the speeds of the fastest way to use the Trainer."""
    trainers = [row.speeds for row in rows if row.name.startswith(REFERENCE) and row.speeds]
    return max(trainers, key=report.median, default=[])


def share_of_limit(row: Row, limits: Limits, flop: float) -> float:
    """Return the share of what the products of the row's own type allow."""
    return report.median(row.speeds) * flop / limits.rate_of_precision(row.precision)


def describe_row(
    row: Row, reference: list[float], best: list[float], limits: Limits, flop: float
) -> tuple[str, ...]:
    """Write a contender's line."""
    speed = report.median(row.speeds)
    ratios = [report.median_ratio(row.speeds, others) for others in (reference, best)]
    return (
        row.name,
        row.precision,
        f"{speed:.1f}",
        report.spread(row.speeds),
        *("-" if math.isnan(ratio) else f"{ratio:.2f} ×" for ratio in ratios),
        f"{share_of_limit(row, limits, flop):.0%}",
        f"{speed * flop / limits.best_rate():.0%}",
        f"{max(row.memory) / 1e6:.0f}",
        row.about,
    )
