"""Final scores of tuner's trainer, one trial a seed."""

from __future__ import annotations

from typing import Any

from contenders.tuner_context import open_context, train_request
from kit import child
from kit.work import Work
from tuner.pool.protocol import Completed, Evaluated, Go


def main() -> None:
    """Train every seed to the end; the last evaluation counts."""
    work = Work.from_command_line()
    context = open_context(work, keep="last")
    from tuner.training.loop import train_trial

    child.wait_for_start()
    scores, losses = [], []
    for number, seed in enumerate(work.seeds):
        conversation = train_trial(context, train_request(context, number, seed=seed))
        decision: Any = None
        while not isinstance(message := conversation.send(decision), Completed):
            decision = Go(trial=number) if isinstance(message, Evaluated) else None
            if isinstance(message, Evaluated):
                loss = message.metrics["loss"]
        scores.append(message.value)
        losses.append(loss)
    child.send_answer({"scores": scores, "losses": losses})


if __name__ == "__main__":
    main()
