"""The sealed test split, scored once. Nowhere else are its rows tokenized."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from torch import nn

from tuner.errors import TunerError
from tuner.pool.protocol import Scored
from tuner.training.batches import Layout, PaddedLayout
from tuner.training.evaluate import Scores, score_split
from tuner.training.files import atomic_file_write
from tuner.training.inputs import refuse_unembedded_tokens
from tuner.training.layouts import packed_like_proven
from tuner.training.sealed import hash_row_texts, read_sealed_rows
from tuner.training.tokens import TokenizedSplit, tokenize_rows
from tuner.training.trainer_context import TrainerContext

PREDICTIONS = "test_predictions.json"


def score_sealed_rows(context: TrainerContext, folder: str) -> Scored:
    """Score the model in `folder` on the sealed rows; write FOLDER/../test_predictions.json.

    Raises TunerError where nothing is sealed, or where the folder holds no model for these labels.
    """
    from transformers import AutoModelForSequenceClassification

    sealed = read_sealed_rows(context.recipe.data, context.labels, context.data)
    where = sealed.rows.source
    split, _ = tokenize_rows(
        context.tokenizer,
        sealed.rows.texts,
        sealed.classes,
        sealed.numbers,
        context.max_length,
        where,
    )
    refuse_unembedded_tokens(context.inputs, split, context.source, where)
    if not (Path(folder) / "config.json").is_file():
        raise TunerError(f"{folder} holds no model to score")
    model = AutoModelForSequenceClassification.from_pretrained(
        folder,
        use_safetensors=True,
        trust_remote_code=context.recipe.model.trust_remote_code,
    ).to(context.device)
    names = [model.config.id2label[number] for number in range(model.config.num_labels)]
    if names != context.labels:
        raise TunerError(f"{folder} was trained for other labels: {', '.join(names)}")
    layout = layout_like_trials(context, model)(split)
    scores = score_split(
        model, layout, split, context.labels, context.device, context.autocast_context
    )
    hashes = hash_row_texts(sealed.texts_by_row())
    _save_test_predictions(
        Path(folder).resolve().parent / PREDICTIONS, context.labels, scores, hashes
    )
    return Scored(n=len(split), metrics=scores.metrics, confusion=scores.confusion)


def layout_like_trials(
    context: TrainerContext, model: nn.Module
) -> Callable[[TokenizedSplit], Layout]:
    """Return what lays rows out for a saved model as for its trial: packed where that is proven."""
    if context.packing is not None:
        return packed_like_proven(model, context.packing, context.kernels)
    pad, side = context.pad_token_id, context.padding.side
    return lambda split: PaddedLayout(split, pad, context.device, side)


def _save_test_predictions(
    path: Path, labels: list[str], scores: Scores, hashes: list[str]
) -> None:
    """Write the predictions; `hashes` let other sessions recognise rows that were opened here."""
    contents = {
        "labels": labels,
        "rows": scores.rows.tolist(),
        "texts": hashes,
        "gold": scores.gold.tolist(),
        "predicted": scores.predicted_classes.tolist(),
        "probabilities": [[round(p, 6) for p in row] for row in scores.probabilities.tolist()],
    }
    with atomic_file_write(path) as temporary:
        temporary.write_text(json.dumps(contents), encoding="utf-8")
