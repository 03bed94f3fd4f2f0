"""The training loop: a generator of messages that receives decisions in return."""

from __future__ import annotations

import time
from collections.abc import Generator

from tuner.pool.protocol import (
    Completed,
    Finish,
    Go,
    Note,
    Pause,
    Paused,
    Prune,
    Reply,
    Started,
    Stopped,
    Train,
)
from tuner.training.trainer_context import TrainerContext
from tuner.training.trial import Clock, Trial

Decision = Go | Prune | Finish | Pause | None
Conversation = Generator[Reply | None, Decision, None]


def train_trial(
    context: TrainerContext, request: Train, clock: Clock = time.monotonic
) -> Conversation:
    """Train one trial, from its checkpoint if there is one.

    Yields messages, and None after a step about which there is nothing to say. An `Evaluated` is to
    be answered by Go, Prune, Finish or Pause; any other yield but a Note may be answered by the
    last three. The last message is Completed, Stopped or Paused. Closing the generator drops the
    trial without a trace. Raises what goes wrong (see `failure_cause`).
    """
    context.set_thread_count(request.threads)
    trial = Trial(context, request, clock)
    for text in trial.resume_from_checkpoint():
        yield Note(level="warning", text=f"trial {request.trial}: {text}")
    trial.apply_oom_retries()
    if not (yield from _train_to_the_end(trial)):
        return

    saved = trial.save_model_if_best()
    evaluation = trial.kept_evaluation()
    yield Completed(
        trial=request.trial,
        value=evaluation.metrics[request.metric],
        epoch=evaluation.epoch,
        step=evaluation.step,
        seconds=trial.seconds,
        memory=context.trial_peak_memory(),
        saved=saved,
    )


def _train_to_the_end(trial: Trial) -> Generator[Reply | None, Decision, bool]:
    """Train to the end of the schedule, or to `Finish`; return False where it ended otherwise."""
    finishes = False
    started = Started(trial=trial.request.trial, step=trial.step, of=trial.total_updates)
    # A resumed trial repeats its evaluations: the worker may have been killed before it logged the
    # last of them. It skips those that it knows, and decides again as it did.
    first: list[Reply] = [started, *trial.evaluations]
    for message in first:
        decision = yield message
        if (yield from _end_if_decided(trial, decision)):
            return False
        finishes = finishes or isinstance(decision, Finish)

    while trial.step < trial.total_updates:
        trial.train_one_update()
        if trial.data_order.evaluates_after(trial.step):
            decision = yield trial.evaluate_validation()
        elif trial.progress_is_due():
            decision = yield trial.progress_message()
        else:
            decision = yield None
        if (yield from _end_if_decided(trial, decision)):
            return False
        if finishes or isinstance(decision, Finish):
            break
        if trial.checkpoint_is_due():
            trial.write_checkpoint()

    if trial.is_step_evaluated():
        return True
    return not (yield from _end_if_decided(trial, (yield trial.evaluate_validation())))


def _end_if_decided(trial: Trial, decision: Decision) -> Generator[Reply | None, Decision, bool]:
    """Carry out a decision that ends the trial here; return whether it was one."""
    if isinstance(decision, Prune):
        yield Stopped(trial=trial.request.trial, seconds=trial.seconds)
        return True
    if isinstance(decision, Pause):
        trial.write_checkpoint()
        yield Paused(trial=trial.request.trial, step=trial.step)
        return True
    return False
