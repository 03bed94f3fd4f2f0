"""`tuner show`: one trial in full."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from tuner.cli.output import print_json_result, print_result
from tuner.cli.session_lookup import named_session
from tuner.errors import TunerError
from tuner.export.outcome_text import score_details
from tuner.export.trial_export import trial_as_row
from tuner.render.trial_detail import trial_detail
from tuner.session.folder import Session
from tuner.session.scores import score_of_trial
from tuner.session.search_end import no_best_error
from tuner.session.status import load_current_session
from tuner.session.view import SessionView, TrialView

BEST = "best"


def show_one_trial(options: argparse.Namespace) -> int:
    """Show parameters, evaluations, rungs and the confusion matrix of one trial."""
    session = named_session(options)
    view, _ = load_current_session(session)
    trial = find_named_trial(view, options.trial, options.name)
    if options.json:
        print_json_result(trial_details_object(session, view, trial))
    else:
        score = score_of_trial(session, view, trial)
        print_result(
            trial_detail(view, trial.number, details=score_details(score) if score else "")
        )
    return 0


def find_named_trial(view: SessionView, reference: str, name: str) -> TrialView:
    """Return the trial with this number, or the best; raises TunerError that says which exist."""
    if reference == BEST:
        best = view.find_best_trial()
        if best is None:
            raise no_best_error(view, name, "none is the best")
        return best
    number = reference.removeprefix("#")
    if not (number.isascii() and number.isdigit()):
        raise TunerError(f"TRIAL {reference}: give a trial's number, or best")
    if int(number) not in view.trials:
        raise TunerError(f"{name} has no trial {int(number)}; {_existing_trials_text(view)}")
    return view.trials[int(number)]


def _existing_trials_text(view: SessionView) -> str:
    if not view.trials:
        return "no trial has started yet"
    first, last = min(view.trials), max(view.trials)
    return f"its trials are {first} to {last}" if last > first else f"its only trial is {first}"


def trial_details_object(session: Session, view: SessionView, trial: TrialView) -> dict[str, Any]:
    """Return the trial's row with its interval, its evaluations, rungs and last output lines."""
    score = score_of_trial(session, view, trial)
    return {
        **trial_as_row(trial),
        "interval": score.interval if score else None,
        "majority": score.majority if score else None,
        "attempts": trial.attempts,
        "evaluations": [_event_fields(evaluation) for evaluation in trial.evaluations],
        "rungs": [_event_fields(rung) for rung in trial.rungs],
        "lines": trial.lines,
    }


def _event_fields(event: Any) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(event)
    return {name: value for name, value in fields.items() if name not in ("trial", "seq")}
