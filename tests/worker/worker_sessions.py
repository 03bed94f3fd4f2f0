"""Sessions with the fake trainer, for the tests of the worker."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

from tuner.session import events as e
from tuner.session.fold import load_session_view
from tuner.session.folder import Session, create_session
from tuner.session.tail import EventTail
from tuner.session.view import SessionView
from tuner.worker.__main__ import run_worker_process
from tuner.worker.event_log import EventLog
from tuner.worker.open_study import prepare_study_storage

FAKE = Path(__file__).with_name("fake_trainer.py")

RECIPE = """
[model]
name = "fake"

[data]
train = "train.jsonl"
validation = "validation.jsonl"
holdout = 0.5
text = ["text"]
label = "label"

[training]
epochs = 3
{training}

[[groups]]
name = "head"
part = "head"
lr = {{ low = 1e-6, high = 1e-1, scale = "log" }}

[[groups]]
name = "body"
rest = true
lr = 1e-5

[search]
trials = {trials}
slots = 1
startup_trials = 3
{search}
"""


def make_session(
    root: Path, trials: int = 4, search: str = "", training: str = "", name: str = "demo"
) -> Session:
    text = RECIPE.format(trials=trials, search=search, training=training)
    session = create_session(root, name, text)
    session.database_path.touch(mode=0o600)
    session.database_path.write_bytes(EMPTY_DATABASE)
    return session


def environment(**plan: Any) -> dict[str, str]:
    trainer = f"{sys.executable} {FAKE}"
    return os.environ | {"TUNER_TRAINER": trainer, "FAKE_TRAINER": json.dumps(plan)}


def empty_database() -> bytes:
    """Optuna's tables, made once; what this imports, the forked workers need not import."""
    with tempfile.TemporaryDirectory() as folder:
        session = Session(Path(folder))
        prepare_study_storage(session)
        with closing(sqlite3.connect(session.database_path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return session.database_path.read_bytes()


EMPTY_DATABASE = empty_database()


class WorkerProcess:
    """A worker in a forked process: as real as any, without a second to import Optuna in."""

    def __init__(self, session: Session, plan: dict[str, Any]) -> None:
        self._code: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            _be_a_worker(session, plan)

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal; None while it runs."""
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if pid else None
        return self._code

    def wait(self, seconds: float = 120.0) -> int:
        wait_for(lambda: self.poll() is not None, seconds)
        assert self._code is not None
        return self._code

    def send(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """As kill -9 does."""
        self.send(signal.SIGKILL)
        self.wait()


def _be_a_worker(session: Session, plan: dict[str, Any]) -> NoReturn:
    code = 99
    try:
        os.setsid()
        os.environ.update(environment(**plan))
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        if "kill_at" in plan:
            _kill_self_at(**plan["kill_at"])
        code = run_worker_process([*plan.get("flags", []), str(session.path)])
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        os._exit(code)


def _kill_self_at(record: int, written: bool) -> None:
    """Let the worker be killed at an event: after the study knows of it, or when it is written."""
    count, really_record = 0, EventLog.record_event

    def record_and_die(journal: EventLog, event: e.Event) -> e.Event:
        nonlocal count
        count += not isinstance(event, e.Step)
        if count == record and not written:
            os.kill(os.getpid(), signal.SIGKILL)
        event = really_record(journal, event)
        if count == record:
            os.kill(os.getpid(), signal.SIGKILL)
        return event

    EventLog.record_event = record_and_die  # type: ignore[method-assign, assignment]


def run_worker(session: Session, **plan: Any) -> int:
    """Run a worker to its end."""
    return WorkerProcess(session, plan).wait()


def run_worker_until(
    session: Session, enough: Callable[[SessionView], object], **plan: Any
) -> WorkerProcess:
    """Start a worker and return once the log fulfils a condition, or it has ended."""
    process = WorkerProcess(session, plan)
    wait_for(lambda: enough(load_session_view(session)) or process.poll() is not None)
    return process


def evaluations(count: int) -> Callable[[SessionView], bool]:
    """Return the condition that the log has so many evaluations."""
    return lambda view: sum(len(trial.evaluations) for trial in view.trials.values()) >= count


def wait_for(condition: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def events(session: Session) -> list[Any]:
    return list(EventTail(session.events_path).read_all_events())


def kinds(session: Session) -> list[str]:
    return [type(event).__name__ for event in events(session)]


def of_kind(session: Session, kind: type[e.Event]) -> list[Any]:
    return [event for event in events(session) if isinstance(event, kind)]


def gap_free(session: Session) -> bool:
    return [event.seq for event in events(session)] == list(range(len(events(session))))
