"""Time between two trials of tuner's trainer, from its own training loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from contenders.tuner_context import open_context, train_request
from kit import child
from kit.gaps import Ledger
from kit.work import Work
from tuner.pool.protocol import Evaluated, Go


def main() -> None:
    """Train one trial a seed, and time what lies between them."""
    work = Work.from_command_line()
    context = open_context(work)
    from tuner.training.loop import train_trial
    from tuner.training.trial import Trial

    ledger = Ledger()
    wrap_method(Trial, "train_one_update", ledger.run_step)
    wrap_method(Trial, "evaluate_validation", ledger.time_part("evaluation"))
    wrap_method(Trial, "save_model_if_best", ledger.time_part("save"))
    child.wait_for_start()
    for number, seed in enumerate(work.seeds):
        ledger.begin_trial()
        conversation = train_trial(context, train_request(context, number, seed=seed))
        decision: Any = None
        while True:
            try:
                message = conversation.send(decision)
            except StopIteration:
                break
            decision = Go(trial=number) if isinstance(message, Evaluated) else None
    size = sum(path.stat().st_size for path in Path(work.scratch).rglob("model.safetensors"))
    child.send_answer({"gaps": ledger.gaps, "parts": ledger.parts, "saved_bytes": size})


def wrap_method(owner: Any, name: str, around: Callable[[Callable[[], Any]], Any]) -> None:
    """Let `around` call a method without arguments from now on."""
    original = getattr(owner, name)

    def call_wrapped(self: Any) -> Any:
        return around(lambda: original(self))

    setattr(owner, name, call_wrapped)


if __name__ == "__main__":
    main()
