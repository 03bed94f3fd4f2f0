"""In the place of a worker: holds a session's lock and writes the log of a trial that runs.

python -m contenders.talking_worker FOLDER: two steps a second, an evaluation every five seconds.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from tuner.recipe.load import recipe_to_dict
from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.lock import WorkerLock
from tuner.session.writer import EventWriter

STEPS_A_SECOND = 2
STEPS_AN_EVALUATION = 10
STEPS = 100_000


def main() -> None:
    """Until it is killed."""
    session = Session(Path(sys.argv[1]))
    view = load_session_view(session)
    trial = max(view.trials, default=-1) + 1
    labels = max(len(view.labels), 2)
    lock = WorkerLock(session.lock_path)
    if not lock.try_acquire():
        sys.exit("somebody else holds the lock")
    with EventWriter(session.events_path) as log:
        versions = {"torch": "none"}
        log.append_event(
            e.WorkerStarted(pid=os.getpid(), host="here", versions=versions, devices=["cpu"])
        )
        log.append_event(
            e.SessionStarted(
                trials=view.planned or trial + 1,
                metric=view.metric,
                direction=view.direction,
                resumed=True,
                recipe=recipe_to_dict(view.require_recipe()),
            )
        )
        params = dict(next(iter(view.trials.values())).params) if view.trials else {}
        log.append_event(
            e.TrialStarted(trial=trial, generation=0, params=params, seed=4, device="cpu")
        )
        for step in range(1, STEPS):
            write_step_events(log, trial, step, labels)
            time.sleep(1 / STEPS_A_SECOND)


def write_step_events(log: EventWriter, trial: int, step: int, labels: int) -> None:
    """Log what a worker logs after a step."""
    loss = 0.7 / (1 + step / 50)
    rates = {"embeddings": 1e-6, "head": 1e-3}
    log.append_event(
        e.Step(
            trial=trial,
            step=step,
            of=STEPS,
            loss=loss,
            learning_rates=rates,
            examples_per_second=400.0,
            memory=5 << 30,
        )
    )
    if step % STEPS_AN_EVALUATION == 0:
        right = 80 + step // STEPS_AN_EVALUATION % 20
        matrix = [[100 - right] * labels for _ in range(labels)]
        for row in range(labels):
            matrix[row][row] = right
        log.append_event(
            e.Evaluated(
                trial=trial,
                epoch=step / STEPS_AN_EVALUATION,
                share=step / STEPS,
                step=step,
                of=STEPS,
                metrics={"accuracy": right / 100, "loss": loss},
                confusion=matrix,
                gradient_norms={"embeddings": 0.1, "head": 1.0},
                train_loss=loss,
            )
        )


if __name__ == "__main__":
    main()
