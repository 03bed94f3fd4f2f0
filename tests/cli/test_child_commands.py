"""groups, check, test and doctor: they ask a child process, here one that answers at once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Tuner
from tuner.cli import doctor
from tuner.errors import TunerError
from tuner.recipe.findings import CheckReport, Finding, ModelDescription
from tuner.session.best_document import save_model_description
from tuner.session.events import TestScored
from tuner.session.folder import Session

Monkey = pytest.MonkeyPatch
MODEL = ModelDescription(
    name="tiny",
    model_type="bert",
    layers=2,
    shared_layers=False,
    hidden_size=4,
    labels=[],
    parameters=[
        ("bert.embeddings.word_embeddings.weight", (10, 4)),
        ("bert.encoder.layer.0.output.dense.weight", (4, 4)),
        ("bert.encoder.layer.1.output.dense.weight", (4, 4)),
        ("classifier.weight", (2, 4)),
        ("classifier.bias", (2,)),
    ],
)


def test_groups_of_a_session(tuner: Tuner, root: Path) -> None:
    save_model_description(Session(root / "draft"), MODEL)
    lines = tuner("groups", "draft").stdout.splitlines()
    rows = [" ".join(line.split()) for line in lines]
    assert "bert.encoder.layer.1.output.dense.weight 4×4 16 body 1e-6…1e-4" in rows
    assert "bert.embeddings.word_embeddings.weight 10×4 40 the rest frozen" in rows
    assert rows[-1] == "82 parameters in 5 tensors and 3 groups, 40 of them frozen · tiny: 2 layers"


def test_groups_json(tuner: Tuner, root: Path) -> None:
    save_model_description(Session(root / "draft"), MODEL)
    report = json.loads(tuner("groups", "draft", "--json").stdout)
    assert report["parameters"] == 82
    assert [(group["name"], group["size"]) for group in report["groups"]] == [
        *(("body", 32), ("head", 10), ("the rest", 40))
    ]
    assert report["groups"][0]["lr"] == {"low": 1e-6, "high": 1e-4, "scale": "log"}
    assert report["groups"][1]["parameters"][1] == {
        "name": "classifier.bias",
        "shape": [2],
        "size": 2,
    }


def test_groups_of_a_model_are_the_presets(tuner: Tuner, monkeypatch: Monkey) -> None:
    monkeypatch.setattr("tuner.worker.trainer_queries.query_model_description", lambda *_: MODEL)
    answer = tuner("groups", "some/model")
    assert "showing the groups of the preset groups" in answer.stderr
    assert "quarter 4" in answer.stdout
    assert tuner("groups", "some/model", "--preset", "basic").stderr == ""


def test_what_is_neither_session_nor_model(tuner: Tuner, monkeypatch: Monkey) -> None:
    def refuse(_name: str) -> ModelDescription:
        raise TunerError("model.name: nothing: not on the hub")

    monkeypatch.setattr("tuner.worker.trainer_queries.query_model_description", refuse)
    answer = tuner("groups", "nothing")
    assert (answer.code, answer.stderr.count("\n")) == (2, 1)
    assert "no session nothing; as a model" in answer.stderr


@pytest.mark.parametrize(("level", "code"), [("ok", 0), ("warning", 0), ("error", 2)])
def test_check_fails_on_errors_alone(
    tuner: Tuner, monkeypatch: Monkey, level: str, code: int
) -> None:
    finding = Finding(level, "data", "3 rows [twice] \x1b[2J")  # type: ignore[arg-type]
    report_of = CheckReport([finding])
    monkeypatch.setattr(
        "tuner.worker.trainer_queries.query_session_check", lambda _, **_kind: report_of
    )
    answer = tuner("check", "draft")
    assert answer.code == code
    assert "3 rows [twice]" in answer.stdout
    assert "\x1b" not in answer.stdout
    report = json.loads(tuner("check", "draft", "--json").stdout)
    assert report["findings"][0]["level"] == level


def test_the_sealed_split_is_scored_and_counted(tuner: Tuner, monkeypatch: Monkey) -> None:
    scored = TestScored(
        trial=1, n=40, metrics={"accuracy": 0.75}, confusion=[[15, 5], [5, 15]], opened=2,
        sessions=["older"], shared={"other": 7},
    )  # fmt: skip
    monkeypatch.setattr("tuner.worker.test_scoring.score_test_rows", lambda _: scored)
    answer = tuner("test", "done")
    assert answer.code == 0
    assert "accuracy 0.7500 (30 of 40 rows correct, 95 % interval 0.5981…0.8581; " in answer.stdout
    assert 'majority "bad" 0.5000' in answer.stdout
    assert "opened 2 times, before by older; some were opened before: 7 by other" in answer.stdout
    assert "first time" not in answer.stdout
    score = json.loads(tuner("test", "done", "--json").stdout)
    keys = ["trial", "n", "metrics", "confusion", "opened", "sessions", "shared"]
    assert list(score) == [*keys, "accuracy_interval", "metric", "interval", "majority"]
    assert score["majority"] == {"label": "bad", "value": 0.5}


def test_a_draft_has_nothing_to_test(tuner: Tuner) -> None:
    assert tuner("test", "draft").code == 3


def test_doctor_on_a_folder_that_works(tuner: Tuner, monkeypatch: Monkey, root: Path) -> None:
    cpu = Finding("ok", "devices", "cpu")
    monkeypatch.setattr(doctor, "device_findings", lambda: [cpu])
    findings = json.loads(tuner("doctor", "--json").stdout)
    topics = [finding["topic"] for finding in findings]
    assert topics == [
        *("python", "packages", "devices", "disk", "sessions", "locks", "terminal", "hub")
    ]
    assert {finding["level"] for finding in findings} <= {"ok", "warning"}
    assert str(root) in tuner("doctor").stdout


def test_doctor_fails_where_something_is_missing(tuner: Tuner, monkeypatch: Monkey) -> None:
    broken = Finding("error", "devices", "torch cannot be used: no such library")
    monkeypatch.setattr(doctor, "device_findings", lambda: [broken])
    answer = tuner("doctor")
    assert answer.code == 1
    assert "no such library" in answer.stdout


def test_doctor_survives_a_torch_that_does_not_start(monkeypatch: Monkey) -> None:
    monkeypatch.setattr(doctor, "DEVICE_QUESTION", "raise SystemExit('no driver')")
    (finding,) = doctor.device_findings()
    assert (finding.level, finding.text) == ("error", "torch cannot be used: no driver")
