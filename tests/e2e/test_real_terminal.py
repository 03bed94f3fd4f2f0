"""The UI in a real terminal, over a real worker: start, leave, lose everything, come back."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.test_real_study import (
    make,
    processes_of,
    signal_processes,
    wait_for_an_evaluation,
)

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed"),
]
PATIENCE = 120.0


class Terminal:
    """A terminal of its own in a tmux server of its own."""

    def __init__(self, folder: Path, width: int, height: int) -> None:
        self._socket = f"tuner-test-{os.getpid()}"
        self._folder = folder
        size = ["-x", str(width), "-y", str(height)]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, "sh")
        self._tmux("set-option", "-g", "window-size", "manual")

    def type(self, command: str) -> None:
        """Send a line to the shell."""
        environment = "TEXTUAL_ANIMATIONS=none COLORTERM=truecolor LC_ALL=C.UTF-8"
        self._tmux("send-keys", "-l", f"{environment} {command}")
        self.press("Enter")

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def press_until(self, key: str, condition: Callable[[str], bool]) -> None:
        """Press a key, again every ten seconds, as a person does who sees nothing happen."""
        deadline = time.monotonic() + PATIENCE
        while not condition(screen := self.text()):
            assert time.monotonic() < deadline, f"{key} did nothing:\n{screen}"
            self.press(key)
            again = time.monotonic() + 10.0
            while time.monotonic() < again and not condition(self.text()):
                time.sleep(0.2)

    def resize(self, width: int, height: int) -> None:
        self._tmux("resize-window", "-x", str(width), "-y", str(height))

    def text(self) -> str:
        return self._tmux("capture-pane", "-p")

    def shows(self, *words: str) -> str:
        """Wait until the screen has all of these words; return it."""
        return self.until(lambda screen: all(word in screen for word in words))

    def until(self, condition: Callable[[str], bool]) -> str:
        deadline = time.monotonic() + PATIENCE
        while not condition(screen := self.text()):
            assert time.monotonic() < deadline, f"not seen in time:\n{screen}"
            time.sleep(0.2)
        return screen

    def close(self) -> None:
        self._tmux("kill-server")

    def _tmux(self, *words: str) -> str:
        environment = {name: value for name, value in os.environ.items() if name != "TMUX"}
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words],
            capture_output=True,
            text=True,
            cwd=self._folder,
            env=environment,
            check=True,
        )
        return done.stdout


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    opened = Terminal(tmp_path, 120, 40)
    yield opened
    opened.close()


def tuner(root: Path, *words: str) -> str:
    return shlex.join([sys.executable, "-m", "tuner", "--sessions", str(root), *words])


@pytest.mark.timeout(500)
def test_start_leave_lose_everything_and_come_back(tmp_path: Path, terminal: Terminal) -> None:
    session = make(tmp_path, "study")
    terminal.type(tuner(tmp_path, "open", "study"))
    terminal.shows("DRAFT", "study")
    terminal.press_until("s", lambda screen: "DRAFT" not in screen)
    terminal.shows("RUNNING")
    # Until the worker is killed, no quick machine may end the study.
    signal_processes(wait_for_an_evaluation(session)[1:], signal.SIGSTOP)
    terminal.resize(80, 24)
    terminal.shows("Curves", "RUNNING")
    terminal.resize(30, 8)
    terminal.shows("too small")
    terminal.resize(120, 40)
    terminal.shows("Events", "Confusion")
    terminal.press_until("q", lambda screen: "Reattach: tuner open study" in screen)
    assert len(processes_of(session)) == 2, "the worker goes on without its screen"

    signal_processes(processes_of(session), signal.SIGKILL)
    terminal.type("clear;" + tuner(tmp_path, "open", "study"))
    terminal.shows("CRASHED", "Resume")
    terminal.press_until("p", lambda screen: "CRASHED" not in screen)
    terminal.shows("FINISHED")
    look_around(terminal)
    terminal.press_until("E", lambda screen: "enter Write" in screen)
    terminal.press_until("Escape", lambda screen: "enter Write" not in screen)
    terminal.press_until("q", lambda screen: "Reattach: tuner open study" in screen)
    assert session.best_json.is_file()
    terminal.type("clear;" + tuner(tmp_path, "replay", "study", "--speed", "1000"))
    terminal.shows("replay", "FINISHED", "Halt")


def look_around(terminal: Terminal) -> None:
    """Mark two trials in the table, look at every view, at a trial, and come back."""
    terminal.press("g", "Space", "j", "Space")
    terminal.press_until("]", lambda screen: "Parallel coordinates" in screen)
    terminal.press_until("]", lambda screen: "McNemar" in screen)
    terminal.press_until("]", lambda screen: "Environment" in screen)
    terminal.press_until("]", lambda screen: "worker.log" in screen)
    terminal.press_until("Escape", lambda screen: "Confusion" in screen)
    terminal.press_until("Enter", lambda screen: "Rungs and decisions" in screen)
    terminal.press_until("]", lambda screen: "Gradient norm" in screen)
    terminal.press_until("Escape", lambda screen: "2 ACC over" in screen)
    terminal.press_until("/", lambda screen: "filter /" in screen)
    terminal.press("s", "t", "a", "t", "e", ":", "c", "Enter")
    terminal.shows("complete")
    terminal.press("Escape")
