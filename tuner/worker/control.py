"""Asking a session's worker for something, and waiting until the fact is in the log."""

from __future__ import annotations

import time
from collections.abc import Mapping

from tuner.errors import StudyFailed, TunerError
from tuner.recipe.types import Scalar
from tuner.results.format import format_duration_in_words
from tuner.session import events as e
from tuner.session.commands import Command, Drain, Enqueue, Pause, Prune, Stop
from tuner.session.folder import Session
from tuner.session.inbox import send_command
from tuner.session.lock import lock_holder_pid
from tuner.session.suggested_command import command_line
from tuner.session.tail import EventTail
from tuner.session.worker_log import summarize_log_end

PAUSE_PATIENCE = 60.0
ANSWER_PATIENCE = 30.0
_TICK = 0.05


def pause_session(session: Session, timeout: float | None = PAUSE_PATIENCE) -> None:
    """Checkpoint running trials and end the worker."""
    _send_and_await_answer(session, Pause(), timeout)
    wait_for_worker_end(session)


def drain_session(session: Session, timeout: float | None = None) -> None:
    """Let running trials finish, however long they take, then end the worker."""
    _send_and_await_answer(session, Drain(), timeout)
    wait_for_worker_end(session)


def stop_session(session: Session, timeout: float | None = PAUSE_PATIENCE) -> None:
    """Give up running trials and end the study."""
    _send_and_await_answer(session, Stop(), timeout)
    wait_for_worker_end(session)


def prune_trial(session: Session, trial: int, timeout: float | None = ANSWER_PATIENCE) -> str:
    """End a running trial as pruned; return the worker's answer."""
    return _send_and_await_answer(session, Prune(trial=trial), timeout)


def enqueue_trial(
    session: Session,
    params: Mapping[str, Scalar],
    timeout: float | None = ANSWER_PATIENCE,
    *,
    rerun_of: int | None = None,
    copy_of: int | None = None,
) -> str:
    """Enqueue a trial with these flat values to run next; return the worker's answer."""
    command = Enqueue(params=dict(params), rerun_of=rerun_of, copy_of=copy_of)
    return _send_and_await_answer(session, command, timeout)


def _send_and_await_answer(session: Session, command: Command, timeout: float | None) -> str:
    """Send the command and wait for its answer.

    Raises TunerError where nobody is at work, where the worker refuses, and after `timeout` seconds
    (None: never); StudyFailed where the worker is lost meanwhile.
    """
    if lock_holder_pid(session.lock_path) is None:
        raise TunerError(f"session {session.name!r} is not running any more")
    tail = EventTail(session.events_path)
    tail.skip_to_end()
    command_id = send_command(session, command)
    deadline = float("inf") if timeout is None else time.monotonic() + timeout
    while True:
        alive = lock_holder_pid(session.lock_path) is not None
        for event in tail.read_all_events():
            if isinstance(event, e.CommandDone) and event.id == command_id:
                if event.ok:
                    return event.result
                raise TunerError(event.result)
        if not alive:
            words = summarize_log_end(session.log_path)
            raise StudyFailed(
                f"the worker of {session.name!r} was lost before it answered: {words}"
            )
        if time.monotonic() > deadline:
            waited = format_duration_in_words(timeout)
            raise TunerError(
                f"session {session.name!r} has not answered in {waited}; the request is queued, "
                f"`{command_line('status', session)}` shows what becomes of it"
            )
        time.sleep(_TICK)


def wait_for_worker_end(session: Session) -> None:
    """Wait until the process has released the lock, which follows its last event."""
    deadline = time.monotonic() + ANSWER_PATIENCE
    while lock_holder_pid(session.lock_path) is not None and time.monotonic() < deadline:
        time.sleep(_TICK)
