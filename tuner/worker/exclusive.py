"""Writing a session without a worker: with the worker's lock, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tuner.errors import TunerError
from tuner.session.folder import Session
from tuner.session.lock import WorkerLock
from tuner.session.write_guard import refuse_unsafe_folder
from tuner.worker.launch import refuse_running_session


@contextmanager
def exclusive_session(session: Session) -> Iterator[None]:
    """Hold the session's lock. Raises TunerError where another process has it."""
    refuse_unsafe_folder(session)
    lock = WorkerLock(session.lock_path)
    if not lock.try_acquire("test"):
        refuse_running_session(session)
        # The holder left meanwhile; whoever takes the lock next must not write beside this process.
        if not lock.try_acquire("test"):
            raise TunerError(f"session {session.name!r} was just taken by another process: retry")
    try:
        yield
    finally:
        lock.release_lock()
