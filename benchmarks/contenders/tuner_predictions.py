"""Predictions of tuner's trainer; `how` is "evaluation", as between epochs, or "test", from texts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from contenders.tuner_context import open_context, precision_in_use
from kit import child
from kit.passes import time_passes
from kit.work import Work


def main() -> None:
    """Predict all validation rows, again and again for some seconds."""
    work = Work.from_command_line()
    context = open_context(work)
    from contenders.stopwatch import peak_memory
    from tuner.training.batches import PaddedLayout
    from tuner.training.evaluate import score_split
    from tuner.training.tokens import tokenize_rows

    def evaluate_split() -> None:
        split, layout = context.data.validation, context.validation_layout
        score_split(
            context.model, layout, split, context.labels, context.device, context.autocast_context
        )

    def test_texts() -> None:
        split, _ = tokenize_rows(
            context.tokenizer, texts, classes, numbers, context.max_length, "the benchmark"
        )
        layout = PaddedLayout(split, context.pad_token_id, context.device, context.padding.side)
        score_split(
            model, layout, split, context.labels, context.device, context.autocast_context
        )

    predict: Callable[[], None] = evaluate_split
    if work.how == "test":
        from transformers import AutoModelForSequenceClassification

        place = Path(work.scratch) / "model"
        context.save_pretrained(place)
        model = AutoModelForSequenceClassification.from_pretrained(place)
        rows = read_validation_texts(work)
        texts, classes, numbers = rows
        predict = test_texts
    predict()
    child.wait_for_start()
    rate = time_passes(predict, len(context.data.validation))
    child.send_answer(
        {
            "rates": {"": rate},
            "memory": peak_memory(cuda=work.device == "cuda"),
            "precision": precision_in_use(context),
        }
    )
