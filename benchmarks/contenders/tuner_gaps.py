"""Time between two trials of tuner's trainer, from its own training loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from contenders.tuner_bench import opened, request
from kit import child
from kit.gaps import Ledger
from kit.work import Work
from tuner.pool.protocol import Evaluated, Go


def main() -> None:
    """Train one trial a seed, and time what lies between them."""
    work = Work.asked()
    context = opened(work)
    from tuner.training.loop import train_trial
    from tuner.training.trial import Trial

    ledger = Ledger()
    wrap_method(Trial, "update", ledger.step)
    wrap_method(Trial, "evaluate", ledger.part("evaluation"))
    wrap_method(Trial, "save_model", ledger.part("save"))
    child.wait_for_start()
    for number, seed in enumerate(work.seeds):
        ledger.begin()
        conversation = train_trial(context, request(context, number, seed=seed))
        decision: Any = None
        while True:
            try:
                message = conversation.send(decision)
            except StopIteration:
                break
            decision = Go(trial=number) if isinstance(message, Evaluated) else None
    size = sum(path.stat().st_size for path in Path(work.scratch).rglob("model.safetensors"))
    child.answer({"gaps": ledger.gaps, "parts": ledger.parts, "saved_bytes": size})


def wrap_method(owner: Any, name: str, around: Callable[[Callable[[], Any]], Any]) -> None:
    """Let `around` call a method without arguments from now on."""
    original = getattr(owner, name)

    def call_wrapped(self: Any) -> Any:
        return around(lambda: original(self))

    setattr(owner, name, call_wrapped)


if __name__ == "__main__":
    main()
