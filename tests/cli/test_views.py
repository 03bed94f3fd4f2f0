"""list, status, trials and show: what people read, and the JSON that programs read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from tests.cli import sessions
from tests.cli.conftest import Tuner
from tuner.cli.event_lines import values_in_brackets
from tuner.render.event_text import describe_event
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session

STATUS_KEYS = [
    *("session", "status", "metric", "direction", "trials", "best", "eta_seconds", "worker"),
    "majority",
    *("reason", "seconds", "time"),
]


def test_status_json_is_the_contract(tuner: Tuner) -> None:
    status = json.loads(tuner("status", "done", "--json").out)
    assert list(status) == STATUS_KEYS
    assert status["status"] == "finished"
    assert status["trials"] == {
        "complete": 2,
        "pruned": 1,
        "failed": 0,
        "running": 0,
        "waiting": 0,
        "planned": 6,
        "collapsed": 1,
    }
    assert status["best"]["trial"] == 1
    assert status["best"]["value"] == 0.8
    assert status["best"]["params"]["lr.head"] == 1e-4
    assert status["best"]["interval"]["method"] == "Wilson"
    assert status["majority"] == {"label": "bad", "value": 0.5}
    assert (status["eta_seconds"], status["worker"]) == (None, None)


@pytest.mark.parametrize(
    ("name", "state"),
    [("draft", "draft"), ("halted", "paused"), ("given-up", "stopped"), ("broken", "failed")],
)
def test_status_tells_every_state_with_exit_code_0(tuner: Tuner, name: str, state: str) -> None:
    answer = tuner("status", name, "--json")
    assert (answer.code, json.loads(answer.out)["status"]) == (0, state)
    assert state in tuner("status", name).out


def test_without_a_worker_no_trial_runs(tuner: Tuner, root: Path) -> None:
    begun = [sessions.worker_started(), sessions.session_started(), sessions.data_read()]
    sessions.recorded(root, "lost", [*begun, *sessions.whole_trial(0, 14), sessions.started(1)])
    status = json.loads(tuner("status", "lost", "--json").out)
    assert status["status"] == "crashed"
    assert (status["trials"]["running"], status["trials"]["waiting"]) == (0, 1)
    rows = json.loads(tuner("trials", "lost", "--json").out)
    assert [row["state"] for row in rows] == ["complete", "paused"]
    assert json.loads(tuner("show", "lost", "1", "--json").out)["state"] == "paused"
    assert "running" not in tuner("export", "lost", "--format", "csv").out
    for command in (("trials", "lost"), ("show", "lost", "1"), ("status", "lost")):
        assert "running" not in tuner(*command).out


def test_what_was_never_started_is_not_replayed(tuner: Tuner, root: Path) -> None:
    created = e.SessionCreated(schema=1, name="created", tuner="0.1.0")
    sessions.recorded(root, "created", [created])
    for name in ("draft", "created"):
        answer = tuner("replay", name)
        assert (answer.code, answer.out) == (2, "")
        assert "never started" in answer.err


def test_status_tells_how_it_trains(tuner: Tuner) -> None:
    assert "batches are padded, 1 × 2 threads" in tuner("status", "done").out


def test_list_has_a_row_a_session(tuner: Tuner) -> None:
    answer = tuner("list")
    lines = answer.out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        *("broken", "done", "draft", "given-up", "halted")
    ]
    assert re.search(r"done +✓ finished +accuracy +4/6 +0.8000", answer.out)
    assert answer.err == ""


def test_list_json_is_a_list_of_statuses(tuner: Tuner) -> None:
    listed = json.loads(tuner("list", "--json").out)
    assert [list(entry) for entry in listed] == [STATUS_KEYS] * 5


def test_one_label_for_every_row_is_marked_wherever_it_is_shown(tuner: Tuner, root: Path) -> None:
    lopsided = msgspec.structs.replace(sessions.evaluated(0, 16, step=20), updates=10)
    lopsided = msgspec.structs.replace(lopsided, confusion=[[16, 0], [4, 0]])
    end = msgspec.structs.replace(sessions.completed(0, 16), one_label=True)
    events = [sessions.worker_started(), sessions.session_started(), sessions.data_read()]
    alone = [*events, sessions.started(0), lopsided, end, e.SessionFinished(reason="done")]
    sessions.recorded(root, "lopsided", alone)
    assert "1 label" in tuner("trials", "lopsided").out
    assert "one label (bad) for every row" in tuner("show", "lopsided", "0").out
    assert "one label for every row" in tuner("status", "lopsided").out
    assert "0.8 (1 label)" in tuner("list").out.replace("0.8000", "0.8")
    assert json.loads(tuner("status", "lopsided", "--json").out)["best"]["one_label"] is True
    assert json.loads(tuner("trials", "lopsided", "--json").out)[0]["one_label"] is True
    assert "True" in tuner("export", "lopsided", "--format", "csv").out
    learning = msgspec.structs.replace(sessions.completed(1, 14), one_label=False)
    more = [*alone[:-1], sessions.started(1), sessions.evaluated(1, 14, step=20), learning]
    sessions.recorded(root, "both", more)
    best = json.loads(tuner("status", "both", "--json").out)["best"]
    assert (best["trial"], best.get("one_label", False)) == (1, False)
    view = load_session_view(Session(root / "both"))
    view.best_changes += [
        e.BestChanged(seq=1, trial=0, value=0.8),
        e.BestChanged(seq=2, trial=1, value=0.7),
    ]
    assert describe_event(view.best_changes[1], view).reason == (
        "0.7000, in place of #0: one label (bad) for every row"
    )
    compared = tuner("compare", "both", "0", "1").out
    assert "one label" in compared
    assert "several labels" in compared


def test_list_of_nothing(tuner: Tuner, tmp_path: Path) -> None:
    answer = tuner("list", "--json", "--sessions", str(tmp_path / "nothing"))
    assert (answer.code, json.loads(answer.out)) == (0, [])
    assert "tuner demo" in answer.err


def test_trials_table_and_json_agree(tuner: Tuner) -> None:
    rows = json.loads(tuner("trials", "done", "--json").out)
    assert [(row["trial"], row["state"], row["value"]) for row in rows] == [
        *((0, "complete", 0.7), (1, "complete", 0.8)),
        *((2, "pruned", 0.5), (3, "collapsed", 0.5)),
    ]
    assert rows[0]["origin"] == "baseline"
    assert rows[1]["metrics"] == {"accuracy": 0.8, "loss": 0.5}
    assert rows[3]["reason"] == "one label twice running"
    table = tuner("trials", "done").out
    assert "★" in table
    assert "0.8000" in table


def test_show_by_number_and_best(tuner: Tuner) -> None:
    assert tuner("show", "done", "best").out == tuner("show", "done", "1").out
    shown = tuner("show", "done", "2").out
    assert 'below the cutoff, "0.70"' in shown
    assert "halving" in shown


def test_show_json_has_evaluations_and_rungs(tuner: Tuner) -> None:
    trial = json.loads(tuner("show", "done", "2", "--json").out)
    assert trial["evaluations"][0]["confusion"] == [[5, 5], [5, 5]]
    assert trial["rungs"][0]["rule"] == "halving"
    assert "seq" not in trial["evaluations"][0]


def test_show_best_of_a_draft_is_not_finished(tuner: Tuner) -> None:
    answer = tuner("show", "draft", "best")
    assert (answer.code, answer.err.count("\n")) == (3, 1)


def test_a_folder_that_cannot_be_read_hides_no_other(tuner: Tuner, root: Path) -> None:
    (root / "halted" / "events.jsonl").unlink()
    (root / "halted" / "events.jsonl").mkdir()
    assert "done" in tuner("list").out


def test_hostile_text_is_inert(tuner: Tuner, root: Path) -> None:
    hostile = e.SessionFailed(reason="\x1b]0;owned\x07 [bold]x[/bold]")
    sessions.recorded(root, "hostile", sessions.search(hostile))
    shown = tuner("status", "hostile").out
    assert "\x1b" not in shown
    assert "[bold]x[/bold]" in shown


def test_no_value_that_json_lacks(tuner: Tuner, root: Path) -> None:
    lost = e.TrialPruned(trial=0, reason="", value=float("nan"))
    sessions.recorded(root, "odd", [sessions.session_started(), sessions.started(0), lost])
    text = tuner("trials", "odd", "--json").out
    assert "NaN" not in text
    assert json.loads(text)[0]["value"] is None


def test_no_colour_codes_without_a_terminal(tuner: Tuner) -> None:
    for command in (["list"], ["status", "done"], ["trials", "done"], ["show", "done", "1"]):
        assert "\x1b" not in tuner(*command).out


@pytest.mark.parametrize("columns", ["0", "1", "20", "10000", "wide", "-5", "", "9" * 30])
def test_a_table_has_its_lines_whatever_columns_says(
    tuner: Tuner, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", "0")
    for words in (("list",), ("trials", "done"), ("status", "done"), ("show", "done", "1")):
        lines = tuner(*words).out.splitlines()
        assert len(lines) > 3
        assert sum(len(line.strip()) > 9 for line in lines) > 2
    assert "0.8000" in tuner("trials", "done").out


def test_a_trial_without_settings_has_no_brackets() -> None:
    assert values_in_brackets({}) == ""
    assert values_in_brackets({"lr.head": 1e-3}) == " (lr.head 1.0e-3)"
