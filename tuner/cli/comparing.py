"""`tuner compare`: trials of a session side by side, or the best trials of several."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from tuner.cli.output import PIPED_WIDTH, show, show_json
from tuner.cli.places import named_session, sessions_root
from tuner.cli.trial import BEST, find_trial
from tuner.errors import TunerError
from tuner.results import format as fmt
from tuner.session.contest import (
    FEWEST,
    MOST,
    Answers,
    Contestant,
    Pairing,
    best_first,
    best_of,
    facts,
    of_session,
)
from tuner.session.folder import open_session
from tuner.session.status import current
from tuner.tui.render.compare import table_lines
from tuner.tui.render.lined import Lined, Lines
from tuner.tui.render.names import wrapped
from tuner.tui.render.styles import TERMINAL
from tuner.tui.render.verdict import verdict_lines

_TRIAL = re.compile(r"#?\d+")
_NARROWEST = 60


def compare(options: argparse.Namespace) -> int:
    """The table, McNemar's tests and the bootstrap's intervals, for people or as JSON."""
    contestants = _contestants(options)
    answers = Answers()
    if options.json:
        show_json(as_object(contestants, answers))
    else:
        show(Lined(lambda width: _lines(contestants, answers, min(width, PIPED_WIDTH))))
    return 0


def _contestants(options: argparse.Namespace) -> list[Contestant]:
    others: list[str] = options.others
    trials = [other == BEST or bool(_TRIAL.fullmatch(other)) for other in others]
    if all(trials):
        return _trials(options)
    if any(trials):
        raise TunerError("compare: give trials of one session, or names of sessions, not both")
    names = list(dict.fromkeys([options.name, *others]))
    _check_count(names, "sessions")
    root = sessions_root(options)
    sessions = [open_session(root, name) for name in names]
    return best_first([best_of(session, current(session)[0]) for session in sessions])


def _trials(options: argparse.Namespace) -> list[Contestant]:
    session = named_session(options)
    view, _ = current(session)
    found = [find_trial(view, asked, options.name).number for asked in options.others]
    numbers = list(dict.fromkeys(found))
    _check_count(numbers, "trials")
    return of_session(session, view, numbers)


def _check_count(found: Sequence[Any], what: str) -> None:
    if not FEWEST <= len(found) <= MOST:
        raise TunerError(f"compare: {FEWEST} to {MOST} {what} can be compared, not {len(found)}")


def _lines(contestants: Sequence[Contestant], answers: Answers, width: int) -> Lines:
    table = table_lines(
        contestants, facts(contestants), max(width, _NARROWEST), TERMINAL, column=-1
    )
    verdict = verdict_lines(answers, contestants, width, TERMINAL)
    return [*table, [], *verdict, *_by_rows(contestants, answers, width)]


def _by_rows(contestants: Sequence[Contestant], answers: Answers, width: int) -> Lines:
    lines: Lines = []
    first = contestants[0]
    for other in contestants[1:]:
        try:
            pair = answers.pairing(first, other)
        except TunerError:
            continue
        found = pair.flips
        text = (
            f"{first.name} and {other.name}: only {first.name} right {len(found.only_first)}, "
            f"only {other.name} right {len(found.only_second)}, "
            f"both {len(found.both)}, neither {len(found.neither)}"
        )
        lines += [[(line, TERMINAL.text)] for line in wrapped(fmt.plain(text), width)]
    return lines


def as_object(contestants: Sequence[Contestant], answers: Answers) -> dict[str, Any]:
    """The same for programs; the first contestant is what the others are compared with."""
    first, others = contestants[0], contestants[1:]
    return {
        "baseline": first.name,
        "contestants": [_contestant(each) for each in contestants],
        "facts": [
            {"name": fact.name, "kind": fact.kind, "values": list(fact.values)}
            for fact in facts(contestants)
        ],
        "pairs": [_pair(first, other, answers) for other in others],
        "undecided": [other.name for other in answers.undecided(first, others)],
    }


def _contestant(each: Contestant) -> dict[str, Any]:
    return {
        "name": each.name,
        "session": each.session.name,
        "trial": each.trial.number,
        "state": each.trial.state,
        "best": each.is_best,
        "metric": each.view.metric,
        "value": each.trial.value,
    }


def _pair(first: Contestant, other: Contestant, answers: Answers) -> dict[str, Any]:
    names = {"first": first.name, "second": other.name}
    try:
        pair = answers.pairing(first, other)
    except TunerError as error:
        return {**names, "reason": str(error)}
    found, rows = pair.flips, pair.first.rows
    return {
        **names,
        "rows": len(rows),
        "both_right": len(found.both),
        "only_first_right": [rows[position] for position in found.only_first],
        "only_second_right": [rows[position] for position in found.only_second],
        "both_wrong": len(found.neither),
        "p": found.p_value,
        "difference": _difference_object(pair),
    }


def _difference_object(pair: Pairing) -> dict[str, Any] | None:
    """The metric's difference with its own p; the pair's `p` is McNemar's, of the accuracy."""
    found = pair.difference
    if found is None:
        return None
    values = {"value": found.value, "low": found.low, "high": found.high, "p": found.p}
    return {"metric": pair.metric, **values}
