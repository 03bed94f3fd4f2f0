"""Trials as plain rows: for JSON, for CSV, and for whoever reads either."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from tuner.session.best import kept_evaluation
from tuner.session.events import Evaluated
from tuner.session.view import SessionView, TrialView

LEADING = ("trial", "state", "origin", "generation", "value")
TRAILING = (
    "epoch", "step", "of", "seconds", "memory", "seed", "device", "started", "ended", "reason",
)  # fmt: skip


def shown_evaluation(trial: TrialView) -> Evaluated | None:
    """The evaluation whose weights were kept; the last one of a trial that did not get that far."""
    return kept_evaluation(trial) or (trial.evaluations[-1] if trial.evaluations else None)


def trial_row(trial: TrialView) -> dict[str, Any]:
    """One trial as a JSON-able object; `metrics` are those of the kept evaluation."""
    kept = shown_evaluation(trial)
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "origin": trial.origin,
        "generation": trial.generation,
        "value": trial.value,
        "params": dict(trial.params),
        "fixed": dict(trial.fixed),
        "metrics": dict(kept.metrics) if kept else {},
        "epoch": trial.epoch,
        "step": trial.step,
        "of": trial.of,
        "seconds": trial.seconds,
        "memory": trial.memory,
        "seed": trial.seed,
        "device": trial.device,
        "started": trial.started,
        "ended": trial.ended,
        "reason": trial.reason,
    }


def trial_rows(view: SessionView) -> list[dict[str, Any]]:
    """Every trial, by number."""
    return [trial_row(view.trials[number]) for number in sorted(view.trials)]


def trials_csv(view: SessionView) -> str:
    """One row a trial; parameters as params.NAME, metrics as metrics.NAME, empty where unknown.

    A value that a trial was given instead of the recipe's own stands under its parameter's name.
    """
    rows = [_flat(row) for row in trial_rows(view)]
    inner = _columns(rows, "params.") + _columns(rows, "metrics.")
    text = io.StringIO()
    writer = csv.DictWriter(text, [*LEADING, *inner, *TRAILING], restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    flat = {key: value for key, value in row.items() if key in LEADING or key in TRAILING}
    params = {**row["fixed"], **row["params"]}
    flat |= {f"params.{name}": value for name, value in params.items()}
    return flat | {f"metrics.{name}": value for name, value in row["metrics"].items()}


def _columns(rows: Sequence[dict[str, Any]], prefix: str) -> list[str]:
    """The columns with this prefix, in order of first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row if name.startswith(prefix)))
