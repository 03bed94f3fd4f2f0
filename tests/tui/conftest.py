"""What makes screens differ from run to run, switched off."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual import _wait

from tests.tui import corpus
from tests.tui.app_harness import States
from tests.tui.setup_harness import model_description
from tuner.session import log_follower
from tuner.tui.screens import export_screen


@pytest.fixture(autouse=True)
def _idle_is_seen_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten a pilot's wait for an idle process, thrice a key, from 20 ms to 4."""
    monkeypatch.setattr(_wait, "SLEEP_GRANULARITY", 0.004)
    monkeypatch.setattr(_wait, "SLEEP_IDLE", 0.0004)


@pytest.fixture(autouse=True)
def _same_everywhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TUNER_ASCII", "0")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture(autouse=True)
def _models_are_described_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the screen that exports a process with torch, which would outlive the test."""
    monkeypatch.setattr(export_screen, "_describe_model", lambda *_: model_description())


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> States:
    """States by the name of the session, for those that no process can give here."""
    scripted_states = States()
    monkeypatch.setattr(log_follower, "derive_session_state", scripted_states.state)
    return scripted_states


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return the folder for sessions."""
    return tmp_path / "sessions"


@pytest.fixture
def whole_corpus(root: Path, states: States) -> Path:
    """All recorded sessions; two of them are said to run."""
    corpus.record_whole_corpus(root)
    states.running("rte-roberta-llrd", "odd.names-1")
    return root
