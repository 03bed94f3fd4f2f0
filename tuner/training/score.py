"""The sealed test split, scored once. Nowhere else are its rows tokenized."""

from __future__ import annotations

import json
from pathlib import Path

from tuner.errors import TunerError
from tuner.pool.protocol import Scored
from tuner.training.batches import PaddedLayout
from tuner.training.bench import Bench
from tuner.training.data import read_sealed
from tuner.training.evaluate import Scores, score
from tuner.training.files import replaced_file
from tuner.training.tokens import tokenize

PREDICTIONS = "test_predictions.json"


def score_sealed(bench: Bench, folder: str) -> Scored:
    """Score the model in `folder` on the sealed rows; FOLDER/../test_predictions.json has them.

    Raises TunerError where nothing is sealed, or where the folder holds no model for these labels.
    """
    from transformers import AutoModelForSequenceClassification

    rows, sealed, classes = read_sealed(bench.recipe, bench.labels)
    split, _ = tokenize(bench.tokenizer, rows.texts, classes, sealed, bench.max_length)
    if not (Path(folder) / "config.json").is_file():
        raise TunerError(f"{folder} holds no model to score")
    model = AutoModelForSequenceClassification.from_pretrained(
        folder,
        use_safetensors=True,
        trust_remote_code=bench.recipe.model.trust_remote_code,
    ).to(bench.device)
    names = [model.config.id2label[number] for number in range(model.config.num_labels)]
    if names != bench.labels:
        raise TunerError(f"{folder} was trained for other labels: {', '.join(names)}")
    layout = PaddedLayout(split, bench.pad, bench.device)
    scores = score(model, layout, split, bench.labels, bench.device, bench.autocast)
    _save(Path(folder).resolve().parent / PREDICTIONS, bench.labels, scores)
    return Scored(n=len(split), metrics=scores.metrics, confusion=scores.confusion)


def _save(path: Path, labels: list[str], scores: Scores) -> None:
    contents = {
        "labels": labels,
        "rows": scores.rows.tolist(),
        "gold": scores.gold.tolist(),
        "predicted": scores.predicted.tolist(),
        "probabilities": [[round(p, 6) for p in row] for row in scores.probabilities.tolist()],
    }
    with replaced_file(path) as temporary:
        temporary.write_text(json.dumps(contents), encoding="utf-8")
