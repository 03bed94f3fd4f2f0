"""`tuner list`, `show_status` and `show_trials_table`: what the logs say."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from tuner.cli.event_lines import values_in_brackets
from tuner.cli.output import print_json_result, print_note, print_result
from tuner.cli.session_lookup import named_session, sessions_root
from tuner.errors import TunerError
from tuner.export.outcome_text import describe_outcome, majority_short
from tuner.recipe.model_label import distinct_model_labels, short_model_label
from tuner.recipe.trust import describe_permissions
from tuner.render.session_summary import session_data_root, session_model_name
from tuner.render.state_marks import ONE_LABEL, session_state_text
from tuner.render.status_text import slots_and_threads
from tuner.render.styles import TERMINAL_STYLES
from tuner.results import format as fmt
from tuner.results.filters import parse_filter
from tuner.results.kernels_text import describe_kernels
from tuner.session.disk_reserve import session_bytes_used
from tuner.session.folder import Session, list_sessions
from tuner.session.status import Status, load_current_session
from tuner.session.status import build_status as status_of
from tuner.session.test_seal import describe_test_rows
from tuner.session.view import SessionState, SessionView, TrialView

_MODEL = 7
"""Which of the cells is the model's."""


def list_all_sessions(options: argparse.Namespace) -> int:
    """Print one row per session; one that cannot be read says why and does not hide the others."""
    root = sessions_root(options)
    sessions = list_sessions(root)
    if options.json:
        print_json_result([_session_object(session) for session in sessions])
    elif sessions:
        print_result(_sessions_table(sessions))
    if not sessions:
        print_note(
            f"no sessions in {root}: tuner demo runs a bundled study, tuner new creates a session"
        )
    return 0


def _session_object(session: Session) -> Any:
    try:
        return status_of(session, *load_current_session(session))
    except (TunerError, OSError) as error:
        return {"session": session.name, "error": str(error)}


def _sessions_table(sessions: list[Session]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("SESSION", "STATUS", "METRIC"):
        table.add_column(title, no_wrap=True)
    for title in ("TRIALS", "BEST", "MAJORITY", "LEFT"):
        table.add_column(title, justify="right", no_wrap=True, min_width=6)
    table.add_column("MODEL")
    rows = [_session_cells(session) for session in sessions]
    if any(len(row) > len(table.columns) for row in rows):
        table.add_column("REASON")
    labels = distinct_model_labels([str(row[_MODEL]) if len(row) > _MODEL else "" for row in rows])
    for row, label in zip(rows, labels, strict=True):
        table.add_row(*row[:_MODEL], fmt.sanitize_text(label), *row[_MODEL + 1 :])
    return table


def _session_cells(session: Session) -> list[str | Text]:
    """Return the session's row, with the whole name of its model."""
    try:
        view, current_state = load_current_session(session)
        now = status_of(session, view, current_state)
    except (TunerError, OSError) as error:
        return [session.name, Text(f"unreadable: {fmt.sanitize_text(str(error))}", style="red")]
    state = Text(session_state_text(now.status), style=TERMINAL_STYLES.session_style(now.status))
    best = fmt.format_score(now.best.value) if now.best else "—"
    if now.best and now.best.one_label:
        best += f" ({ONE_LABEL})"
    floor = fmt.format_score(now.majority.value) if now.majority else "—"
    remaining = fmt.format_duration(now.eta_seconds) if now.eta_seconds is not None else "—"
    reason = [fmt.sanitize_text(now.reason)] if now.status is SessionState.FAILED else []
    return [
        session.name,
        state,
        fmt.sanitize_text(now.metric),
        f"{now.trials.ended_count}/{now.trials.planned}",
        best,
        floor,
        remaining,
        session_model_name(view),
        *reason,
    ]


def show_status(options: argparse.Namespace) -> int:
    session = named_session(options)
    view, state = load_current_session(session)
    now = status_of(session, view, state)
    if options.json:
        print_json_result(now)
        return 0
    table = Table.grid(padding=(0, 2))
    for name, value in _status_facts(session, view, now):
        table.add_row(Text(name, style="dim"), value)
    print_result(table)
    if now.best is not None:
        print_result("", describe_outcome(session, view))
    return 0


def _status_facts(session: Session, view: SessionView, now: Status) -> list[tuple[str, Text]]:
    facts = {
        "session": now.session,
        "trials": _trial_counts_text(now),
        "best": _best_trial_text(now),
        "time": _time_spent_text(now),
        "left": fmt.format_duration(now.eta_seconds) if now.eta_seconds is not None else "",
        "worker": f"{now.worker.pid} on {now.worker.host}, {now.worker.device}"
        if now.worker
        else "",
        "training": ", ".join(filter(None, [_batches_text(view), slots_and_threads(view)])),
        "kernels": "" if view.kernels is None else describe_kernels(view.kernels),
        "model": short_model_label(session_model_name(view), session_data_root(view)),
        "metric": f"{now.metric}, {now.direction}d",
        "reason": view.reason,
        "test": describe_test_rows(view),
        "trusted": "; ".join(describe_permissions(view.recipe)),
        "disk": fmt.format_bytes(session_bytes_used(session)),
    }
    state = Text(session_state_text(now.status), style=TERMINAL_STYLES.session_style(now.status))
    rows = [(name, Text(fmt.sanitize_text(text))) for name, text in facts.items() if text]
    return [rows[0], ("status", state), *rows[1:]]


def _time_spent_text(now: Status) -> str:
    """Return how much of the time budget is used: `12m of 8h`."""
    spent = fmt.format_duration(now.seconds) if now.seconds >= 1 else ""
    return spent if now.time is None else f"{spent or '0s'} of {fmt.format_duration(now.time)}"


def _batches_text(view: SessionView) -> str:
    return f"batches are {view.batches}" if view.batches else ""


def _trial_counts_text(now: Status) -> str:
    counts = msgspec.structs.asdict(now.trials)
    planned = counts.pop("planned")
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    return f"{now.trials.ended_count} of {planned}" + (f" ({', '.join(parts)})" if parts else "")


def _best_trial_text(now: Status) -> str:
    if now.best is None:
        return ""
    value = fmt.format_score(now.best.value)
    if now.majority is not None:
        value += f", {majority_short(now.metric, now.majority)}"
    value += ", one label for every row" if now.best.one_label else ""
    return f"trial {now.best.trial}, {now.metric} {value}{values_in_brackets(now.best.params)}"


def show_trials_table(options: argparse.Namespace) -> int:
    view, _ = load_current_session(named_session(options))
    selected_trials = matching_trials(view, options.filter)
    if options.json:
        from tuner.export.trial_export import trial_as_row

        print_json_result([trial_as_row(trial) for trial in selected_trials])
        return 0
    from tuner.render.trials_table import trials_table

    print_result(trials_table(view, trials=selected_trials))
    return 0


def matching_trials(view: SessionView, expression: str) -> list[TrialView]:
    """Return the trials that match, by number; raises TunerError if this is not a filter."""
    test = parse_filter(expression, _filterable_names(view))
    return [view.trials[number] for number in sorted(view.trials) if test(view.trials[number])]


def _filterable_names(view: SessionView) -> list[str] | None:
    """Return the settings and metrics that trials have; None while there are no trials."""
    names: dict[str, None] = {}
    for trial in view.trials.values():
        latest = trial.evaluations[-1].metrics if trial.evaluations else {}
        names |= dict.fromkeys((*trial.params, *trial.fixed, *latest))
    return list(names) or None
