"""`tuner show`: one trial in full."""

from __future__ import annotations

import argparse
from typing import Any

import msgspec

from tuner.cli.output import show, show_json
from tuner.cli.places import named_session
from tuner.errors import TunerError
from tuner.export.outcome import score_details
from tuner.export.rows import trial_row
from tuner.session.ending import no_best_error
from tuner.session.folder import Session
from tuner.session.scores import score_of
from tuner.session.status import current
from tuner.session.view import SessionView, TrialView
from tuner.tui.render.trial import trial_detail

BEST = "best"


def show_trial(options: argparse.Namespace) -> int:
    """Parameters, evaluations, rungs and the confusion matrix of one trial."""
    session = named_session(options)
    view, _ = current(session)
    trial = find_trial(view, options.trial, options.name)
    if options.json:
        show_json(as_object(session, view, trial))
    else:
        score = score_of(session, view, trial)
        show(trial_detail(view, trial.number, details=score_details(score) if score else ""))
    return 0


def find_trial(view: SessionView, asked: str, name: str) -> TrialView:
    """The trial with this number, or the best; raises TunerError saying which there are."""
    if asked == BEST:
        best = view.best_trial()
        if best is None:
            raise no_best_error(view, name, "none is the best")
        return best
    number = asked.removeprefix("#")
    if not (number.isascii() and number.isdigit()):
        raise TunerError(f"TRIAL {asked}: give a trial's number, or best")
    if int(number) not in view.trials:
        raise TunerError(f"{name} has no trial {int(number)}; {_known(view)}")
    return view.trials[int(number)]


def _known(view: SessionView) -> str:
    if not view.trials:
        return "no trial has started yet"
    first, last = min(view.trials), max(view.trials)
    return f"its trials are {first} to {last}" if last > first else f"its only trial is {first}"


def as_object(session: Session, view: SessionView, trial: TrialView) -> dict[str, Any]:
    """The trial's row with its interval, all its evaluations, rungs and last lines."""
    score = score_of(session, view, trial)
    return {
        **trial_row(trial),
        "interval": score.interval if score else None,
        "majority": score.majority if score else None,
        "attempts": trial.attempts,
        "evaluations": [_bare(evaluation) for evaluation in trial.evaluations],
        "rungs": [_bare(rung) for rung in trial.rungs],
        "lines": trial.lines,
    }


def _bare(event: Any) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.structs.asdict(event)
    return {name: value for name, value in fields.items() if name not in ("trial", "seq")}
