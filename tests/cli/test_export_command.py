"""`tuner export` to stdout and to files."""

from __future__ import annotations

import csv
import io
import json
import tomllib
from pathlib import Path

import pytest

from tests.cli.conftest import Tuner
from tuner.recipe.findings import ModelDescription
from tuner.session.best_document import load_cached_model, save_model_description
from tuner.session.folder import Session

BEST_KEYS = [
    *("schema", "session", "model", "metric", "direction", "trial", "value"),
    *("one_label", "params", "groups"),
    *(
        "training",
        "validation",
        "majority",
        "confirmation",
        "test",
        "baseline",
        "kernels",
        "versions",
        "created",
    ),
]


SHAPES = [
    ("bert.embeddings.word_embeddings.weight", (10, 4)),
    ("bert.encoder.layer.0.output.dense.weight", (4, 4)),
    ("classifier.weight", (2, 4)),
]
MODEL = ModelDescription(
    name="tiny",
    model_type="bert",
    layers=1,
    shared_layers=False,
    hidden_size=4,
    labels=[],
    parameters=[(name, shape) for name, shape in SHAPES],
)


def test_a_damaged_shape_of_the_model_counts_as_none(root: Path) -> None:
    session = Session(root / "done")
    save_model_description(session, MODEL)
    for content in (b'{"name": "\xff', b"\xff\xfe", b"", b"{}", b"[" * 3000):
        (session.cache_folder / "model.json").write_bytes(content)
        assert load_cached_model(session) is None


def test_json_is_best_json(tuner: Tuner, root: Path) -> None:
    save_model_description(Session(root / "done"), MODEL)
    best = json.loads(tuner("export", "done").stdout)
    assert list(best) == BEST_KEYS
    assert (best["trial"], best["value"]) == (1, 0.8)
    assert best["baseline"] == {"trial": 0, "value": 0.7}
    assert best["majority"] == {"label": "bad", "value": 0.5}
    status = json.loads(tuner("status", "done", "--json").stdout)
    assert best["validation"]["interval"] == status["best"]["interval"]
    assert [group["parameters"] for group in best["groups"]][1] == ["classifier.weight"]


def test_the_model_is_read_anew_where_the_workers_copy_is_gone(
    tuner: Tuner, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tuner.worker.trainer_queries.query_model_description", lambda *_: MODEL)
    answer = tuner("export", "done", "-o", "best.json")
    save_model_description(Session(root / "done"), MODEL)
    assert (answer.code, answer.stdout) == (0, "")
    assert Path("best.json").read_text() == tuner("export", "done").stdout


def test_csv_to_a_file(tuner: Tuner) -> None:
    answer = tuner("export", "done", "--format", "csv", "-o", "trials.csv")
    assert (answer.code, answer.stdout) == (0, "")
    table = list(csv.DictReader(io.StringIO(Path("trials.csv").read_text())))
    assert len(table) == 4
    assert tuner("export", "done", "--format", "csv").stdout == Path("trials.csv").read_text()


def test_nothing_to_export_is_not_finished(tuner: Tuner) -> None:
    answer = tuner("export", "draft")
    assert (answer.code, answer.stderr.count("\n")) == (3, 1)


def test_toml_says_the_same_as_json(tuner: Tuner, root: Path) -> None:
    save_model_description(Session(root / "done"), MODEL)
    best = json.loads(tuner("export", "done").stdout)
    read = tomllib.loads(tuner("export", "done", "--format", "toml").stdout)
    assert read["params"] == best["params"]
    assert read["validation"]["confusion"] == best["validation"]["confusion"]
    assert "test" not in read, "nothing has no word in TOML"


def test_some_trials_alone(tuner: Tuner) -> None:
    document = json.loads(tuner("export", "done", "--trials", "1,0").stdout)
    assert [row["trial"] for row in document["trials"]] == [0, 1]
    lines = tuner("export", "done", "--format", "csv", "--trials", "best").stdout.splitlines()
    assert len(lines) == 2
    rows = tomllib.loads(tuner("export", "done", "--format", "toml", "--trials", "all").stdout)
    assert (
        len(rows["trials"])
        == len(tuner("export", "done", "--format", "csv").stdout.splitlines()) - 1
    )


def test_a_trial_that_there_is_not_is_refused(tuner: Tuner) -> None:
    answer = tuner("export", "done", "--trials", "0,99")
    assert answer.code == 2
    assert "no trial '99'" in answer.stderr
