"""`python -m tuner.worker [--rechoose] DIR`: the background process of one session."""

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
from tuner.pool.disk import advise_on_disk_problem, describe_disk_problem
from tuner.pool.local import LocalTrainer
from tuner.pool.orphans import end_orphaned_trainers, trainer_lock_path
from tuner.pool.trainer import Receive, Trainer
from tuner.recipe.load import load_recipe
from tuner.recipe.types import Recipe
from tuner.session import events as e
from tuner.session.best_document import package_versions
from tuner.session.disk_reserve import ensure_disk_reserve, release_disk_reserve
from tuner.session.existing_file import UnreadableFile
from tuner.session.fold import TERMINAL_KINDS
from tuner.session.folder import Session
from tuner.session.lock import WorkerLock, describe_lock_holder
from tuner.session.write_guard import refuse_unsafe_folder
from tuner.worker.event_log import EventLog, SessionFolderMoved
from tuner.worker.main_loop import SessionWorker
from tuner.worker.parallelism import initial_slot_count
from tuner.worker.slots import SlotPool

ORPHAN_PATIENCE = 30.0
RECHOOSE = "--rechoose"


def run_worker_process(arguments: list[str]) -> int:
    """Run a session; 0 finished or paused, 1 failed, 2 not possible here.

    With `--rechoose` its kernels are chosen anew, for this machine.
    """
    folders = [argument for argument in arguments if argument != RECHOOSE]
    rechoose = RECHOOSE in arguments
    if len(folders) != 1 or not Path(folders[0], "recipe.toml").is_file():
        print(
            f"usage: python -m tuner.worker [{RECHOOSE}] DIR, the folder of a session",
            file=sys.stderr,
        )
        return 2
    session = Session(Path(folders[0]).resolve())
    os.umask(0o077)
    signalled = _record_pause_signals()
    lock = WorkerLock(session.lock_path)
    locked_at = time.time()
    try:
        refuse_unsafe_folder(session)
        if not lock.try_acquire():
            who = describe_lock_holder(session.lock_path)
            print(f"session {session.name!r} is already running: {who}", file=sys.stderr)
            return 2
        return _work_with_lock(session, locked_at, signalled, rechoose)
    except (TunerError, OSError) as error:
        if describe_disk_problem(error) is None and not isinstance(error, TunerError):
            raise
        _print_log_line(f"tuner: {error}")
        return 2
    finally:
        # Not given back: it goes with the process, so that who finds it free finds no worker.
        with contextlib.suppress(OSError):
            lock.clear_signature()


def _work_with_lock(
    session: Session, locked_at: float, signalled: list[str], rechoose: bool
) -> int:
    _redirect_output_to_log(session.log_path)
    ensure_disk_reserve(session)
    try:
        return _work_and_report_errors(session, locked_at, signalled, rechoose)
    finally:
        release_disk_reserve(session)


def _work_and_report_errors(
    session: Session, locked_at: float, signalled: list[str], rechoose: bool
) -> int:
    event_log = EventLog(session)
    try:
        return _open_pool_and_work(session, event_log, locked_at, signalled, rechoose)
    except Exception as error:
        reason = _reason_to_pause(error, event_log)
        if reason is not None:
            return _pause_for_reason(session, event_log, reason)
        if isinstance(error, TunerError):
            event_log.record_event(e.SessionFailed(reason=str(error)))
            return 1
        description = f"an error in tuner itself, {type(error).__name__}: {error}"
        event_log.record_event(
            e.SessionFailed(reason=f"{description} (the trace is in {session.log_path})")
        )
        raise
    finally:
        with contextlib.suppress(OSError):
            event_log.close_log()


def _reason_to_pause(error: Exception, event_log: EventLog) -> str | None:
    """Say what a person has to fix before the study can go on; None for any other error."""
    try:
        event_log.refuse_moved_folder()
    except SessionFolderMoved as moved:
        return str(moved)
    if isinstance(error, UnreadableFile):
        return f"{error}; make it readable, then resume"
    trouble = describe_disk_problem(error)
    if trouble is None:
        return None
    return f"nothing more can be written ({trouble}): {advise_on_disk_problem(error)}, then resume"


def _pause_for_reason(session: Session, event_log: EventLog, reason: str) -> int:
    """Log the pause, using the disk reserve where nothing else is left.

    What is on the disk is whole at any moment, so that the next worker goes on from there.
    """
    _print_log_line(f"tuner: {reason}")
    release_disk_reserve(session)
    if event_log.view.lifecycle not in TERMINAL_KINDS:
        event_log.record_event(e.SessionPaused(reason=reason))
    return 0


def _open_pool_and_work(
    session: Session,
    event_log: EventLog,
    locked_at: float,
    signalled: list[str],
    rechoose: bool,
) -> int:
    if event_log.view.next_seq == 0:
        event_log.record_event(
            e.SessionCreated(schema=e.SCHEMA, name=session.name, tuner=__version__)
        )
    slots = 1
    recipe: Recipe | TunerError
    try:
        recipe = load_recipe(session.recipe_path)
        slots = initial_slot_count(recipe.search, event_log.view)
    except TunerError as error:
        recipe = error
    event_log.record_event(
        e.WorkerStarted(
            pid=os.getpid(),
            host=socket.gethostname(),
            versions=package_versions(),
            devices=[_guess_device()],
            slots=slots,
        )
    )
    if isinstance(recipe, TunerError):
        raise recipe
    session.cache_folder.mkdir(exist_ok=True)
    for pid in end_orphaned_trainers(session.cache_folder, ORPHAN_PATIENCE):
        event_log.log_message(
            "warning", f"a trainer of an earlier worker did not end and was killed: {pid}"
        )
    pool = _build_local_pool(session, slots)
    try:
        worker = SessionWorker(
            session,
            recipe,
            event_log,
            pool,
            lambda: next(iter(signalled), None),
            rechoose=rechoose,
        )
        return worker.run_to_end(locked_at)
    finally:
        pool.kill_all_trainers()


def _build_local_pool(session: Session, slots: int) -> SlotPool:
    def start_trainer(receive: Receive, slot: int, threads: int) -> Trainer:
        return LocalTrainer(
            receive, _print_log_line, trainer_lock_path(session.cache_folder, slot), threads
        )

    return SlotPool(slots, start_trainer)


def _print_log_line(line: str) -> None:
    # A full disk must not end the thread that reads what a trainer says.
    with contextlib.suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def _redirect_output_to_log(log: Path) -> None:
    """Redirect stdout and stderr to the log from here on."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    moment = time.strftime("%Y-%m-%d %H:%M:%S")
    _print_log_line(f"── worker {os.getpid()} on {platform.node()}, {moment}")


def _record_pause_signals() -> list[str]:
    """Return a list that collects the names of signals that ask for a pause.

    Set explicitly, as PID 1 of a container has no default action.
    """
    received: list[str] = []

    def record_signal(number: int, _frame: FrameType | None) -> None:
        received.append(signal.Signals(number).name)

    signal.signal(signal.SIGTERM, record_signal)
    signal.signal(signal.SIGINT, record_signal)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    return received


def _guess_device() -> str:
    """Guess the trainer's device; the trainer reports it once it has torch (`data_read`)."""
    if Path("/dev/nvidiactl").exists():
        return "cuda"
    return "mps" if sys.platform == "darwin" and platform.machine() == "arm64" else "cpu"


if __name__ == "__main__":
    sys.exit(run_worker_process(sys.argv[1:]))
