"""SIGTERM to `tuner run`, as a machine that shuts down and a container that is stopped send it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.worker.worker_sessions import (
    environment,
    evaluations,
    make_session,
    run_worker,
    wait_for,
)
from tuner.session.fold import load_session_view
from tuner.session.folder import Session
from tuner.session.lock import lock_holder_pid
from tuner.session.view import TrialState

CONTAINER = ("unshare", "--user", "--map-root-user", "--pid", "--fork", "--mount-proc")


@cache
def containers_can_be_made() -> bool:
    try:
        return (
            subprocess.run([*CONTAINER, "true"], capture_output=True, check=False).returncode == 0
        )
    except FileNotFoundError:
        return False


def run_command(session: Session, *container: str) -> subprocess.Popen[str]:
    root = str(session.path.parent)
    return subprocess.Popen(
        [*container, sys.executable, "-m", "tuner", "--sessions", root, "run", session.name],
        env=environment(pace=0.05), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def child_of(process: subprocess.Popen[str]) -> int:
    tasks = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(tasks.read_text().split()[0])


@pytest.mark.parametrize("container", [(), CONTAINER], ids=["process", "PID 1 of a container"])
def test_sigterm_pauses_and_waits_for_the_checkpoint(
    tmp_path: Path, container: tuple[str, ...]
) -> None:
    if container and not containers_can_be_made():
        pytest.skip("no name space of processes can be made here")
    session = make_session(tmp_path, trials=3)
    run = run_command(session, *container)
    wait_for(lambda: evaluations(1)(load_session_view(session)) or run.poll() is not None, 60.0)
    target = child_of(run) if container else run.pid
    os.kill(target, signal.SIGTERM)
    _, error_output = run.communicate(timeout=60)
    assert run.returncode == 128 + signal.SIGTERM
    assert error_output.splitlines()[-1].startswith("paused; tuner resume demo ")
    view = load_session_view(session)
    assert (view.lifecycle, view.count_trials(TrialState.PAUSED)) == ("session_paused", 1)
    assert lock_holder_pid(session.lock_path) is None
    assert session.lock_path.read_text() == ""
    assert run_worker(session) == 0
