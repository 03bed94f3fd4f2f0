"""Starting a session's worker in the background. Light to import: no optuna, no torch."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable

from tuner.errors import StudyFailed, TunerError
from tuner.interpreter import python_command
from tuner.recipe.load import load_recipe
from tuner.session import events as e
from tuner.session.disk_reserve import ensure_disk_reserve
from tuner.session.folder import Session
from tuner.session.lock import describe_lock_holder, lock_holder_pid
from tuner.session.tail import EventTail
from tuner.session.worker_log import summarize_log_end
from tuner.session.write_guard import refuse_unsafe_folder

LOADING_PATIENCE = 60.0
ENDING_PATIENCE = 30.0
MOMENT = 2.0
_TICK = 0.05
_STARTED_EVENTS = (e.SessionStarted, e.SessionPaused, e.SessionFinished, e.SessionStopped)

# A child that ended is a zombie until it is asked after; the next start asks.
_children: list[tuple[subprocess.Popen[bytes], Session]] = []


def _never_in_a_hurry() -> bool:
    return False


def start_worker(
    session: Session,
    patience: float = LOADING_PATIENCE,
    in_a_hurry: Callable[[], bool] = _never_in_a_hurry,
    *,
    rechoose: bool = False,
) -> None:
    """Start the worker and return once the log says that the session has started.

    Where data and model take more than `patience` seconds to load, or somebody is `in_a_hurry`, it
    returns when the worker is at it. The worker outlives its caller. With `rechoose` the session's
    kernels are chosen anew. Raises TunerError where one is already running or the recipe is wrong,
    StudyFailed where the session fails at once.
    """
    refuse_running_session(session)
    refuse_unsafe_folder(session)
    load_recipe(session.recipe_path)
    ensure_disk_reserve(session)
    tail = EventTail(session.events_path)
    tail.skip_to_end()
    process = _spawn_worker_process(session, ["--rechoose"] if rechoose else [])
    deadline = time.monotonic() + patience
    has_worker_started = False
    while True:
        has_ended = process.poll() is not None
        for event in tail.read_all_events():
            has_worker_started = has_worker_started or (
                isinstance(event, e.WorkerStarted) and event.pid == process.pid
            )
            if isinstance(event, e.SessionFailed):
                process.wait(ENDING_PATIENCE)
                failure = TunerError if event.refused else StudyFailed
                raise failure(f"session {session.name!r} failed: {event.reason}")
            if has_worker_started and isinstance(event, _STARTED_EVENTS):
                return
        if has_ended:
            raise _worker_ended_error(session, process.returncode)
        if has_worker_started and (time.monotonic() > deadline or in_a_hurry()):
            return
        time.sleep(_TICK)


def pause_workers_started_here() -> list[Session]:
    """Pause the workers that this process started and wait for them; return their sessions.

    For a process whose end may be that of all others: in a container, or a job of a cluster.
    """
    running = [(child, session) for child, session in _children if child.poll() is None]
    for child, _ in running:
        child.terminate()
    for child, _ in running:
        child.wait()
    return [session for _, session in running]


def refuse_running_session(session: Session) -> None:
    """Raise TunerError with pid and host of a process that works on the session.

    A worker that wrote its last event holds the lock for a moment more, so that is waited for.
    """
    deadline = time.monotonic() + MOMENT
    while (
        holder := lock_holder_pid(session.lock_path)
    ) is not None and time.monotonic() < deadline:
        time.sleep(_TICK)
    if holder is None:
        return
    who = describe_lock_holder(session.lock_path)
    raise TunerError(f"session {session.name!r} is already running: {who}")


def _spawn_worker_process(session: Session, flags: list[str]) -> subprocess.Popen[bytes]:
    _children[:] = [
        (child, child_session) for child, child_session in _children if child.poll() is None
    ]
    log_descriptor = os.open(
        session.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600
    )
    try:
        process = subprocess.Popen(
            [*python_command("-m", "tuner.worker"), *flags, str(session.path.resolve())],
            stdin=subprocess.DEVNULL,
            stdout=log_descriptor,
            stderr=log_descriptor,
            start_new_session=True,
        )
    finally:
        os.close(log_descriptor)
    _children.append((process, session))
    return process


def _worker_ended_error(session: Session, code: int) -> TunerError:
    refuse_running_session(session)
    last_words = summarize_log_end(session.log_path)
    output = f": {last_words}" if last_words else " (no output)"
    return StudyFailed(f"the worker of {session.name!r} exited with code {code}{output}")
