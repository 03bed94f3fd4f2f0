"""The sealed test split, scored once. Nowhere else are its rows tokenized."""

from __future__ import annotations

import json
from pathlib import Path

from tuner.errors import TunerError
from tuner.pool.protocol import Scored
from tuner.training.batches import PaddedLayout
from tuner.training.bench import Bench
from tuner.training.evaluate import Scores, score
from tuner.training.files import replaced_file
from tuner.training.inputs import refuse_unembedded
from tuner.training.sealed import read_sealed, row_hashes
from tuner.training.tokens import tokenize

PREDICTIONS = "test_predictions.json"


def score_sealed(bench: Bench, folder: str) -> Scored:
    """Score the model in `folder` on the sealed rows; FOLDER/../test_predictions.json has them.

    Raises TunerError where nothing is sealed, or where the folder holds no model for these labels.
    """
    from transformers import AutoModelForSequenceClassification

    sealed = read_sealed(bench.recipe.data, bench.labels, bench.data)
    where = sealed.rows.source
    split, _ = tokenize(
        bench.tokenizer, sealed.rows.texts, sealed.classes, sealed.numbers, bench.max_length, where
    )
    refuse_unembedded(bench.inputs, split, bench.source, where)
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
    layout = PaddedLayout(split, bench.pad, bench.device, bench.padding.side)
    scores = score(model, layout, split, bench.labels, bench.device, bench.autocast)
    hashes = row_hashes(sealed.texts())
    _save(Path(folder).resolve().parent / PREDICTIONS, bench.labels, scores, hashes)
    return Scored(n=len(split), metrics=scores.metrics, confusion=scores.confusion)


def _save(path: Path, labels: list[str], scores: Scores, hashes: list[str]) -> None:
    """`hashes` let other sessions recognise rows that were opened here."""
    contents = {
        "labels": labels,
        "rows": scores.rows.tolist(),
        "texts": hashes,
        "gold": scores.gold.tolist(),
        "predicted": scores.predicted.tolist(),
        "probabilities": [[round(p, 6) for p in row] for row in scores.probabilities.tolist()],
    }
    with replaced_file(path) as temporary:
        temporary.write_text(json.dumps(contents), encoding="utf-8")
