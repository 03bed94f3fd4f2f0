"""Time between two trials with Hugging Face; `how` is "search" or "recreated"."""

from __future__ import annotations

from typing import Any

import optuna
from transformers import Trainer, TrainerCallback

from contenders.hugging_face import Bundle, compute_accuracy
from kit import child
from kit.gaps import Ledger
from kit.work import Work


class Books(TrainerCallback):  # type: ignore[misc]
    """Tells the ledger of every step."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        self._ledger.step_begins()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self._ledger.step_ended()


def main() -> None:
    """One trial a seed, each with a model of its own through model_init."""
    work = Work.from_command_line()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    bundle, ledger = Bundle(work), Ledger()
    evaluation = bundle.encode_rows(work.validation)
    evaluate = Trainer.evaluate

    def timed_evaluate(self: Any, *words: Any, **named: Any) -> Any:
        return ledger.time_part("evaluation")(lambda: evaluate(self, *words, **named))

    Trainer.evaluate = timed_evaluate

    def make_trainer(seed: int) -> Any:
        return bundle.make_trainer(
            bundle.training_arguments(eval_strategy="epoch", seed=seed),
            bundle.train,
            model_init=begin_model,
            eval_dataset=evaluation,
            compute_metrics=compute_accuracy,
            callbacks=[Books(ledger)],
        )

    def begin_model(*_: Any) -> Any:
        ledger.begin_trial()
        return bundle.load_model()

    child.wait_for_start()
    if work.how == "search":
        make_trainer(0).hyperparameter_search(
            hp_space=lambda trial: {"seed": trial.suggest_categorical("seed", work.seeds)},
            backend="optuna",
            n_trials=len(work.seeds),
            direction="maximize",
        )
    else:
        for seed in work.seeds:
            make_trainer(seed).train()
    child.send_answer({"gaps": ledger.gaps, "parts": ledger.parts, "saved_bytes": 0})


if __name__ == "__main__":
    main()
