"""Terminals that close, shrink, stop or can do little: the worker goes on, nothing is left."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.recorded_sessions import create_finished_session
from tests.faults.terminals import PATIENCE, Terminal
from tests.worker.worker_sessions import evaluations, kinds, make_session, run_worker_until

MODES = {
    "alternate screen": ("\x1b[?1049h", "\x1b[?1049l"),
    "mouse": ("\x1b[?1000h", "\x1b[?1000l"),
    "mouse, extended": ("\x1b[?1006h", "\x1b[?1006l"),
    "pasting": ("\x1b[?2004h", "\x1b[?2004l"),
    "hidden cursor": ("\x1b[?25l", "\x1b[?25h"),
}


def is_left_as_it_was(written: str) -> None:
    """Every mode that was set was set back, last of all."""
    for name, (begin, end) in MODES.items():
        if begin in written:
            assert written.rfind(end) > written.rfind(begin), name


Opener = Callable[..., Terminal]


@pytest.fixture
def terminal() -> Iterator[Opener]:
    opened: list[Terminal] = []

    def start(root: Path, *words: str, **environment: str) -> Terminal:
        opened.append(Terminal(root, *words, **environment))
        return opened[-1]

    yield start
    for opened_terminal in opened:
        opened_terminal.close()


pytestmark = pytest.mark.skipif(not shutil.which("true"), reason="no Unix")


def test_shrunk_to_one_cell_suspended_and_back(tmp_path: Path, terminal: Opener) -> None:
    create_finished_session(tmp_path, "done")
    ui = terminal(tmp_path, "open", "done")
    ui.shows("finished")
    for width, height in ((1, 1), (2, 40), (300, 1), (1, 1), (100, 30)):
        ui.resize(width, height)
        ui.read(0.3)
        assert not ui.has_ended(), ui.written[-2000:]
    output_length = len(ui.written)
    ui.resize(110, 32)
    ui.shows("finished", after=output_length)
    ui.type("\x1a")
    ui.until(ui.is_stopped)
    ui.read()
    is_left_as_it_was(ui.written)
    output_length = len(ui.written)
    ui.send(signal.SIGCONT)
    ui.shows("finished", after=output_length)
    ui.type("q")
    ui.until(ui.has_ended)
    ui.read()
    assert ui.code == 0
    is_left_as_it_was(ui.written)
    assert "Traceback" not in ui.written


@pytest.mark.parametrize(
    "how", ["hangup", "closed", pytest.param("terminated", marks=pytest.mark.long)]
)
def test_a_terminal_that_goes_away_leaves_the_worker_alone(
    tmp_path: Path, terminal: Opener, how: str
) -> None:
    session = make_session(tmp_path, trials=3)
    worker = run_worker_until(session, evaluations(1), pace=0.1)
    ui = terminal(tmp_path, "open", "demo")
    ui.shows("demo")
    if how == "closed":
        ui.hang_up()
    else:
        ui.send(signal.SIGHUP if how == "hangup" else signal.SIGTERM)
    ended = time.monotonic() + PATIENCE
    while not ui.has_ended():
        assert time.monotonic() < ended, "the screen does not go away"
        if how != "closed":
            ui.read()
        time.sleep(0.01)
    if how != "closed":
        ui.read()
        is_left_as_it_was(ui.written)
    assert worker.wait(60.0) == 0
    assert kinds(session)[-1] == "SessionFinished"


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"TERM": "dumb"}, "the UI needs a terminal"),
    ],
    ids=["dumb"],
)
def test_a_terminal_that_cannot_do_anything_is_told_so(
    tmp_path: Path, terminal: Opener, environment: dict[str, str], says: str
) -> None:
    create_finished_session(tmp_path, "done")
    ui = terminal(tmp_path, "open", "done", **environment)
    ui.until(ui.has_ended)
    ui.read()
    assert ui.code == 2
    assert says in ui.written
    assert "\x1b" not in ui.written
    listed = terminal(tmp_path, "list", **environment)
    listed.until(listed.has_ended)
    listed.read()
    assert listed.code == 0
    assert "done" in listed.written


def test_without_unicode_everything_is_still_shown(tmp_path: Path, terminal: Opener) -> None:
    create_finished_session(tmp_path, "done")
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    trials_command = terminal(tmp_path, "trials", "done", **settings)
    trials_command.until(trials_command.has_ended)
    trials_command.read()
    assert trials_command.code == 0, trials_command.written
    assert trials_command.written.isascii(), trials_command.written
    ui = terminal(tmp_path, "open", "done", **settings)
    ui.shows("finished")
    ui.type("q")
    ui.until(ui.has_ended)
    ui.read()
    assert ui.code == 0
    is_left_as_it_was(ui.written)


def test_a_terminal_that_vanishes_without_a_signal_ends_the_screens(tmp_path: Path) -> None:
    """A process that no terminal controls hears no SIGHUP: it has to look for itself."""
    create_finished_session(tmp_path, "done")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    command = [sys.executable, "-m", "tuner", "--sessions", str(tmp_path), "open", "done"]
    environment = {**os.environ, "TERM": "xterm-256color", "HOME": str(tmp_path)}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    output = b""
    deadline = time.monotonic() + PATIENCE
    while b"FINISHED" not in output:
        assert time.monotonic() < deadline, output[-300:]
        if select.select([master], [], [], 0.2)[0]:
            output += os.read(master, 1 << 16)
    os.close(master)
    process.wait(PATIENCE)
