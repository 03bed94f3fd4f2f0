"""Predictions as transformers' users make them; `how` is "pipeline" or "Trainer"."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from transformers import pipeline

from contenders.hugging_face import Bundle
from contenders.stopwatch import peak_memory
from kit import child
from kit.passes import time_passes
from kit.work import Work, read_rows

_BATCH_SIZES = (1, 8, 32, 128)
_WARM_UP_ROWS = 32
_TYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


def main() -> None:
    """Answer the rate of every batch size."""
    work = Work.from_command_line()
    bundle = Bundle(work)
    make_call = make_trainer_call if work.how == "Trainer" else make_pipeline_call
    calls = {size: make_call(bundle, size) for size in _BATCH_SIZES}
    calls[_BATCH_SIZES[-1]](_WARM_UP_ROWS)
    child.wait_for_start()
    count = len(read_rows(work.validation))
    rates = {str(size): time_passes(partial(call, count), count) for size, call in calls.items()}
    child.send_answer({"rates": rates, "memory": peak_memory(cuda=work.device == "cuda")})


def make_pipeline_call(bundle: Bundle, batch_size: int) -> Callable[[int], Any]:
    """Return pipeline("text-classification"), from so many texts to labels."""
    work = bundle.work
    model = bundle.load_model().to(_TYPES[work.precision]).eval()
    device = 0 if work.device == "cuda" else -1
    classifier = pipeline(
        "text-classification", model=model, tokenizer=bundle.tokenizer, device=device
    )
    texts = [
        {"text": row["text"], "text_pair": row["second"]} if work.pair else row["text"]
        for row in read_rows(work.validation)
    ]

    def predict_rows(count: int) -> Any:
        return classifier(
            texts[:count], batch_size=batch_size, truncation=True, max_length=work.max_length
        )

    return predict_rows


def make_trainer_call(bundle: Bundle, batch_size: int) -> Callable[[int], Any]:
    """Return Trainer.predict on so many rows that are tokenized already."""
    rows = bundle.encode_rows(bundle.work.validation)
    arguments = bundle.training_arguments(
        per_device_eval_batch_size=batch_size, bf16_full_eval=bundle.work.precision == "bf16"
    )
    trainer = bundle.make_trainer(arguments, rows[:1], bundle.load_model())
    return lambda count: trainer.predict(rows[:count])


if __name__ == "__main__":
    main()
