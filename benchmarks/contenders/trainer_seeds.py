"""Trials of Hugging Face's Trainer, each from its first step to its last; one answer a trial."""

from __future__ import annotations

import math
import time
from typing import Any

from contenders.hugging_face import Bundle, compute_accuracy
from kit import child
from kit.work import Work

_WARM_UP = 0.06


def main() -> None:
    """Train every trial to the end and evaluate once."""
    work = Work.from_command_line()
    bundle = Bundle(work)
    evaluation = bundle.encode_rows(work.validation)
    updates = work.epochs * math.ceil(len(bundle.train) / work.batch_size)
    for rate, seed in work.trials:
        if not child.wait_for_start():
            return
        started = time.monotonic()
        trainer = bundle.make_trainer(
            bundle.training_arguments(
                seed=seed, learning_rate=rate, warmup_steps=math.ceil(_WARM_UP * updates)
            ),
            bundle.train,
            model_init=lambda: bundle.load_model(),
            eval_dataset=evaluation,
            compute_metrics=compute_accuracy_and_labels,
        )
        trainer.train()
        metrics = trainer.evaluate()
        child.send_answer(
            {
                "score": metrics["eval_accuracy"],
                "loss": metrics["eval_loss"],
                "predicted_labels": metrics["eval_predicted_labels"],
                "seconds": time.monotonic() - started,
            }
        )


def compute_accuracy_and_labels(predicted: Any) -> dict[str, float]:
    """Return the accuracy, and how many labels are predicted at all."""
    labels = set(predicted.predictions.argmax(-1).tolist())
    return {**compute_accuracy(predicted), "predicted_labels": len(labels)}


if __name__ == "__main__":
    main()
