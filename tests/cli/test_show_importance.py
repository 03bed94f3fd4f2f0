"""`tuner importance`, and the filter of `tuner trials`."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest

from tests.cli import recorded_sessions
from tests.cli.conftest import Tuner
from tuner.session import events as e
from tuner.session.folder import Session


@pytest.fixture
def searched(root: Path) -> Session:
    """Sixty complete trials: the rate of the head decides."""
    rng = random.Random(7)
    events: list[e.Event] = [
        recorded_sessions.worker_started(),
        recorded_sessions.session_started(),
    ]
    for number in range(60):
        share = rng.random()
        params = {
            "lr.body": 1e-6 * 100 ** rng.random(),
            "lr.head": 1e-5 * 100**share,
            "epochs": rng.randint(1, 4),
        }
        events.append(
            msgspec.structs.replace(recorded_sessions.trial_started_event(number), params=params)
        )
        events.append(
            recorded_sessions.trial_completed_event(number, round(16 - 20 * (share - 0.5) ** 2))
        )
    return recorded_sessions.record_session(root, "searched", events)


def test_bars_come_with_intervals(searched: Session, tuner: Tuner) -> None:
    answer = tuner("importance", searched.name)
    first, *others = answer.stdout.splitlines()
    assert answer.code == 0
    assert first.startswith("head ")
    assert "…" in first
    assert len(others) == 2
    assert answer.stderr == "60 trials: 60 complete\n"


def test_json_has_the_numbers(searched: Session, tuner: Tuner) -> None:
    report = json.loads(tuner("importance", searched.name, "--json").stdout)
    assert next(iter(report["importance"])) == "lr.head"
    assert report["importance"].keys() == report["intervals"].keys()
    assert sum(report["importance"].values()) == pytest.approx(1)
    assert report["trials"] == {"complete": 60, "pruned": 0, "collapsed": 0, "outside": 0}
    assert (report["method"], report["level"], report["doubt"]) == ("PED-ANOVA", 0.9, "")


def test_a_filter_leaves_trials_out(searched: Session, tuner: Tuner) -> None:
    answer = tuner("importance", searched.name, "--json", "--filter", "value>0.7")
    few = json.loads(answer.stdout)
    assert 4 <= few["trials"]["complete"] < 50
    assert few["doubt"].startswith("only rough: ")
    rows = json.loads(tuner("trials", searched.name, "--json", "--filter", "value>0.7").stdout)
    assert len(rows) == few["trials"]["complete"]
    assert all(row["value"] > 0.7 for row in rows)
    table = tuner("trials", searched.name, "--filter", "0-2").stdout
    assert len(table.splitlines()) == 4


def test_too_few_say_so(tuner: Tuner) -> None:
    answer = tuner("importance", "draft")
    assert (answer.code, answer.stdout) == (0, "")
    assert "0 of these trials can be compared" in answer.stderr


@pytest.mark.parametrize("command", ["importance", "trials"])
def test_a_wrong_filter_is_the_users(searched: Session, tuner: Tuner, command: str) -> None:
    answer = tuner(command, searched.name, "--filter", "lr.haed>1")
    assert (answer.code, answer.stdout) == (2, "")
    assert "did you mean" in answer.stderr
    assert "lr.head" in answer.stderr
