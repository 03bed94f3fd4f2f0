"""list, status, trials and show: what people read, and the JSON that programs read."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from tests.cli import recorded_sessions
from tests.cli.conftest import Tuner
from tuner.cli.event_lines import values_in_brackets
from tuner.render.event_text import describe_event
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session

STATUS_KEYS = [
    *("session", "status", "metric", "direction", "trials", "best", "eta_seconds", "worker"),
    "majority",
    *("reason", "seconds", "time", "kernels"),
]


def test_status_json_is_the_contract(tuner: Tuner) -> None:
    status = json.loads(tuner("status", "done", "--json").stdout)
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
    assert (answer.code, json.loads(answer.stdout)["status"]) == (0, state)
    assert state in tuner("status", name).stdout


def test_without_a_worker_no_trial_runs(tuner: Tuner, root: Path) -> None:
    begun = [
        recorded_sessions.worker_started(),
        recorded_sessions.session_started(),
        recorded_sessions.data_read_event(),
    ]
    recorded_sessions.record_session(
        root,
        "lost",
        [
            *begun,
            *recorded_sessions.whole_trial_events(0, 14),
            recorded_sessions.trial_started_event(1),
        ],
    )
    status = json.loads(tuner("status", "lost", "--json").stdout)
    assert status["status"] == "crashed"
    assert (status["trials"]["running"], status["trials"]["waiting"]) == (0, 1)
    rows = json.loads(tuner("trials", "lost", "--json").stdout)
    assert [row["state"] for row in rows] == ["complete", "paused"]
    assert json.loads(tuner("show", "lost", "1", "--json").stdout)["state"] == "paused"
    assert "running" not in tuner("export", "lost", "--format", "csv").stdout
    for command in (("trials", "lost"), ("show", "lost", "1"), ("status", "lost")):
        assert "running" not in tuner(*command).stdout


def test_what_was_never_started_is_not_replayed(tuner: Tuner, root: Path) -> None:
    created = e.SessionCreated(schema=1, name="created", tuner="0.1.0")
    recorded_sessions.record_session(root, "created", [created])
    for name in ("draft", "created"):
        answer = tuner("replay", name)
        assert (answer.code, answer.stdout) == (2, "")
        assert "never started" in answer.stderr


def test_status_tells_how_it_trains(tuner: Tuner) -> None:
    assert "batches are padded, 1 × 2 threads" in tuner("status", "done").stdout


def test_list_has_a_row_a_session(tuner: Tuner) -> None:
    answer = tuner("list")
    lines = answer.stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == [
        *("broken", "done", "draft", "given-up", "halted")
    ]
    assert re.search(r"done +✓ finished +accuracy +4/6 +0.8000", answer.stdout)
    assert answer.stderr == ""


def test_list_json_is_a_list_of_statuses(tuner: Tuner) -> None:
    listed = json.loads(tuner("list", "--json").stdout)
    assert [list(entry) for entry in listed] == [STATUS_KEYS] * 5


def test_one_label_for_every_row_is_marked_wherever_it_is_shown(tuner: Tuner, root: Path) -> None:
    lopsided = msgspec.structs.replace(
        recorded_sessions.evaluated_event(0, 16, step=20), updates=10
    )
    lopsided = msgspec.structs.replace(lopsided, confusion=[[16, 0], [4, 0]])
    end = msgspec.structs.replace(recorded_sessions.trial_completed_event(0, 16), one_label=True)
    events = [
        recorded_sessions.worker_started(),
        recorded_sessions.session_started(),
        recorded_sessions.data_read_event(),
    ]
    alone = [
        *events,
        recorded_sessions.trial_started_event(0),
        lopsided,
        end,
        e.SessionFinished(reason="done"),
    ]
    recorded_sessions.record_session(root, "lopsided", alone)
    assert "1 label" in tuner("trials", "lopsided").stdout
    assert "one label (bad) for every row" in tuner("show", "lopsided", "0").stdout
    assert "one label for every row" in tuner("status", "lopsided").stdout
    assert "0.8 (1 label)" in tuner("list").stdout.replace("0.8000", "0.8")
    assert json.loads(tuner("status", "lopsided", "--json").stdout)["best"]["one_label"] is True
    assert json.loads(tuner("trials", "lopsided", "--json").stdout)[0]["one_label"] is True
    assert "True" in tuner("export", "lopsided", "--format", "csv").stdout
    learning = msgspec.structs.replace(
        recorded_sessions.trial_completed_event(1, 14), one_label=False
    )
    more = [
        *alone[:-1],
        recorded_sessions.trial_started_event(1),
        recorded_sessions.evaluated_event(1, 14, step=20),
        learning,
    ]
    recorded_sessions.record_session(root, "both", more)
    best = json.loads(tuner("status", "both", "--json").stdout)["best"]
    assert (best["trial"], best.get("one_label", False)) == (1, False)
    view = load_session_view(Session(root / "both"))
    view.best_changes += [
        e.BestChanged(seq=1, trial=0, value=0.8),
        e.BestChanged(seq=2, trial=1, value=0.7),
    ]
    assert describe_event(view.best_changes[1], view).reason == (
        "0.7000, in place of #0: one label (bad) for every row"
    )
    compared = tuner("compare", "both", "0", "1").stdout
    assert "one label" in compared
    assert "several labels" in compared


def test_list_of_nothing(tuner: Tuner, tmp_path: Path) -> None:
    answer = tuner("list", "--json", "--sessions", str(tmp_path / "nothing"))
    assert (answer.code, json.loads(answer.stdout)) == (0, [])
    assert "tuner demo" in answer.stderr


def test_trials_table_and_json_agree(tuner: Tuner) -> None:
    rows = json.loads(tuner("trials", "done", "--json").stdout)
    assert [(row["trial"], row["state"], row["value"]) for row in rows] == [
        *((0, "complete", 0.7), (1, "complete", 0.8)),
        *((2, "pruned", 0.5), (3, "collapsed", 0.5)),
    ]
    assert rows[0]["origin"] == "baseline"
    assert rows[1]["metrics"] == {"accuracy": 0.8, "loss": 0.5}
    assert rows[3]["reason"] == "one label twice running"
    table = tuner("trials", "done").stdout
    assert "★" in table
    assert "0.8000" in table


def test_show_by_number_and_best(tuner: Tuner) -> None:
    assert tuner("show", "done", "best").stdout == tuner("show", "done", "1").stdout
    printed_text = tuner("show", "done", "2").stdout
    assert 'below the cutoff, "0.70"' in printed_text
    assert "halving" in printed_text


def test_show_json_has_evaluations_and_rungs(tuner: Tuner) -> None:
    trial = json.loads(tuner("show", "done", "2", "--json").stdout)
    assert trial["evaluations"][0]["confusion"] == [[5, 5], [5, 5]]
    assert trial["rungs"][0]["rule"] == "halving"
    assert "seq" not in trial["evaluations"][0]


def test_show_best_of_a_draft_is_not_finished(tuner: Tuner) -> None:
    answer = tuner("show", "draft", "best")
    assert (answer.code, answer.stderr.count("\n")) == (3, 1)


def test_a_folder_that_cannot_be_read_hides_no_other(tuner: Tuner, root: Path) -> None:
    (root / "halted" / "events.jsonl").unlink()
    (root / "halted" / "events.jsonl").mkdir()
    assert "done" in tuner("list").stdout


def test_hostile_text_is_inert(tuner: Tuner, root: Path) -> None:
    hostile = e.SessionFailed(reason="\x1b]0;owned\x07 [bold]x[/bold]")
    recorded_sessions.record_session(root, "hostile", recorded_sessions.search_events(hostile))
    printed_text = tuner("status", "hostile").stdout
    assert "\x1b" not in printed_text
    assert "[bold]x[/bold]" in printed_text


def test_no_value_that_json_lacks(tuner: Tuner, root: Path) -> None:
    lost = e.TrialPruned(trial=0, reason="", value=float("nan"))
    recorded_sessions.record_session(
        root,
        "odd",
        [recorded_sessions.session_started(), recorded_sessions.trial_started_event(0), lost],
    )
    text = tuner("trials", "odd", "--json").stdout
    assert "NaN" not in text
    assert json.loads(text)[0]["value"] is None


def test_no_colour_codes_without_a_terminal(tuner: Tuner) -> None:
    for command in (["list"], ["status", "done"], ["trials", "done"], ["show", "done", "1"]):
        assert "\x1b" not in tuner(*command).stdout


@pytest.mark.parametrize("columns", ["0", "1", "20", "10000", "wide", "-5", "", "9" * 30])
def test_a_table_has_its_lines_whatever_columns_says(
    tuner: Tuner, monkeypatch: pytest.MonkeyPatch, columns: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("LINES", "0")
    for words in (("list",), ("trials", "done"), ("status", "done"), ("show", "done", "1")):
        lines = tuner(*words).stdout.splitlines()
        assert len(lines) > 3
        assert sum(len(line.strip()) > 9 for line in lines) > 2
    assert "0.8000" in tuner("trials", "done").stdout


def test_a_trial_without_settings_has_no_brackets() -> None:
    assert values_in_brackets({}) == ""
    assert values_in_brackets({"lr.head": 1e-3}) == " (lr.head 1.0e-3)"
