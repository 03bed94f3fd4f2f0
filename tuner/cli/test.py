"""`tuner test`: the sealed split, opened on purpose and counted."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import msgspec

from tuner.cli.output import print_json_result, print_result, progress_spinner
from tuner.cli.session_lookup import named_session
from tuner.export.outcome_text import score_with_interval
from tuner.render.confusion_matrix import confusion_table
from tuner.results.intervals import wilson_interval
from tuner.results.metrics import count_correct
from tuner.session.events import TestScored
from tuner.session.scores import interval_of_matrix, majority_of_matrix, score_on_test_rows
from tuner.session.search_end import no_best_error
from tuner.session.status import load_current_session
from tuner.session.test_seal import describe_openings
from tuner.session.view import SessionView

FIELDS = ("trial", "n", "metrics", "confusion", "opened", "sessions", "shared")


def score_test_split(options: argparse.Namespace) -> int:
    """Score the best model on the test rows and say how often they have been opened."""
    from tuner.worker.test_scoring import score_test_rows

    session = named_session(options)
    view, _ = load_current_session(session)
    if view.best is None:
        raise no_best_error(view, session.name, "nothing to test")
    with progress_spinner(f"scoring trial {view.best} of {session.name} on the sealed test split"):
        scored = score_test_rows(session)
    if options.json:
        print_json_result(test_score_object(scored, view))
    else:
        print_result(
            score_headline(scored, view), "", confusion_table(scored.confusion, view.labels)
        )
        print_result("", *times_opened_lines(scored, stored=scored == view.scored_test))
    return 0


def test_score_object(scored: TestScored, view: SessionView) -> dict[str, object]:
    """Return the score for `--json`, with intervals of accuracy and metric, and the majority."""
    fields = msgspec.structs.asdict(scored)
    low, high = wilson_interval(count_correct(scored.confusion), scored.n)
    return {
        **{name: fields[name] for name in FIELDS},
        "accuracy_interval": [low, high],
        "metric": view.metric,
        "interval": interval_of_matrix(view, scored.confusion),
        "majority": majority_of_matrix(view, scored.confusion),
    }


def score_headline(scored: TestScored, view: SessionView) -> str:
    """Return `test: trial 3, accuracy 0.8300 (166 of 200 rows correct, 95 % interval …)`."""
    return f"test: trial {scored.trial}, {score_with_interval(score_on_test_rows(view, scored))}"


def times_opened_lines(scored: TestScored, *, stored: bool = False) -> list[str]:
    """Say how often the rows were opened in this folder of sessions, and what that means."""
    sentence = f"The test rows were {describe_openings(scored)}."
    if stored:
        moment = datetime.fromtimestamp(scored.time, UTC).isoformat(" ", "minutes")
        sentence = f"This score is from {moment[:16]} UTC; nothing was opened now. {sentence}"
    if scored.opened > 1 or scored.shared:
        return [sentence, "If it guides a choice, this score becomes too optimistic."]
    return [sentence]
