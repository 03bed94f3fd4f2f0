"""The trainer: hears requests, trains, answers. torch is imported once `Setup` told the threads."""

from __future__ import annotations

import gc
import os
import signal
import time
from functools import partial
from typing import TYPE_CHECKING

from tuner.errors import TunerError
from tuner.pool.disk import NO_ROOM, disk_trouble
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
from tuner.training.channel import Channel
from tuner.training.errors import (
    DEVICE_LOST,
    EXCEPTION,
    cause_of,
    device_is_lost,
    first_line,
    last_lines,
)
from tuner.training.hub import quiet_libraries

if TYPE_CHECKING:
    from tuner.training.bench import Bench
    from tuner.training.loop import Conversation, Decision

CODE_DEVICE_LOST = 70
NO_TRIAL = -1


def serve() -> int:
    """Answer requests on stdin until `Pause` or its end; returns the exit code.

    0 after a pause, 2 after a refused setup, 70 where the device is unusable for this process.
    """
    os.umask(0o077)
    channel = Channel.over_standard_streams()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _signal, _frame: channel.end())
    setup = channel.wait()
    if not isinstance(setup, Setup):
        return 0
    quiet_libraries(setup.threads)
    bench = _set_up(setup, channel)
    return 2 if bench is None else _answer_all(bench, channel)


def _set_up(setup: Setup, channel: Channel) -> Bench | None:
    try:
        from tuner.training.bench import Bench

        bench = Bench(setup, lambda level, text: channel.send(Note(level=level, text=text)))
        ready = bench.ready(_check_warnings(bench) if setup.check else [])
    except Exception as error:  # noqa: BLE001 - whatever it is, the worker has to hear of it
        channel.send(_refused(error))
        return None
    # What is here now stays to the end: no later collection has to look at it again.
    gc.collect()
    gc.freeze()
    channel.send(ready)
    return bench


def _check_warnings(bench: Bench) -> list[str]:
    from tuner.training.check import warnings_at_start

    return warnings_at_start(bench)


def _refused(error: Exception) -> Refused:
    if disk_trouble(error) is not None:
        return Refused(error=first_line(error), cause=NO_ROOM)
    if isinstance(error, TunerError):
        return Refused(error=str(error))
    return Refused(error=first_line(error), lines=last_lines(error))


def _answer_all(bench: Bench, channel: Channel) -> int:
    while True:
        request = channel.wait()
        if isinstance(request, Pause):
            channel.send(Paused(trial=None, step=0))
            return 0
        if isinstance(request, Score):
            channel.send(_scored(bench, request))
        elif isinstance(request, Probe):
            answer = _probed(bench, request, channel)
            channel.send(answer)
            if isinstance(answer, Paused):
                return 0
        elif isinstance(request, Train):
            last, lost = _train(bench, request, channel)
            if lost:
                return CODE_DEVICE_LOST
            if isinstance(last, Paused):
                return 0


def _train(bench: Bench, request: Train, channel: Channel) -> tuple[Reply, bool]:
    """Train to the end; returns the last message, and whether the device is lost."""
    from tuner.training.loop import train

    started = time.monotonic()
    try:
        return _converse(train(bench, request), request.trial, channel), False
    except Exception as error:  # noqa: BLE001 - a trial may fail in any way, the trainer goes on
        failed = Failed(
            trial=request.trial,
            cause=cause_of(error),
            error=first_line(error),
            lines=last_lines(error) if cause_of(error) in (EXCEPTION, DEVICE_LOST) else [],
            seconds=time.monotonic() - started,
        )
        lost = device_is_lost(error)
    # Outside of the handler, where the traceback no longer holds the trial's tensors.
    channel.send(failed)
    if not lost:
        bench.release()
    return failed, lost


def _converse(conversation: Conversation, trial: int, channel: Channel) -> Reply:
    """Carry messages out and decisions in; returns the last message.

    Once that is out, what comes in is no decision any more but the next request.
    """
    decision: Decision = None
    while True:
        message = conversation.send(decision)
        if message is not None:
            channel.send(message)
        if isinstance(message, (Completed, Stopped, Paused)):
            for _ in conversation:
                raise AssertionError("a trial went on after its last message")
            return message
        if isinstance(message, Note):
            decision = None
            continue
        decision = _decision(channel, trial, wait=isinstance(message, Evaluated))


def _decision(channel: Channel, trial: int, wait: bool) -> Decision:
    """The next decision about this trial; those about others came too late and are dropped."""
    while True:
        request: Request | None = channel.wait() if wait else channel.poll()
        if request is None or isinstance(request, Pause):
            return request
        if isinstance(request, (Setup, Train, Probe, Score)):
            raise RuntimeError(f"a {type(request).__name__} came while trial {trial} was training")
        if request.trial == trial and (wait or isinstance(request, (Prune, Finish))):
            return request


def _probed(bench: Bench, request: Probe, channel: Channel) -> Reply:
    """Measure; what goes wrong ends the trainer, and the worker takes that for an answer."""
    from tuner.training.probe import probe

    go_on = partial(_nothing_came, channel)
    return probe(bench, request, go_on) or Paused(trial=None, step=0)


def _nothing_came(channel: Channel) -> bool:
    return _decision(channel, NO_TRIAL, wait=False) is None


def _scored(bench: Bench, request: Score) -> Reply:
    from tuner.training.score import score_sealed

    try:
        return score_sealed(bench, request.folder)
    except Exception as error:  # noqa: BLE001 - the worker has to hear of it
        return _refused(error)
