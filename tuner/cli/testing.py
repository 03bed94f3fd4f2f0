"""`tuner test`: the sealed split, opened on purpose and counted."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import msgspec

from tuner.cli.output import show, show_json, working
from tuner.cli.places import named_session
from tuner.export.outcome import score_with_interval
from tuner.results.intervals import wilson
from tuner.results.metrics import correct
from tuner.session.ending import no_best_error
from tuner.session.events import TestScored
from tuner.session.scores import majority_of, matrix_interval, test_score
from tuner.session.seal import opened_text
from tuner.session.status import current
from tuner.session.view import SessionView
from tuner.tui.render.confusion import confusion_table

FIELDS = ("trial", "n", "metrics", "confusion", "opened", "sessions", "shared")


def score(options: argparse.Namespace) -> int:
    """Score the best model on the test rows and say how often they have been opened."""
    from tuner.worker.inspect import score_test

    session = named_session(options)
    view, _ = current(session)
    if view.best is None:
        raise no_best_error(view, session.name, "nothing to test")
    with working(f"scoring trial {view.best} of {session.name} on the sealed test split"):
        scored = score_test(session)
    if options.json:
        show_json(as_object(scored, view))
    else:
        show(headline(scored, view), "", confusion_table(scored.confusion, view.labels))
        show("", *opened_lines(scored, stored=scored == view.test))
    return 0


def as_object(scored: TestScored, view: SessionView) -> dict[str, object]:
    """The score, with intervals of the accuracy and of the search's metric, and the majority's."""
    fields = msgspec.structs.asdict(scored)
    low, high = wilson(correct(scored.confusion), scored.n)
    return {
        **{name: fields[name] for name in FIELDS},
        "accuracy_interval": [low, high],
        "metric": view.metric,
        "interval": matrix_interval(view, scored.confusion),
        "majority": majority_of(view, scored.confusion),
    }


def headline(scored: TestScored, view: SessionView) -> str:
    """`test: trial 3, accuracy 0.8300 (166 of 200 rows correct, 95 % interval …; majority …)`."""
    return f"test: trial {scored.trial}, {score_with_interval(test_score(view, scored))}"


def opened_lines(scored: TestScored, *, stored: bool = False) -> list[str]:
    """How often the rows were opened, in this folder of sessions, and what that means."""
    said = f"The test rows were {opened_text(scored)}."
    if stored:
        moment = datetime.fromtimestamp(scored.time, UTC).isoformat(" ", "minutes")
        said = f"This is the score of {moment[:16]} UTC, nothing was opened now. {said}"
    if scored.opened > 1 or scored.shared:
        return [said, "A choice made after looking makes this score too good."]
    return [said]
