"""A folder of sessions, and the command line as a function."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli import recorded_sessions
from tuner.cli import main
from tuner.session import events as e


@dataclass(frozen=True)
class Answer:
    """What one command line gave."""

    code: int
    stdout: str
    stderr: str


Tuner = Callable[..., Answer]


@pytest.fixture(autouse=True)
def quiet_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of the user's own, and an empty folder to work in."""
    for name in [*os.environ]:
        if name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES") or name.startswith("TUNER_"):
            monkeypatch.delenv(name)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make sessions: a draft, one finished, one paused, one stopped, one failed."""
    root = tmp_path / "sessions"
    recorded_sessions.create_draft(root)
    recorded_sessions.create_finished_session(root)
    recorded_sessions.record_session(
        root, "halted", recorded_sessions.search_events(e.SessionPaused())
    )
    recorded_sessions.record_session(
        root, "given-up", recorded_sessions.search_events(e.SessionStopped())
    )
    recorded_sessions.record_session(
        root, "broken", recorded_sessions.search_events(e.SessionFailed(reason="no rows"))
    )
    return root


@pytest.fixture
def tuner(root: Path, capsys: pytest.CaptureFixture[str]) -> Tuner:
    """`tuner ARGUMENTS…` on the folder of sessions."""

    def call(*arguments: str) -> Answer:
        capsys.readouterr()
        code = main(["--sessions", str(root), *arguments])
        written = capsys.readouterr()
        return Answer(code, written.out, written.err)

    return call
