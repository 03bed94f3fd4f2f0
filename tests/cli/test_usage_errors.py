"""Wrong command lines: exit code 2, one line that says what and offers the nearest spelling."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Tuner

TRAIN = "train.jsonl"
WRONG: list[tuple[list[str], str]] = [
    (["rnu"], "did you mean run?"),
    (["stats", "done"], "did you mean status?"),
    (["enque", "done"], "did you mean enqueue?"),
    (["frobnicate"], "no such command: frobnicate"),
    (["--sesions", "x", "list"], "did you mean --sessions?"),
    (["--quick"], "no such option: --quick"),
    ([], "needs a terminal"),
    (["open", "done"], "needs a terminal"),
    (["open", "dnoe"], "did you mean 'done'?"),
    (["list", "--jsn"], "did you mean --json?"),
    (["list", "done"], "one argument too many: done"),
    (["status"], "required: NAME"),
    (["status", "dnoe"], "did you mean 'done'?"),
    (["status", "done", "now"], "one argument too many"),
    (["status", "../done"], "only letters"),
    (["status", "a\nb"], "only letters"),
    (["status", ""], "only letters"),
    (["trials", "haltd", "--json"], "did you mean 'halted'?"),
    (["show", "done"], "required: TRIAL"),
    (["show", "done", "9"], "its trials are 0 to 3"),
    (["show", "done", "first"], "a trial's number, or best"),
    (["show", "done", "1", "--jsno"], "did you mean --json?"),
    (["show", "draft", "0"], "no trial has started yet"),
    (["run", "nowhere-at-all"], "no session"),
    (["run"], "required: NAME"),
    (["start", "done"], "finished"),
    (["resume", "given-up"], "stopped"),
    (["resume", "draft"], "never started"),
    (["export", "done", "--format", "jsn"], "did you mean json?"),
    (["export", "done", "--format", "transformers"], "is not one of json, csv, toml"),
    (["export", "done", "--format", "csv", "-o", "no/such/folder/x.csv"], "no such file"),
    (["export", "done", "--out", "x.json"], "did you mean --output?"),
    (["export", "done", "--format"], "expected one argument"),
    (["enqueue", "draft"], "give KEY=VALUE, --like TRIAL or --rerun TRIAL"),
    (["enqueue", "draft", "epochs"], "not of the form KEY=VALUE"),
    (["enqueue", "draft", "epochs="], "not of the form KEY=VALUE"),
    (["enqueue", "draft", "=3"], "not of the form KEY=VALUE"),
    (["enqueue", "draft", "epoch=3"], "epochs"),
    (["enqueue", "draft", "lr.haed=1e-3"], "lr.head"),
    (["enqueue", "draft", "epochs=many"], "epochs"),
    (["enqueue", "draft", "epochs=[1,2]"], "not a single value"),
    (["enqueue", "draft", "epochs=2", "epochs=3"], "given twice"),
    (["enqueue", "given-up", "epochs=2"], "accepts no more trials"),
    (["new"], "required: NAME"),
    (["new", "fresh"], "--model"),
    (["new", "fresh", "--model", "m"], "--train"),
    (["new", "done", "--model", "m", "--train", TRAIN], "already exists"),
    (["new", ".hidden", "--model", "m", "--train", TRAIN], "only letters"),
    (["new", "a/b", "--model", "m", "--train", TRAIN], "only letters"),
    (["new", "fresh", "--model", "m", "--train", "trian.jsonl"], 'did you mean "train.jsonl"?'),
    (["new", "fresh", "--model", "m", "--train", "folder"], "a folder, not a file"),
    (["new", "fresh", "--model", "m", "--train", "notes.txt"], "has one field a line"),
    (["new", "fresh", "--model", "m", "--train", "empty.jsonl"], "no rows"),
    (["new", "fresh", "--model", "m", "--train", "torn.jsonl"], "line 2: not JSON"),
    (["new", "fresh", "--model", "m", "--train", "bytes.csv"], "not UTF-8"),
    (["new", "fresh", "--model", "m", "--train", "unclear.csv"], "which column is the label"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--text", "txt"], 'did you mean "text"?'),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--text", "a,b,c"], "one column, or two"),
    (
        ["new", "fresh", "--model", "m", "--train", TRAIN, "--label", "lable"],
        'did you mean "label"?',
    ),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--validation", "2"], "between 0 and 1"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--validation", "x.csv"], "no such file"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--holdout", "2"], "between 0 and 1"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--trials", "0"], "whole number"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--trials", "3.5"], "whole number"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--preset", "group"], "groups"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--set", "epochs=3"], "training.epochs"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--set", "training.epoch=3"], "epochs"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--set", "training.epochs"], "KEY=VALUE"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--set", "training.epochs=0"], "epochs"),
    (["new", "fresh", "--model", "./nowhere", "--train", TRAIN], "no such folder"),
    (["new", "fresh", "--model", "m", "--text", "text"], "--text needs --train"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--modle", "n"], "did you mean --model?"),
    (["new", "fresh", "--model", "m", "--train", TRAIN, "--set", "data.test=t.csv"], "--test FILE"),
    (["new", "fresh", "--preset", "rte-roberta-large-article"], "give --train FILE"),
    (["demo", "--trials", "none"], "whole number"),
    (["groups", "draff"], "did you mean draft?"),
    (["groups", "done", "--preset", "grops"], "did you mean"),
    (["groups", "./nowhere"], "no such folder"),
    (["check", "dnoe"], "did you mean 'done'?"),
    (["test", "dnoe"], "did you mean 'done'?"),
    (["demo", "three"], "one argument too many"),
    (["pause", "draft"], "draft"),
    (["stop", "draft"], "draft"),
]


@pytest.fixture(autouse=True)
def files() -> None:
    """Write data files with every kind of error into the working folder."""
    rows = [{"text": f"row {n}", "label": n % 2} for n in range(10)]
    Path(TRAIN).write_text("".join(json.dumps(row) + "\n" for row in rows))
    Path("empty.jsonl").write_text("\n")
    Path("torn.jsonl").write_text('{"text": "a", "label": 1}\n{"text": \n')
    Path("bytes.csv").write_bytes(b"text,label\n\xff\xfe,1\n")
    Path("unclear.csv").write_text("one,two,three\na,b,c\nd,e,f\n")
    Path("notes.txt").write_text("text\n")
    Path("folder").mkdir()


@pytest.mark.parametrize(
    ("arguments", "says"), WRONG, ids=[" ".join(arguments)[:60] for arguments, _ in WRONG]
)
def test_says_in_one_line_what_is_wrong(tuner: Tuner, arguments: list[str], says: str) -> None:
    answer = tuner(*arguments)
    assert answer.code == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("tuner: ")
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.endswith("\n")
    assert says in answer.stderr


def test_a_wrong_line_leaves_nothing_behind(tuner: Tuner, root: Path) -> None:
    tuner("new", "fresh", "--model", "m", "--train", TRAIN, "--set", "training.epochs=0")
    assert not (root / "fresh").exists()


def test_control_characters_in_arguments_have_no_effect(tuner: Tuner) -> None:
    answer = tuner("\x1b[31mred")
    assert "\x1b" not in answer.stderr


def test_the_sessions_folder_may_not_be_a_file(tuner: Tuner) -> None:
    answer = tuner("list", "--sessions", TRAIN)
    assert (answer.code, answer.stderr.count("\n")) == (2, 1)
    assert "not a folder" in answer.stderr
