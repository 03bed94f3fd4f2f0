"""Final scores of tuner's trainer, one trial a seed."""

from __future__ import annotations

from typing import Any

from contenders.tuner_bench import opened, request
from kit import child
from kit.work import Work
from tuner.pool.protocol import Completed, Evaluated, Go


def main() -> None:
    """Train every seed to the end; the last evaluation counts."""
    work = Work.asked()
    context = opened(work, keep="last")
    from tuner.training.loop import train_trial

    child.wait_for_start()
    scores, losses = [], []
    for number, seed in enumerate(work.seeds):
        conversation = train_trial(context, request(context, number, seed=seed))
        decision: Any = None
        while not isinstance(message := conversation.send(decision), Completed):
            decision = Go(trial=number) if isinstance(message, Evaluated) else None
            if isinstance(message, Evaluated):
                loss = message.metrics["loss"]
        scores.append(message.value)
        losses.append(loss)
    child.answer({"scores": scores, "losses": losses})


if __name__ == "__main__":
    main()
