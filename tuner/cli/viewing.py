"""`tuner list`, `status` and `trials`: what the logs say."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec
from rich.table import Table
from rich.text import Text

from tuner.cli.event_lines import in_brackets
from tuner.cli.output import note, show, show_json
from tuner.cli.places import named_session, sessions_root
from tuner.errors import TunerError
from tuner.export.outcome import majority_short, outcome
from tuner.recipe.model_label import model_label, model_labels
from tuner.recipe.trust import trusted
from tuner.results import format as fmt
from tuner.results.filters import parse_filter
from tuner.session.folder import Session, list_sessions
from tuner.session.room import bytes_used
from tuner.session.seal import state_of_test_rows
from tuner.session.status import Status, current
from tuner.session.status import status as status_of
from tuner.session.view import SessionState, SessionView, TrialView
from tuner.tui.render.marks import ONE_LABEL, session_text
from tuner.tui.render.sessions import data_root, model_name
from tuner.tui.render.status import slots_text
from tuner.tui.render.styles import TERMINAL

_MODEL = 7
"""Which of the cells is the model's."""


def list_all(options: argparse.Namespace) -> int:
    """One row a session; one that cannot be read says why and hides no other."""
    root = sessions_root(options)
    sessions = list_sessions(root)
    if options.json:
        show_json([_json_row(session) for session in sessions])
    elif sessions:
        show(_sessions_table(sessions))
    if not sessions:
        note(f"no sessions in {root}: tuner demo runs the embedded study, tuner new makes one")
    return 0


def _json_row(session: Session) -> Any:
    try:
        return status_of(session, *current(session))
    except (TunerError, OSError) as error:
        return {"session": session.name, "error": str(error)}


def _sessions_table(sessions: list[Session]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title in ("SESSION", "STATUS", "METRIC"):
        table.add_column(title, no_wrap=True)
    for title in ("TRIALS", "BEST", "MAJORITY", "LEFT"):
        table.add_column(title, justify="right", no_wrap=True, min_width=6)
    table.add_column("MODEL")
    rows = [_cells(session) for session in sessions]
    if any(len(row) > len(table.columns) for row in rows):
        table.add_column("REASON")
    labels = model_labels([str(row[_MODEL]) if len(row) > _MODEL else "" for row in rows])
    for row, label in zip(rows, labels, strict=True):
        table.add_row(*row[:_MODEL], fmt.plain(label), *row[_MODEL + 1 :])
    return table


def _cells(session: Session) -> list[str | Text]:
    """Its row; the model stands there with its whole name."""
    try:
        view, stands = current(session)
        now = status_of(session, view, stands)
    except (TunerError, OSError) as error:
        return [session.name, Text(f"unreadable: {fmt.plain(str(error))}", style="red")]
    state = Text(session_text(now.status), style=TERMINAL.session(now.status))
    best = fmt.score(now.best.value) if now.best else "—"
    if now.best and now.best.one_label:
        best += f" ({ONE_LABEL})"
    floor = fmt.score(now.majority.value) if now.majority else "—"
    left = fmt.duration(now.eta_seconds) if now.eta_seconds is not None else "—"
    reason = [fmt.plain(now.reason)] if now.status is SessionState.FAILED else []
    return [
        session.name,
        state,
        fmt.plain(now.metric),
        f"{now.trials.ended}/{now.trials.planned}",
        best,
        floor,
        left,
        model_name(view),
        *reason,
    ]


def status(options: argparse.Namespace) -> int:
    """Where one session stands."""
    session = named_session(options)
    view, state = current(session)
    now = status_of(session, view, state)
    if options.json:
        show_json(now)
        return 0
    table = Table.grid(padding=(0, 2))
    for name, value in _facts(session, view, now):
        table.add_row(Text(name, style="dim"), value)
    show(table)
    if now.best is not None:
        show("", outcome(session, view))
    return 0


def _facts(session: Session, view: SessionView, now: Status) -> list[tuple[str, Text]]:
    facts = {
        "session": now.session,
        "trials": _counts(now),
        "best": _best(now),
        "time": _time(now),
        "left": fmt.duration(now.eta_seconds) if now.eta_seconds is not None else "",
        "worker": f"{now.worker.pid} on {now.worker.host}, {now.worker.device}"
        if now.worker
        else "",
        "training": ", ".join(filter(None, [_batches(view), slots_text(view)])),
        "model": model_label(model_name(view), data_root(view)),
        "metric": f"{now.metric}, {now.direction}d",
        "reason": view.reason,
        "test": state_of_test_rows(view),
        "trusted": "; ".join(trusted(view.recipe)),
        "disk": fmt.bytes(bytes_used(session)),
    }
    state = Text(session_text(now.status), style=TERMINAL.session(now.status))
    rows = [(name, Text(fmt.plain(text))) for name, text in facts.items() if text]
    return [rows[0], ("status", state), *rows[1:]]


def _time(now: Status) -> str:
    """The part of the time budget that is used up: `12m of 8h`."""
    spent = fmt.duration(now.seconds) if now.seconds >= 1 else ""
    return spent if now.time is None else f"{spent or '0s'} of {fmt.duration(now.time)}"


def _batches(view: SessionView) -> str:
    return f"batches are {view.batches}" if view.batches else ""


def _counts(now: Status) -> str:
    counts = msgspec.structs.asdict(now.trials)
    planned = counts.pop("planned")
    parts = [f"{count} {name}" for name, count in counts.items() if count]
    return f"{now.trials.ended} of {planned}" + (f" ({', '.join(parts)})" if parts else "")


def _best(now: Status) -> str:
    if now.best is None:
        return ""
    value = fmt.score(now.best.value)
    if now.majority is not None:
        value += f", {majority_short(now.metric, now.majority)}"
    one = ", one label for every row" if now.best.one_label else ""
    return f"trial {now.best.trial}, {now.metric} {value}{one}{in_brackets(now.best.params)}"


def trials(options: argparse.Namespace) -> int:
    """Every trial of one session, or those that pass the filter."""
    view, _ = current(named_session(options))
    chosen = passing(view, options.filter)
    if options.json:
        from tuner.export.rows import trial_row

        show_json([trial_row(trial) for trial in chosen])
        return 0
    from tuner.tui.render.trials import trials_table

    show(trials_table(view, trials=chosen))
    return 0


def passing(view: SessionView, expression: str) -> list[TrialView]:
    """The trials that pass the filter, by number; raises TunerError where it is none."""
    test = parse_filter(expression, _comparable(view))
    return [view.trials[number] for number in sorted(view.trials) if test(view.trials[number])]


def _comparable(view: SessionView) -> list[str] | None:
    """The settings and metrics that trials have, None while there are no trials."""
    names: dict[str, None] = {}
    for trial in view.trials.values():
        latest = trial.evaluations[-1].metrics if trial.evaluations else {}
        names |= dict.fromkeys((*trial.params, *trial.fixed, *latest))
    return list(names) or None
