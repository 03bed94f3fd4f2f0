"""`tuner compare`: trials of a session side by side, or the best trials of several."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import Any

from tuner.cli.output import PIPED_WIDTH, print_json_result, print_result
from tuner.cli.session_lookup import named_session, sessions_root
from tuner.cli.show import BEST, find_named_trial
from tuner.errors import TunerError
from tuner.render.comparison_table import comparison_table_lines
from tuner.render.renderable_lines import Lines, RenderableLines
from tuner.render.significance_text import significance_lines
from tuner.render.styles import TERMINAL_STYLES
from tuner.render.text_fitting import wrap_at_spaces
from tuner.results import format as fmt
from tuner.session.comparison import (
    FEWEST_CANDIDATES,
    MOST_CANDIDATES,
    Candidate,
    PairedPredictions,
    PredictionCache,
    best_candidate,
    candidates_of_session,
    comparison_rows,
    with_best_first,
)
from tuner.session.folder import find_session
from tuner.session.status import load_current_session

_TRIAL = re.compile(r"#?\d+")
_NARROWEST = 60


def compare_candidates(options: argparse.Namespace) -> int:
    """Print the table, McNemar's tests and the bootstrap intervals, for people or as JSON."""
    candidates = _named_candidates(options)
    answers = PredictionCache()
    if options.json:
        print_json_result(comparison_object(candidates, answers))
    else:
        print_result(
            RenderableLines(
                lambda width: _comparison_lines(candidates, answers, min(width, PIPED_WIDTH))
            )
        )
    return 0


def _named_candidates(options: argparse.Namespace) -> list[Candidate]:
    others: list[str] = options.others
    trials = [argument == BEST or bool(_TRIAL.fullmatch(argument)) for argument in others]
    if all(trials):
        return _trial_candidates(options)
    if any(trials):
        raise TunerError("compare: give trials of one session, or names of sessions, not both")
    names = list(dict.fromkeys([options.name, *others]))
    _check_candidate_count(names, "sessions")
    root = sessions_root(options)
    sessions = [find_session(root, name) for name in names]
    return with_best_first(
        [best_candidate(session, load_current_session(session)[0]) for session in sessions]
    )


def _trial_candidates(options: argparse.Namespace) -> list[Candidate]:
    session = named_session(options)
    view, _ = load_current_session(session)
    requested_numbers = [
        find_named_trial(view, reference, options.name).number for reference in options.others
    ]
    numbers = list(dict.fromkeys(requested_numbers))
    _check_candidate_count(numbers, "trials")
    return candidates_of_session(session, view, numbers)


def _check_candidate_count(candidates: Sequence[Any], what: str) -> None:
    if not FEWEST_CANDIDATES <= len(candidates) <= MOST_CANDIDATES:
        raise TunerError(
            f"compare: {FEWEST_CANDIDATES} to {MOST_CANDIDATES} {what} can be compared, "
            f"not {len(candidates)}"
        )


def _comparison_lines(
    candidates: Sequence[Candidate], answers: PredictionCache, width: int
) -> Lines:
    table = comparison_table_lines(
        candidates, comparison_rows(candidates), max(width, _NARROWEST), TERMINAL_STYLES, column=-1
    )
    verdict = significance_lines(answers, candidates, width, TERMINAL_STYLES)
    return [*table, [], *verdict, *_row_agreement_lines(candidates, answers, width)]


def _row_agreement_lines(
    candidates: Sequence[Candidate], answers: PredictionCache, width: int
) -> Lines:
    lines: Lines = []
    first = candidates[0]
    for candidate in candidates[1:]:
        try:
            pair = answers.pair_predictions(first, candidate)
        except TunerError:
            continue
        flips = pair.flips
        text = (
            f"rows predicted correctly: only by {first.name} {len(flips.only_first)}, "
            f"only by {candidate.name} {len(flips.only_second)}, "
            f"by both {len(flips.both)}, by neither {len(flips.neither)}"
        )
        lines += [
            [(line, TERMINAL_STYLES.text)]
            for line in wrap_at_spaces(fmt.sanitize_text(text), width)
        ]
    return lines


def comparison_object(candidates: Sequence[Candidate], answers: PredictionCache) -> dict[str, Any]:
    """Return the comparison for `--json`; the first candidate is the baseline."""
    first, others = candidates[0], candidates[1:]
    return {
        "baseline": first.name,
        "contestants": [_candidate_object(candidate) for candidate in candidates],
        "facts": [
            {"name": fact.name, "kind": fact.kind, "values": list(fact.values)}
            for fact in comparison_rows(candidates)
        ],
        "pairs": [_pairing_object(first, other_candidate, answers) for other_candidate in others],
        "undecided": [
            other_candidate.name
            for other_candidate in answers.indistinguishable_candidates(first, others)
        ],
    }


def _candidate_object(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "session": candidate.session.name,
        "trial": candidate.trial.number,
        "state": candidate.trial.state,
        "best": candidate.is_best_of_session,
        "metric": candidate.view.metric,
        "value": candidate.trial.value,
    }


def _pairing_object(
    first: Candidate, second: Candidate, answers: PredictionCache
) -> dict[str, Any]:
    names = {"first": first.name, "second": second.name}
    try:
        pair = answers.pair_predictions(first, second)
    except TunerError as error:
        return {**names, "reason": str(error)}
    flips, rows = pair.flips, pair.first.rows
    return {
        **names,
        "rows": len(rows),
        "both_right": len(flips.both),
        "only_first_right": [rows[position] for position in flips.only_first],
        "only_second_right": [rows[position] for position in flips.only_second],
        "both_wrong": len(flips.neither),
        "p": flips.mcnemar_p_value,
        "difference": _difference_object(pair),
    }


def _difference_object(pair: PairedPredictions) -> dict[str, Any] | None:
    """Return the metric's difference with its own p; McNemar's `p` is the accuracy's."""
    difference = pair.difference
    if difference is None:
        return None
    values = {
        "value": difference.value,
        "low": difference.low,
        "high": difference.high,
        "p": difference.p,
    }
    return {"metric": pair.metric, **values}
