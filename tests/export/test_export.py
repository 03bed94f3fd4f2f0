"""What leaves a session: rows, CSV and the summary."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.cli import recorded_sessions
from tuner.export.summary import summarize_session
from tuner.export.trial_export import trials_as_csv, trials_as_rows
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.view import SessionView


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Make a finished session."""
    return recorded_sessions.create_finished_session(tmp_path)


@pytest.fixture
def view(session: Session) -> SessionView:
    """Its view."""
    return load_session_view(session)


def test_csv_has_one_row_a_trial_and_survives_quotes(view: SessionView) -> None:
    table = list(csv.DictReader(io.StringIO(trials_as_csv(view))))
    assert [row["trial"] for row in table] == ["0", "1", "2", "3"]
    assert [row["state"] for row in table] == ["complete", "complete", "pruned", "collapsed"]
    assert table[2]["reason"] == 'below the cutoff, "0.70"'
    assert float(table[1]["params.lr.body"]) == 2e-5
    assert float(table[1]["metrics.accuracy"]) == 0.8
    assert [row["memory"] for row in table] == [str(3 << 20), str(3 << 20), "0", "0"]
    assert list(table[0])[:5] == ["trial", "state", "origin", "generation", "value"]


def test_csv_of_a_draft_is_its_header(tmp_path: Path) -> None:
    text = trials_as_csv(load_session_view(recorded_sessions.create_draft(tmp_path)))
    assert text.startswith("trial,state,")
    assert text.count("\n") == 1


def test_a_trials_own_values_stand_in_the_column_of_their_name(tmp_path: Path) -> None:
    baseline = e.TrialStarted(
        trial=0, generation=0, params={}, fixed={"epochs": 9}, seed=0, device="cpu"
    )
    events = [
        recorded_sessions.session_started(),
        baseline,
        recorded_sessions.trial_started_event(1),
    ]
    table = trials_as_csv(
        load_session_view(recorded_sessions.record_session(tmp_path, "own", events))
    )
    assert [row["params.epochs"] for row in csv.DictReader(io.StringIO(table))] == ["9", "2"]


def test_rows_carry_the_kept_evaluation(view: SessionView) -> None:
    rows = trials_as_rows(view)
    assert rows[0]["metrics"]["accuracy"] == 0.7
    assert rows[2]["metrics"]["accuracy"] == 0.5


def test_summary_counts_rows_and_keeps_collapsed_apart(session: Session, view: SessionView) -> None:
    summary = summarize_session(session, view)
    assert summary.best is not None
    assert summary.baseline is not None
    assert summary.gain is not None
    assert (summary.best.trial, summary.best.correct, summary.best.rows) == (1, 16, 20)
    assert (summary.baseline.trial, summary.baseline.correct) == (0, 14)
    assert (summary.gain.rows, summary.gain.of_rows, summary.gain.paired) == (2, 20, False)
    counts = summary.counts
    assert (counts.complete, counts.pruned, counts.collapsed, counts.failed) == (2, 1, 1, 0)
    assert counts.ended_count == 4
    interval = summary.best.interval
    assert interval is not None
    assert 0.58 < interval.low < 0.59
    assert 0.91 < interval.high < 0.92


def test_summary_of_a_draft_has_no_scores(tmp_path: Path) -> None:
    draft = recorded_sessions.create_draft(tmp_path)
    summary = summarize_session(draft, load_session_view(draft))
    assert (summary.best, summary.baseline, summary.gain) == (None, None, None)
