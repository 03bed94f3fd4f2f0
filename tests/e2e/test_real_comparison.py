"""A real study whose predictions and texts are read by what compares trials."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.e2e.test_real_study import make, tuner
from tuner.demo import demo_data_folder
from tuner.session.comparison import PredictionCache, candidates_of_session
from tuner.session.fold import load_session_view
from tuner.session.validation_texts import read_validation_texts

pytestmark = pytest.mark.e2e


def test_a_real_study_can_be_compared_row_by_row(tmp_path: Path) -> None:
    session = make(tmp_path, "real")
    tuner(tmp_path, "set", "real", "search.trials=2")
    tuner(tmp_path, "run", "real")
    view = load_session_view(session)
    candidates = candidates_of_session(session, view, [0, 1])
    pair = PredictionCache().pair_predictions(*candidates)
    for candidate, predictions in zip(candidates, (pair.first, pair.second), strict=True):
        evaluation = candidate.counted_evaluation
        assert evaluation is not None
        right = sum(map(int.__eq__, predictions.gold, predictions.predicted))
        assert right == sum(
            row[label_number] for label_number, row in enumerate(evaluation.confusion)
        )

    source = (demo_data_folder() / "validation.jsonl").read_text(encoding="utf-8").splitlines()
    texts = read_validation_texts(session)
    assert list(texts.labels) == view.labels
    for position, row in enumerate(pair.first.rows):
        row_text, source_row = texts.find_row_text(row), json.loads(source[row])
        assert row_text is not None
        assert row_text.texts == [source_row["text"][:2000]]
        assert view.labels[pair.first.gold[position]] == str(source_row["label"])

    comparison = json.loads(tuner(tmp_path, "compare", "real", "0", "1", "--json"))
    assert comparison["pairs"][0]["rows"] == view.rows["validation"] == len(source)
    assert comparison["pairs"][0]["p"] == pair.flips.mcnemar_p_value
