"""Workers and trainers as real processes, forked from one that has imported everything.

They differ from a user's in the import alone: `tuner.worker`'s main runs in the one, the trainer's
`serve` in the other, over the same pipes, sessions of processes and locks.
"""

from __future__ import annotations

import contextlib
import importlib
import multiprocessing
import os
import resource
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from multiprocessing import forkserver
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any, NoReturn

import pytest

from tests.faults import system_calls
from tests.faults.kill_points import Kill, Points, install, kill_group
from tuner.session.folder import Session

TrainerFault = Callable[[], None]
_FIRST_FREE = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """What befalls a worker, and the first of its trainers.

    `database` counts the calls by which SQLite changes study.db. `fault` is called in each of the
    trainers before it begins; `traces` is a folder for the names of the points that were visited,
    `waited_for` a file for what has come to the disk, see `power`.
    """

    worker: Kill | None = None
    database: Kill | None = None
    trainer: Kill | None = None
    fault: TrainerFault | None = None
    traces: Path | None = None
    waited_for: Path | None = None


@cache
def fork_server() -> ForkServerContext:
    """Return the way to fork from a process that has imported everything, started at first use."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.fork_server_preload"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LD_PRELOAD", system_calls.library())
        forkserver.ensure_running()
    return context


class Life:
    """One worker from its start to its end, however that comes."""

    def __init__(self, session: Session, plan: Plan | None = None) -> None:
        self._process: ForkServerProcess = fork_server().Process(
            target=_be_a_worker, args=(session.path, plan or Plan())
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid
        self.session = session

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def wait(self, seconds: float = 60.0) -> int:
        """Wait for the exit code, negative for a signal."""
        self._process.join(seconds)
        code = self._process.exitcode
        assert code is not None, "the worker goes on and on"
        return code

    def send(self, number: int, *, trainers: bool = False) -> None:
        """Send a signal to the worker, and to its trainers where asked for."""
        for pid in [*(self.trainers() if trainers else []), self.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def trainers(self) -> list[int]:
        """List the children of the worker that have not ended."""
        return children(self.pid)

    def kill(self, *, worker: bool = True, trainers: bool = False) -> None:
        """SIGKILL to the whole group of each."""
        groups = [*([self.pid] if worker else []), *(self.trainers() if trainers else [])]
        for pid in groups:
            kill_group(pid)
        if worker:
            self.wait()


def live(session: Session, plan: Plan | None = None) -> int:
    """Run a worker to its end; the exit code."""
    return Life(session, plan).wait(120.0)


def children(pid: int) -> list[int]:
    """List the processes whose parent this is, zombies left out."""
    child_pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                state, parent = (entry / "stat").read_text().rsplit(")", 1)[1].split()[:2]
                if int(parent) == pid and state != "Z":
                    child_pids.append(int(entry.name))
    return child_pids


def processes_with(folder: Path) -> list[int]:
    """List the processes that have a file of this folder open."""
    pids = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                links = [os.readlink(file) for file in (entry / "fd").iterdir()]
                if any(link.startswith(str(folder)) for link in links):
                    pids.append(int(entry.name))
    return pids


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Look again and again until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


# ── in the forked process ────────────────────────────────────────────────────────────────────


def _be_a_worker(folder: Path, plan: Plan) -> NoReturn:
    code = 99
    try:
        os.setsid()
        _fork_trainers(folder, plan)
        if plan.waited_for is not None:
            system_calls.note_what_is_waited_for(plan.waited_for)
        points = Points(folder, plan.worker, _trace(plan, "worker"))
        points.others = lambda: children(os.getpid())
        install(points)
        if plan.database is not None or plan.traces is not None:
            system_calls.install(plan.database, _trace(plan, "database"))
        from tuner.worker.__main__ import run_worker_process

        code = run_worker_process([str(folder)])
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


def _trace(plan: Plan, name: str) -> Path | None:
    return None if plan.traces is None else plan.traces / name


def _fork_trainers(folder: Path, plan: Plan) -> None:
    """Let LocalTrainer fork where it would start an interpreter."""
    started = 0

    def start(_command: Sequence[str], **kwargs: Any) -> ForkedTrainer:
        nonlocal started
        started += 1
        kill = plan.trainer if started == 1 else None
        trace = _trace(plan, "trainer")
        return ForkedTrainer(lambda: _train(folder, kill, plan.fault, trace), **kwargs)

    local: Any = importlib.import_module("tuner.pool.local")
    local.subprocess = SimpleNamespace(Popen=start, PIPE=subprocess.PIPE)


def _train(folder: Path, kill: Kill | None, fault: TrainerFault | None, trace: Path | None) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if kill is not None or trace is not None:
        install(Points(folder, kill, trace))
    if fault is not None:
        fault()
    from tuner.training.serve import serve_requests

    return serve_requests()


class ForkedTrainer:
    """As much of subprocess.Popen as LocalTrainer asks for."""

    def __init__(
        self, main: Callable[[], int], *, pass_fds: Sequence[int], env: dict[str, str], **_: Any
    ) -> None:
        pipes = [os.pipe() for _ in range(3)]
        (stdin, requests), (replies, stdout), (errors, stderr) = pipes
        self.returncode: int | None = None
        self.pid = os.fork()
        if self.pid == 0:
            become_process(main, (stdin, stdout, stderr), pass_fds, env)
        for file in (stdin, stdout, stderr):
            os.close(file)
        self.stdin: IO[bytes] = os.fdopen(requests, "wb")
        self.stdout: IO[bytes] = os.fdopen(replies, "rb")
        self.stderr: IO[bytes] = os.fdopen(errors, "rb")

    def wait(self) -> int:
        """Reap it."""
        _, status = os.waitpid(self.pid, 0)
        self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


def become_process(
    main: Callable[[], int],
    standard: Sequence[int],
    inherited_files: Sequence[int],
    environment: dict[str, str],
) -> NoReturn:
    """Run a main function in this fork, as in an interpreter that was started so."""
    code = 99
    try:
        os.setsid()
        for target, file in enumerate(standard):
            os.dup2(file, target)
        _close_all_but(inherited_files)
        os.environ.update(environment)
        sys.stdin = os.fdopen(0, closefd=False)
        sys.stdout = os.fdopen(1, "w", closefd=False)
        sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
        code = main()
    except BaseException:
        traceback.print_exc()
        raise
    finally:
        sys.stderr.flush()
        os._exit(code)


def _close_all_but(files_to_keep: Sequence[int]) -> None:
    start = _FIRST_FREE
    for file in sorted(files_to_keep):
        os.closerange(start, file)
        start = file + 1
    os.closerange(start, 4096)
