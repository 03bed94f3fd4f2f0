"""Predictions of tuner's trainer; `how` is "evaluation" (from tokens) or "test" (from texts)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from contenders.tuner_context import open_context
from kit import child
from kit.passes import time_passes
from kit.work import Work, read_rows

if TYPE_CHECKING:
    from tuner.training.trainer_context import TrainerContext


def main() -> None:
    """Predict all validation rows once, then again and again for some seconds."""
    work = Work.from_command_line()
    context = open_context(work)
    from contenders.stopwatch import peak_memory

    predictions = TestOfTexts(context, work) if work.how == "test" else Evaluation(context)
    predictions.predict_rows()
    child.wait_for_start()
    rate = time_passes(predictions.predict_rows, len(context.data.validation))
    child.send_answer(
        {
            "rates": {"": rate},
            "memory": peak_memory(cuda=work.device == "cuda"),
            "precision": context.kernels.precision,
        }
    )


class Evaluation:
    """The validation rows, tokenized long before, through the model that trains."""

    def __init__(self, context: TrainerContext) -> None:
        self._context = context

    def predict_rows(self) -> None:
        """Score the split as a trial does."""
        context = self._context
        score(context, context.model, context.validation_layout, context.data.validation)


class TestOfTexts:
    """The same rows as texts, through a saved model, as `tuner test` has them."""

    def __init__(self, context: TrainerContext, work: Work) -> None:
        from transformers import AutoModelForSequenceClassification

        from tuner.training.score import layout_like_trials

        self._context = context
        place = Path(work.scratch) / "model"
        context.save_pretrained(place)
        self._model = AutoModelForSequenceClassification.from_pretrained(place)
        self._model.to(context.device)
        self._lay_out = layout_like_trials(context, self._model)
        rows = read_rows(work.validation)
        self._texts = [[row[name] for row in rows] for name in ("text", "second")[: 1 + work.pair]]
        self._classes = np.array([context.labels.index(row["label"]) for row in rows])

    def predict_rows(self) -> None:
        """Tokenize and score."""
        from tuner.training.tokens import tokenize_rows

        context, numbers = self._context, np.arange(len(self._classes))
        split, _ = tokenize_rows(
            context.tokenizer, self._texts, self._classes, numbers, context.max_length
        )
        score(context, self._model, self._lay_out(split), split)


def score(context: TrainerContext, model: Any, layout: Any, split: Any) -> None:
    """Predict a split with the context's kernels."""
    from tuner.training.evaluate import score_split

    score_split(model, layout, split, context.labels, context.device, context.autocast_context)


if __name__ == "__main__":
    main()
