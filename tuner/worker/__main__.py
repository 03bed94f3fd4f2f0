"""`python -m tuner.worker DIR`: the background process of one session."""

from __future__ import annotations

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
from tuner.pool.local import LocalTrainer
from tuner.pool.orphans import end_orphans, lock_path
from tuner.pool.trainer import Receive, Trainer
from tuner.recipe.load import load
from tuner.recipe.types import Recipe
from tuner.session import events as e
from tuner.session.best import package_versions
from tuner.session.folder import Session
from tuner.session.lock import WorkerLock, holder_details, lock_holder
from tuner.worker.budget import slot_count
from tuner.worker.journal import Journal
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
    lock = WorkerLock(session.lock_path)
    locked_at = time.time()
    if not lock.acquire():
        host = holder_details(session.lock_path).get("host", "")
        pid = lock_holder(session.lock_path)
        print(f"session {session.name!r} is running already: pid {pid} on {host}", file=sys.stderr)
        return 2
    _print_to(session.log_path)
    # Never given back: it goes with the process, so that who finds it free finds no worker either.
    return _work(session, locked_at)


def _work(session: Session, locked_at: float) -> int:
    signalled = _listen_to_signals()
    journal = Journal(session)
    try:
        return _work_with(session, journal, locked_at, signalled)
    except TunerError as error:
        journal.record(e.SessionFailed(reason=str(error)))
        return 1
    except Exception as error:
        summary = f"an error in tuner itself, {type(error).__name__}: {error}"
        journal.record(e.SessionFailed(reason=f"{summary} (the trace is in {session.log_path})"))
        raise
    finally:
        journal.close()


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
    print(line, file=sys.stderr, flush=True)


def _print_to(log: Path) -> None:
    """Let everything that is printed from here on go into the log."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    print(f"── worker {os.getpid()} on {platform.node()}, {moment}", flush=True)


def _listen_to_signals() -> list[str]:
    """The names of the signals that asked for a pause, as they come."""
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
