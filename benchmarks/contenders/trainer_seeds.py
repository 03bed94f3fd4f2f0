"""Final scores of Hugging Face's Trainer, one model a seed."""

from __future__ import annotations

import math

from contenders.hugging_face import Bundle, compute_accuracy
from kit import child
from kit.work import Work

_WARM_UP = 0.06


def main() -> None:
    """Train every seed to the end and evaluate once."""
    work = Work.from_command_line()
    bundle = Bundle(work)
    evaluation = bundle.encode_rows(work.validation)
    updates = work.epochs * math.ceil(len(bundle.train) / work.batch_size)
    child.wait_for_start()
    scores, losses = [], []
    for seed in work.seeds:
        trainer = bundle.make_trainer(
            bundle.training_arguments(seed=seed, warmup_steps=math.ceil(_WARM_UP * updates)),
            bundle.train,
            model_init=lambda: bundle.load_model(),
            eval_dataset=evaluation,
            compute_metrics=compute_accuracy,
        )
        trainer.train()
        metrics = trainer.evaluate()
        scores.append(metrics["eval_accuracy"])
        losses.append(metrics["eval_loss"])
    child.send_answer({"scores": scores, "losses": losses})


if __name__ == "__main__":
    main()
