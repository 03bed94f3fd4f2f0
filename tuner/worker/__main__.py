"""`python -m tuner.worker DIR`: the background process of one session."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from tuner import __version__
from tuner.errors import TunerError
from tuner.pool.disk import disk_advice, disk_trouble
from tuner.pool.local import LocalTrainer
from tuner.pool.orphans import end_orphans, lock_path
from tuner.pool.trainer import Receive, Trainer
from tuner.recipe.load import load
from tuner.recipe.types import Recipe
from tuner.session import events as e
from tuner.session.best import package_versions
from tuner.session.fold import TERMINAL
from tuner.session.folder import Session
from tuner.session.lock import WorkerLock, describe_holder
from tuner.session.room import give_reserve, keep_reserve
from tuner.session.safe import refuse_unsafe
from tuner.worker.budget import slot_count
from tuner.worker.journal import FolderMoved, Journal
from tuner.worker.loop import Worker
from tuner.worker.slots import Pool

ORPHAN_PATIENCE = 30.0


def main(arguments: list[str]) -> int:
    """Work on a session; 0 finished or paused, 1 failed, 2 not possible here."""
    if len(arguments) != 1 or not Path(arguments[0], "recipe.toml").is_file():
        print("usage: python -m tuner.worker DIR, the folder of a session", file=sys.stderr)
        return 2
    session = Session(Path(arguments[0]).resolve())
    os.umask(0o077)
    signalled = _listen_to_signals()
    lock = WorkerLock(session.lock_path)
    locked_at = time.time()
    try:
        refuse_unsafe(session)
        if not lock.acquire():
            who = describe_holder(session.lock_path)
            print(f"session {session.name!r} is running already: {who}", file=sys.stderr)
            return 2
        return _locked(session, locked_at, signalled)
    except (TunerError, OSError) as error:
        if disk_trouble(error) is None and not isinstance(error, TunerError):
            raise
        _print_line(f"tuner: {error}")
        return 2
    finally:
        # Not given back: it goes with the process, so that who finds it free finds no worker.
        with contextlib.suppress(OSError):
            lock.sign_off()


def _locked(session: Session, locked_at: float, signalled: list[str]) -> int:
    _print_to(session.log_path)
    keep_reserve(session)
    try:
        return _work(session, locked_at, signalled)
    finally:
        give_reserve(session)


def _work(session: Session, locked_at: float, signalled: list[str]) -> int:
    journal = Journal(session)
    try:
        return _work_with(session, journal, locked_at, signalled)
    except Exception as error:
        reason = _why_wait(error, journal)
        if reason is not None:
            return _pause(session, journal, reason)
        if isinstance(error, TunerError):
            journal.record(e.SessionFailed(reason=str(error)))
            return 1
        summary = f"an error in tuner itself, {type(error).__name__}: {error}"
        journal.record(e.SessionFailed(reason=f"{summary} (the trace is in {session.log_path})"))
        raise
    finally:
        with contextlib.suppress(OSError):
            journal.close()


def _why_wait(error: Exception, journal: Journal) -> str | None:
    """What a person has to mend before the study can go on; None where the error is another."""
    try:
        journal.refuse_moved()
    except FolderMoved as moved:
        return str(moved)
    trouble = disk_trouble(error)
    if trouble is None:
        return None
    return f"nothing more can be written ({trouble}): {disk_advice(error)}, then resume"


def _pause(session: Session, journal: Journal, reason: str) -> int:
    """Say so, with the reserve where nothing else is left, and leave the rest as it is.

    What is on the disk is whole at any moment, so that the next worker goes on from there.
    """
    _print_line(f"tuner: {reason}")
    give_reserve(session)
    if journal.view.lifecycle not in TERMINAL:
        journal.record(e.SessionPaused(reason=reason))
    return 0


def _work_with(session: Session, journal: Journal, locked_at: float, signalled: list[str]) -> int:
    if journal.view.next_seq == 0:
        journal.record(e.SessionCreated(schema=e.SCHEMA, name=session.name, tuner=__version__))
    slots = 1
    recipe: Recipe | TunerError
    try:
        recipe = load(session.recipe_path)
        slots = slot_count(recipe.search, journal.view)
    except TunerError as error:
        recipe = error
    journal.record(
        e.WorkerStarted(
            pid=os.getpid(),
            host=socket.gethostname(),
            versions=package_versions(),
            devices=[_likely_device()],
            slots=slots,
        )
    )
    if isinstance(recipe, TunerError):
        raise recipe
    session.cache_folder.mkdir(exist_ok=True)
    for pid in end_orphans(session.cache_folder, ORPHAN_PATIENCE):
        journal.log("warning", f"a trainer of an earlier worker did not end and was killed: {pid}")
    pool = _local_pool(session, slots)
    try:
        worker = Worker(session, recipe, journal, pool, lambda: next(iter(signalled), None))
        return worker.run(locked_at)
    finally:
        pool.kill()


def _local_pool(session: Session, slots: int) -> Pool:
    def start(receive: Receive, slot: int, threads: int) -> Trainer:
        return LocalTrainer(receive, _print_line, lock_path(session.cache_folder, slot), threads)

    return Pool(slots, start)


def _print_line(line: str) -> None:
    # A full disk must not end the thread that reads what a trainer says.
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def _print_to(log: Path) -> None:
    """Let everything that is printed from here on go into the log."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    _print_line(f"── worker {os.getpid()} on {platform.node()}, {moment}")


def _listen_to_signals() -> list[str]:
    """The names of the signals that asked for a pause, as they come.

    Set explicitly, as PID 1 of a container has no default action.
    """
    received: list[str] = []

    def note(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, note)
    signal.signal(signal.SIGINT, note)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return received


def _likely_device() -> str:
    """What the trainer will choose; it says for certain once it has torch (`data_read`)."""
    if Path("/dev/nvidiactl").exists():
        return "cuda"
    return "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else "cpu"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
