"""Trials as plain rows: for JSON, for CSV, and for whoever reads either."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from tuner.results.format import sanitize_text
from tuner.session.kept_evaluation import kept_or_last_evaluation
from tuner.session.view import SessionView, TrialView

LEADING_COLUMNS = ("trial", "state", "origin", "generation", "value")
TRAILING_COLUMNS = (
    "one_label", "epoch", "step", "of", "seconds", "memory", "seed", "device", "started", "ended",
    "reason",
)  # fmt: skip


def trial_as_row(trial: TrialView) -> dict[str, Any]:
    """Return one trial as a JSON-able object; `metrics` are those of the kept evaluation."""
    evaluation = kept_or_last_evaluation(trial)
    return {
        "trial": trial.number,
        "state": trial.state.value,
        "origin": trial.origin,
        "generation": trial.generation,
        "value": trial.value,
        "params": dict(trial.params),
        "fixed": dict(trial.fixed),
        "metrics": dict(evaluation.metrics) if evaluation else {},
        "one_label": trial.one_label,
        "epoch": trial.epoch,
        "step": trial.step,
        "of": trial.total_steps,
        "seconds": trial.seconds,
        "memory": trial.memory,
        "seed": trial.seed,
        "device": trial.device,
        "started": trial.started,
        "ended": trial.ended,
        "reason": trial.reason,
    }


def trials_as_rows(
    view: SessionView, numbers: Collection[int] | None = None
) -> list[dict[str, Any]]:
    """Return every trial, or those with these numbers, in the order of their numbers."""
    selected_numbers = view.trials if numbers is None else numbers
    return [trial_as_row(view.trials[number]) for number in sorted(selected_numbers)]


def trials_document(view: SessionView, numbers: Collection[int] | None = None) -> dict[str, Any]:
    """Return the trials together with the session, the metric and its direction."""
    return {
        "schema": "tuner/trials/1",
        "session": view.name,
        "metric": view.metric,
        "direction": view.direction,
        "trials": trials_as_rows(view, numbers),
    }


def document_as_toml(document: Mapping[str, Any]) -> str:
    """Write a document as TOML; keys without a value are left out, since TOML has no null."""
    import tomlkit

    return tomlkit.dumps(_drop_missing_values(document))


def _drop_missing_values(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _drop_missing_values(item) for key, item in value.items() if item is not None}
    return [_drop_missing_values(item) for item in value] if isinstance(value, list) else value


def trials_as_csv(view: SessionView, numbers: Collection[int] | None = None) -> str:
    """Write one row per trial: params.NAME and metrics.NAME beside the rest, empty if unknown.

    A value that a trial was given instead of the recipe's own stands in its parameter's column. All
    text is sanitized: the table may well be printed in a terminal.
    """
    rows = [_sanitize_row(_flatten_row(row)) for row in trials_as_rows(view, numbers)]
    inner = _columns_with_prefix(rows, "params.") + _columns_with_prefix(rows, "metrics.")
    text = io.StringIO()
    writer = csv.DictWriter(
        text, [*LEADING_COLUMNS, *inner, *TRAILING_COLUMNS], restval="", lineterminator="\n"
    )
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _flatten_row(row: dict[str, Any]) -> dict[str, Any]:
    flat = {
        key: value
        for key, value in row.items()
        if key in LEADING_COLUMNS or key in TRAILING_COLUMNS
    }
    params = {**row["fixed"], **row["params"]}
    flat |= {f"params.{name}": value for name, value in params.items()}
    return flat | {f"metrics.{name}": value for name, value in row["metrics"].items()}


def _sanitize_row(row: dict[str, Any]) -> dict[str, Any]:
    return {
        sanitize_text(name): sanitize_text(value) if isinstance(value, str) else value
        for name, value in row.items()
    }


def _columns_with_prefix(rows: Sequence[dict[str, Any]], prefix: str) -> list[str]:
    """Return the columns with this prefix, in order of first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row if name.startswith(prefix)))
