"""The trainer: receives requests, trains, replies.

torch is imported only once `Setup` said how many threads there are: the libraries read that from
the environment when they are imported.
"""

from __future__ import annotations

import gc
import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from tuner.errors import TunerError
from tuner.pool.causes import DEVICE_LOST, EXCEPTION, NO_KERNELS
from tuner.pool.disk import NO_ROOM, describe_disk_problem
from tuner.pool.protocol import (
    Completed,
    Evaluated,
    Failed,
    Finish,
    Note,
    Pause,
    Paused,
    Probe,
    Prune,
    Refused,
    Reply,
    Request,
    Score,
    Setup,
    Stopped,
    Train,
)
from tuner.recipe.load import parse_recipe
from tuner.training.channel import Channel
from tuner.training.failure_causes import (
    KernelsMissing,
    device_is_lost,
    error_in_one_line,
    failure_cause,
    traceback_tail,
)
from tuner.training.hub import quiet_libraries
from tuner.training.skipped_imports import skip_unused_imports

if TYPE_CHECKING:
    from tuner.training.loop import Conversation, Decision
    from tuner.training.trainer_context import TrainerContext

CODE_DEVICE_LOST = 70
NO_TRIAL = -1


def serve_requests() -> int:
    """Answer requests on stdin until `Pause` or its end; return the exit code.

    0 after a pause, 2 after a refused setup, 70 where the device is unusable for this process.
    """
    os.umask(0o077)
    channel = Channel.over_standard_streams()
    # Ctrl-C in a terminal reaches the whole process group; the worker decides what to do about it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: channel.end_conversation())
    setup = channel.wait_for_request()
    if not isinstance(setup, Setup):
        return 0
    quiet_libraries(setup.threads)
    # Imports make much that stays and little that does not: the collector would look through all of
    # it again and again.
    gc.disable()
    context = _set_up_context(setup, channel)
    if context is None:
        return 2
    # What is here now stays to the end: no later collection has to look at it again.
    gc.collect()
    gc.freeze()
    gc.enable()
    return _answer_requests(context, channel)


def _set_up_context(setup: Setup, channel: Channel) -> TrainerContext | None:
    try:
        if not parse_recipe(setup.recipe, "recipe").model.trust_remote_code:
            skip_unused_imports()
        from tuner.training.trainer_context import TrainerContext

        context = TrainerContext(
            setup, lambda level, text: channel.send_message(Note(level=level, text=text))
        )
        ready = context.ready_message(_check_warnings(context) if setup.check else [])
    except Exception as error:  # noqa: BLE001 - whatever it is, the worker has to hear of it
        channel.send_message(_refused_message(error))
        return None
    channel.send_message(ready)
    return context


def _check_warnings(context: TrainerContext) -> list[str]:
    from tuner.training.recipe_check import warnings_at_start

    return warnings_at_start(context)


def _refused_message(error: Exception) -> Refused:
    if describe_disk_problem(error) is not None:
        return Refused(error=error_in_one_line(error), cause=NO_ROOM)
    if isinstance(error, TunerError):
        missing = isinstance(error, KernelsMissing)
        return Refused(error=str(error), cause=NO_KERNELS if missing else "")
    return Refused(error=error_in_one_line(error), lines=traceback_tail(error))


def _answer_requests(context: TrainerContext, channel: Channel) -> int:
    while True:
        request = channel.wait_for_request()
        if isinstance(request, Pause):
            channel.send_message(Paused(trial=None, step=0))
            return 0
        if isinstance(request, Score):
            channel.send_message(_score_or_refuse(context, request))
        elif isinstance(request, Probe):
            answer = _measure_or_pause(context, request, channel)
            channel.send_message(answer)
            if isinstance(answer, Paused):
                return 0
        elif isinstance(request, Train):
            last, lost = _train_and_report(context, request, channel)
            if lost:
                return CODE_DEVICE_LOST
            if isinstance(last, Paused):
                return 0


def _train_and_report(
    context: TrainerContext, request: Train, channel: Channel
) -> tuple[Reply, bool]:
    """Train to the end; return the last message, and whether the device is lost."""
    from tuner.training.loop import train_trial

    started = time.monotonic()
    try:
        return _exchange_messages(train_trial(context, request), request.trial, channel), False
    except Exception as error:  # noqa: BLE001 - a trial may fail in any way, the trainer goes on
        failed = Failed(
            trial=request.trial,
            cause=failure_cause(error),
            error=error_in_one_line(error),
            lines=traceback_tail(error) if failure_cause(error) in (EXCEPTION, DEVICE_LOST) else [],
            seconds=time.monotonic() - started,
        )
        lost = device_is_lost(error)
    # Outside of the handler, where the traceback no longer holds the trial's tensors.
    channel.send_message(failed)
    if not lost:
        context.release_memory()
    return failed, lost


def _exchange_messages(conversation: Conversation, trial: int, channel: Channel) -> Reply:
    """Carry messages out and decisions in; return the last message.

    Once that is sent, what comes in is the next request, not a decision any more.
    """
    decision: Decision = None
    while True:
        message = conversation.send(decision)
        if message is not None:
            channel.send_message(message)
        if isinstance(message, (Completed, Stopped, Paused)):
            for _ in conversation:
                raise AssertionError("a trial went on after its last message")
            return message
        if isinstance(message, Note):
            decision = None
            continue
        decision = _next_decision(channel, trial, wait=isinstance(message, Evaluated))


def _next_decision(channel: Channel, trial: int, wait: bool) -> Decision:
    """Return the next decision about this trial, dropping those about others: too late."""
    while True:
        request: Request | None = channel.wait_for_request() if wait else channel.poll_request()
        if request is None or isinstance(request, Pause):
            return request
        if isinstance(request, (Setup, Train, Probe, Score)):
            raise RuntimeError(f"a {type(request).__name__} came while trial {trial} was training")
        if request.trial == trial and (wait or isinstance(request, (Prune, Finish))):
            return request


def _measure_or_pause(context: TrainerContext, request: Probe, channel: Channel) -> Reply:
    """Measure; a failure ends the trainer, which the worker takes for "it does not fit"."""
    from tuner.training.probe import measure_throughput

    may_continue = partial(_no_decision_came, channel)
    return measure_throughput(context, request, may_continue) or Paused(trial=None, step=0)


def _no_decision_came(channel: Channel) -> bool:
    return _next_decision(channel, NO_TRIAL, wait=False) is None


def _score_or_refuse(context: TrainerContext, request: Score) -> Reply:
    from tuner.training.score import score_sealed_rows

    try:
        return score_sealed_rows(context, request.folder)
    except Exception as error:  # noqa: BLE001 - the worker has to hear of it
        return _refused_message(error)
