"""A search as users of Optuna and the Trainer write it; `how` is "fixed" or "search"."""

from __future__ import annotations

from kit import child
from kit.work import Work

child.wait_for_start()

import math  # noqa: E402
from typing import Any  # noqa: E402

import optuna  # noqa: E402
from transformers import TrainerCallback  # noqa: E402

from contenders.hugging_face import Bundle, compute_accuracy  # noqa: E402

_WARM_UP = 0.06


class Pruning(TrainerCallback):  # type: ignore[misc]
    """Reports every evaluation and ends the trial where the pruner says so."""

    def __init__(self, trial: optuna.Trial) -> None:
        self._trial = trial

    def on_evaluate(self, _args: Any, state: Any, _control: Any, metrics: Any, **_: Any) -> None:
        """Report the accuracy under the epoch's number."""
        self._trial.report(metrics["eval_accuracy"], round(state.epoch))
        if self._trial.should_prune():
            raise optuna.TrialPruned


def main() -> None:
    """Twelve rates from the benchmark, or a search over the range that they span."""
    work = Work.from_command_line()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    bundle = Bundle(work)
    evaluation = bundle.encode_rows(work.validation)
    updates = work.epochs * math.ceil(len(bundle.train) / work.batch_size)

    def objective(trial: optuna.Trial) -> float:
        rate = trial.suggest_float("learning_rate", min(work.rates), max(work.rates), log=True)
        arguments = bundle.training_arguments(
            learning_rate=rate,
            eval_strategy="epoch",
            warmup_steps=math.ceil(_WARM_UP * updates),
        )
        trainer = bundle.make_trainer(
            arguments,
            bundle.train,
            model_init=lambda: bundle.load_model(),
            eval_dataset=evaluation,
            compute_metrics=compute_accuracy,
            callbacks=[Pruning(trial)] if work.how == "search" else [],
        )
        trainer.train()
        accuracies = [x["eval_accuracy"] for x in trainer.state.log_history if "eval_accuracy" in x]
        return float(max(accuracies))

    study = optuna.create_study(
        storage=f"sqlite:///{work.scratch}/study.db", study_name="search", direction="maximize"
    )
    if work.how == "fixed":
        for rate in work.rates:
            study.enqueue_trial({"learning_rate": rate})
    study.optimize(objective, n_trials=len(work.rates))
    complete = study.get_trials(states=[optuna.trial.TrialState.COMPLETE])
    child.send_answer(
        {
            "scores": {str(t.params["learning_rate"]): t.value for t in complete},
            "ended_early": len(work.rates) - len(complete),
        }
    )


if __name__ == "__main__":
    main()
