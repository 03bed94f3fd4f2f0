"""Predictions and texts as they lie in a session's folder: whole, torn, missing, foreign."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.errors import TunerError
from tuner.session.events import Evaluated
from tuner.session.folder import Session
from tuner.session.predictions import (
    have_same_rows,
    misclassified_positions,
    read_kept_predictions,
    read_predictions,
)
from tuner.session.validation_texts import read_validation_texts
from tuner.session.view import TrialView

SHARES = [[0.9, 0.05, 0.05], [0.7, 0.2, 0.1], [0.1, 0.1, 0.8], [0.0, 0.1, 0.9], [0.6, 0.3, 0.1]]
ARRAYS = {
    "rows": np.array([2, 3, 5, 7, 11], np.int32),
    "gold": np.array([0, 1, 2, 1, 0], np.int32),
    "predicted": np.array([0, 0, 2, 2, 0], np.int32),
    "probabilities": np.array(SHARES, np.float16),
}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    """Make a folder with the predictions of one evaluation."""
    new_session = Session(tmp_path / "s")
    new_session.trial_folder(12).mkdir(parents=True)
    save(new_session, ARRAYS)
    return new_session


def save(session: Session, arrays: dict[str, Any]) -> None:
    np.savez_compressed(path_of(session), **arrays)


def path_of(session: Session) -> Path:
    return session.trial_folder(12) / "predictions-2.npz"


def test_what_was_written_is_read(session: Session) -> None:
    stored_predictions = read_predictions(session, 12, 2)
    assert list(stored_predictions.rows) == [2, 3, 5, 7, 11]
    assert list(stored_predictions.gold) == [0, 1, 2, 1, 0]
    assert list(stored_predictions.predicted) == [0, 0, 2, 2, 0]
    assert len(stored_predictions) == 5
    assert stored_predictions.label_probabilities(1) == pytest.approx(SHARES[1], abs=1e-3)
    assert stored_predictions.answer_probability(3) == pytest.approx(0.9, abs=1e-3)
    assert misclassified_positions(stored_predictions) == [3, 1]
    assert misclassified_positions(stored_predictions, gold=1, predicted=0) == [1]
    assert misclassified_positions(stored_predictions, gold=0) == []
    assert have_same_rows(stored_predictions, read_predictions(session, 12, 2))


def test_the_kept_evaluation_is_found_by_its_step(session: Session) -> None:
    evaluations = [
        Evaluated(
            trial=12, epoch=n + 1.0, share=(n + 1) / 4, step=10 * n + 10, of=40,
            metrics={}, confusion=[], gradient_norms={}, train_loss=0.0, seconds=0.0,
        )
        for n in range(4)
    ]  # fmt: skip
    trial = TrialView(12, evaluations=evaluations, kept_step=30)
    assert list(read_kept_predictions(session, trial).rows) == [2, 3, 5, 7, 11]
    with pytest.raises(TunerError, match=r"^trials/0012/predictions-3.npz is missing$"):
        read_kept_predictions(session, TrialView(12, evaluations=evaluations, kept_step=40))
    with pytest.raises(TunerError, match="no evaluation yet"):
        read_kept_predictions(session, TrialView(12))


def test_a_torn_file_is_one_line_at_every_length(session: Session) -> None:
    whole = path_of(session).read_bytes()
    for length in range(0, len(whole), 7):
        path_of(session).write_bytes(whole[:length])
        with pytest.raises(TunerError, match=r"^trials/0012/predictions-2.npz is damaged"):
            read_predictions(session, 12, 2)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_a_byte_changed_anywhere_is_noticed_or_does_not_matter(
    session: Session, data: st.DataObject
) -> None:
    save(session, ARRAYS)
    whole = bytearray(path_of(session).read_bytes())
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))
    path_of(session).write_bytes(whole)
    try:
        gold = list(read_predictions(session, 12, 2).gold)
    except TunerError:
        gold = []
    assert gold in ([], [0, 1, 2, 1, 0])


@pytest.mark.parametrize(
    "arrays",
    [
        {"rows": ARRAYS["rows"]},
        {**ARRAYS, "gold": np.arange(5, dtype=np.float64)},
        {**ARRAYS, "gold": np.arange(4, dtype=np.int32)},
        {**ARRAYS, "gold": np.array([0, 1, -1, 0, 0], np.int32)},
        {**ARRAYS, "gold": np.zeros((5, 1), np.int32)},
        {**ARRAYS, "probabilities": np.zeros((4, 2), np.float16)},
        {**ARRAYS, "probabilities": np.asfortranarray(np.zeros((5, 3), np.float16))},
        {**ARRAYS, "rows": np.array([{"a": 1}] * 5, dtype=object)},
    ],
)
def test_foreign_arrays_are_refused(session: Session, arrays: dict[str, Any]) -> None:
    save(session, arrays)
    with pytest.raises(TunerError, match="is damaged"):
        read_predictions(session, 12, 2)


def test_nothing_outside_of_the_folder_is_read(session: Session, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.npz"
    path_of(session).rename(elsewhere)
    path_of(session).symlink_to(elsewhere)
    with pytest.raises(TunerError, match="leads out"):
        read_predictions(session, 12, 2)
    path_of(session).unlink()
    os.mkfifo(path_of(session))
    with pytest.raises(TunerError, match="not a plain file"):
        read_predictions(session, 12, 2)
    outside = tmp_path / "outside"
    session.trial_folder(12).rename(outside)
    session.trial_folder(12).symlink_to(outside)
    elsewhere.rename(outside / "predictions-3.npz")
    with pytest.raises(TunerError, match="leads out"):
        read_predictions(session, 12, 3)


def test_what_is_no_file_of_texts_says_so_in_one_line(session: Session, tmp_path: Path) -> None:
    with pytest.raises(TunerError, match="started before tuner wrote"):
        read_validation_texts(session)
    with pytest.raises(TunerError, match="first start writes them"):
        read_validation_texts(Session(tmp_path / "draft"))
    session.cache_folder.mkdir()
    path = session.cache_folder / "validation.jsonl"
    for content in (b"", b"\xff\n", b"{}\n", b"[" * 100_000, b'{"columns":[],"labels":[],"rows":1'):
        path.write_bytes(content)
        with pytest.raises(TunerError, match="is damaged"):
            read_validation_texts(session)
    head = b'{"columns":["a"],"labels":["x"],"rows":1,"kept":1}\n'
    path.write_bytes(head + b'{"row":4,"texts":7}\n')
    assert read_validation_texts(session).find_row_text(4) is None
    path.write_bytes(head + b'{"row":4,"gold":0,"te')
    with pytest.raises(TunerError, match="is damaged"):
        read_validation_texts(session)
    path.write_bytes(head + b'{"row":4,"gold":0,"texts":["\\u001b[31m"]}\n')
    row_text = read_validation_texts(session).find_row_text(4)
    assert row_text is not None
    assert row_text.texts == ["\x1b[31m"]
