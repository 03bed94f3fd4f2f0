"""What the trainer leaves of the validation rows can be read without the trainer's libraries."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import tuner.training.texts_for_display as texts_module
from tests.training.conftest import (
    ContextMaker,
    learnable_rows,
    request_of,
    run_through,
    write_jsonl,
)
from tuner.pool.protocol import Evaluated
from tuner.results.metrics import confusion_matrix
from tuner.session.folder import Session
from tuner.session.predictions import read_predictions
from tuner.session.validation_texts import read_validation_texts
from tuner.training.rows import Rows
from tuner.training.texts_for_display import LONGEST_TEXT, write_validation_texts


def test_predictions_and_texts_agree_with_the_evaluations(
    make_context: ContextMaker, tmp_path: Path
) -> None:
    rows = learnable_rows(30, 7)
    path = write_jsonl(tmp_path / "own.jsonl", rows)
    context = make_context(data={"validation": str(path), "holdout": 0.5, "split_seed": 3})
    messages = run_through(context, request_of(context))
    evaluations = [message for message in messages if isinstance(message, Evaluated)]
    assert evaluations
    session = Session(context.session)
    texts = read_validation_texts(session)
    assert list(texts.columns) == ["text"]
    assert list(texts.labels) == context.labels
    for number, message in enumerate(evaluations):
        row_predictions = read_predictions(session, message.trial, number)
        assert (
            confusion_matrix(row_predictions.gold, row_predictions.predicted, 2)
            == message.confusion
        )
        assert list(row_predictions.rows) == context.data.validation.rows.tolist()
        for position, row in enumerate(row_predictions.rows):
            text = texts.find_row_text(row)
            assert text is not None
            assert (text.gold, text.texts) == (row_predictions.gold[position], [rows[row]["text"]])
            assert sum(row_predictions.label_probabilities(position)) == pytest.approx(1, abs=2e-3)


def test_no_sealed_row_is_written_and_nobody_else_may_read(make_context: ContextMaker) -> None:
    context = make_context(data={"holdout": 0.5, "split_seed": 3})
    path = context.session / "cache" / "validation.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    written = [json.loads(line)["row"] for line in lines[1:]]
    assert written == context.data.validation.rows.tolist()
    assert len(written) == 15
    assert path.stat().st_mode & 0o777 == 0o600


def test_long_texts_are_cut_and_odd_ones_kept(tmp_path: Path) -> None:
    session = Session(tmp_path / "s")
    session.cache_folder.mkdir(parents=True)
    long = "x" * (LONGEST_TEXT + 1)
    columns = (["a", "\ud800b", "[red]c[/]", long], ["1", "2\n", "\x1b[31m", "4"])
    path = session.cache_folder / "validation.jsonl"
    _write(path, columns)
    validation_texts = read_validation_texts(session)
    assert (list(validation_texts.columns), list(validation_texts.labels)) == (
        ["premise", "1"],
        ["n", "y"],
    )
    assert (len(validation_texts), validation_texts.rows) == (3, 3)
    assert validation_texts.find_row_text(0) is None
    first, last = validation_texts.find_row_text(1), validation_texts.find_row_text(3)
    assert first is not None
    assert last is not None
    assert (first.gold, first.texts, first.cut) == (0, ["?b", "2\n"], [])
    assert (last.texts, last.cut) == ([long[:-1], "4"], [LONGEST_TEXT + 1, 0])


def test_only_so_much_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(tmp_path / "s")
    session.cache_folder.mkdir(parents=True)
    monkeypatch.setattr(texts_module, "MOST_BYTES", 100)
    columns = (["a"] * 4, ["b"] * 4)
    _write(session.cache_folder / "validation.jsonl", columns)
    validation_texts = read_validation_texts(session)
    assert (len(validation_texts), validation_texts.rows) == (2, 3)
    assert validation_texts.find_row_text(3) is None


def _write(path: Path, columns: tuple[list[str], list[str]]) -> None:
    rows = Rows("file", columns, [0, 0, 0, 0])
    write_validation_texts(
        path, rows, np.array([1, 0, 1, 0]), np.array([1, 2, 3]), ["premise", 1], ["n", "y"]
    )
