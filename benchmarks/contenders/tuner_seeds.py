"""Trials of tuner's trainer, each from its first step to its last; one answer a trial."""

from __future__ import annotations

from typing import Any

from contenders.tuner_context import open_context, train_request
from kit import child
from kit.work import Work
from tuner.pool.protocol import Completed, Evaluated, Go


def main() -> None:
    """Train every trial to the end; the last evaluation counts."""
    work = Work.from_command_line()
    context = open_context(work, keep="last", evaluations_per_epoch=work.evaluations)
    from tuner.training.loop import train_trial

    for number, (rate, seed) in enumerate(work.trials):
        if not child.wait_for_start():
            return
        request = train_request(context, number, seed=seed, **{"lr.all": rate})
        conversation = train_trial(context, request)
        decision: Go | None = None
        evaluations: list[Evaluated] = []
        while not isinstance(message := conversation.send(decision), Completed):
            decision = None
            if isinstance(message, Evaluated):
                decision = Go(trial=number)
                evaluations.append(message)
        child.send_answer(final_answer(evaluations, message.seconds))


def final_answer(evaluations: list[Evaluated], seconds: float) -> dict[str, Any]:
    """Return the last score and loss, and of each evaluation what decisions are made by."""
    last = evaluations[-1].metrics
    return {
        "score": last["accuracy"],
        "loss": last["loss"],
        "seconds": seconds,
        "evaluations": [
            {
                "share": evaluation.share,
                "score": evaluation.metrics["accuracy"],
                "confusion": evaluation.confusion,
                "train_loss": evaluation.train_loss,
                "updates": evaluation.updates,
                "guess_loss": evaluation.guess_loss,
                "loss_spread": evaluation.loss_spread,
                "row_information": evaluation.row_information,
            }
            for evaluation in evaluations
        ],
    }


if __name__ == "__main__":
    main()
