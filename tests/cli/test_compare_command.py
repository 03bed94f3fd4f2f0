"""`tuner compare`: trials side by side, sessions side by side, and wrong ways to ask."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli import recorded_sessions
from tests.cli.conftest import Tuner
from tests.tui.recorded_predictions import write_predictions
from tuner.session import events as e
from tuner.session.folder import Session

GOLD = [0] * 10 + [1] * 10


@pytest.fixture(autouse=True)
def answers(root: Path) -> None:
    """Predictions of the two complete trials: 14 and 16 of 20 right, 12 of them by both."""
    done = Session(root / "done")
    first = [1] * 4 + [0] * 6 + [1] * 8 + [0] * 2
    second = [0] * 2 + [1] * 2 + [0] * 6 + [1] * 8 + [0] * 2
    write_predictions(done, 0, 1, GOLD, first, 2, rows=range(100, 120))
    write_predictions(done, 1, 1, GOLD, second, 2, rows=range(100, 120))


def test_trials_as_a_table(tuner: Tuner) -> None:
    answer = tuner("compare", "done", "0", "1")
    assert (answer.code, answer.stderr) == (0, "")
    lines = answer.stdout.splitlines()
    assert "A #1 ★ baseline" in lines[0]
    assert "B #0" in lines[0]
    accuracy = next(line for line in lines if line.startswith("accuracy "))
    assert accuracy.split()[:4] == ["accuracy", "0.8000", "0.7000", "−0.1000"]
    rates = next(line for line in lines if line.startswith("lr.body"))
    assert rates.split()[1:4] == ["2.0e-5", "1.0e-5", "÷2.00"]
    assert "McNemar on accuracy, 20 shared rows: #1 vs #0 p = 0.50" in answer.stdout
    assert "not distinguishable from #1 at 0.05 (accuracy): #0" in answer.stdout
    assert "only by #1 2, only by #0 0, by both 14, by neither 4" in answer.stdout


def test_trials_as_json(tuner: Tuner) -> None:
    comparison = json.loads(tuner("compare", "done", "best", "#0", "2", "--json").stdout)
    assert comparison["baseline"] == "#1"
    assert [candidate["trial"] for candidate in comparison["contestants"]] == [1, 0, 2]
    facts = {fact["name"]: fact["values"] for fact in comparison["facts"]}
    assert facts["rows correct"] == [[16, 20], [14, 20], [10, 20]]
    first, second = comparison["pairs"]
    assert (first["rows"], first["p"]) == (20, 0.5)
    assert (first["only_first_right"], first["only_second_right"]) == ([100, 101], [])
    assert first["difference"]["metric"] == "accuracy"
    assert first["difference"]["low"] <= first["difference"]["value"] == pytest.approx(0.1)
    assert second["reason"] == "trials/0002/predictions-0.npz is missing"
    assert comparison["undecided"] == ["#0"]


def test_sessions_side_by_side(tuner: Tuner, root: Path) -> None:
    recorded_sessions.record_session(
        root, "again", recorded_sessions.search_events(e.SessionFinished(reason="6 trials"))
    )
    answer = tuner("compare", "done", "again")
    assert answer.code == 0
    assert "A done baseline" in answer.stdout
    assert "whether the rows are the same is not known" in answer.stdout
    comparison = json.loads(tuner("compare", "done", "again", "--json").stdout)
    assert [candidate["session"] for candidate in comparison["contestants"]] == ["done", "again"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["done"], 2, "the following arguments are required: TRIAL|NAME"),
        (["done", "1"], 2, "2 to 5 trials can be compared, not 1"),
        (["done", "1", "#1"], 2, "2 to 5 trials can be compared, not 1"),
        (["done", "1", "9"], 2, "done has no trial 9; its trials are 0 to 3"),
        (["done", "done"], 2, "2 to 5 sessions can be compared, not 1"),
        (["done", "1", "halted"], 2, "not both"),
        (["done", "hatled"], 2, "did you mean 'halted'?"),
        (["done", "draft"], 3, "draft has no complete trial yet"),
        (["dnoe", "0", "1"], 2, "did you mean 'done'?"),
    ],
)
def test_what_cannot_be_compared_is_one_line(
    tuner: Tuner, words: list[str], code: int, said: str
) -> None:
    answer = tuner("compare", *words)
    assert (answer.code, answer.stdout) == (code, "")
    assert said in answer.stderr
    assert answer.stderr.count("\n") == 1
