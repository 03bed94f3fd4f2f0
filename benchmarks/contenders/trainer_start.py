"""From the start of a process to the first training step of a Trainer script."""

from __future__ import annotations

import time
from typing import Any

import torch  # noqa: F401

IMPORTED = time.time()

from kit import child  # noqa: E402
from kit.work import Work  # noqa: E402


def main() -> None:
    """Note when torch was there, when the first step began, and when it had ended."""
    from transformers import TrainerCallback

    from contenders.hugging_face import Bundle

    class Moments(TrainerCallback):  # type: ignore[misc]
        begun = ended = 0.0

        def on_step_begin(self, *_: Any, **__: Any) -> None:
            self.begun = self.begun or time.time()

        def on_step_end(self, *_: Any, **__: Any) -> None:
            self.ended = self.ended or time.time()

    work, moments = Work.from_command_line(), Moments()
    bundle = Bundle(work)
    arguments = bundle.training_arguments(max_steps=1)
    bundle.make_trainer(arguments, bundle.train, bundle.load_model(), callbacks=[moments]).train()
    child.wait_for_start()
    seconds = {"imported": IMPORTED, "begun": moments.begun, "ended": moments.ended}
    child.send_answer({key: moment - work.started_at for key, moment in seconds.items()})


if __name__ == "__main__":
    main()
