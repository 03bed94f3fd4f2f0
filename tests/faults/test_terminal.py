"""Terminals that close, shrink, stop or can do little: the worker goes on, nothing is left."""

from __future__ import annotations

import fcntl
import os
import pty
import re
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

from tests.cli.sessions import finished
from tests.faults.processes import children
from tests.worker.sessions import evaluations, kinds, make, work_until

PATIENCE = 60.0
MODES = {
    "alternate screen": ("\x1b[?1049h", "\x1b[?1049l"),
    "mouse": ("\x1b[?1000h", "\x1b[?1000l"),
    "mouse, extended": ("\x1b[?1006h", "\x1b[?1006l"),
    "pasting": ("\x1b[?2004h", "\x1b[?2004l"),
    "hidden cursor": ("\x1b[?25l", "\x1b[?25h"),
}


class Terminal:
    """A pseudo terminal with tuner in it, and all that was ever written to it."""

    def __init__(self, root: Path, *words: str, **environment: str) -> None:
        self.written = ""
        self._shell, self._master = pty.fork()
        if self._shell == 0:
            _be_a_shell(lambda: _become_tuner(root, words, environment))
        self.code: int | None = None
        self.resize(100, 30)

    @property
    def pid(self) -> int:
        """The process of tuner itself."""
        return children(self._shell)[0]

    def resize(self, width: int, height: int) -> None:
        size = struct.pack("HHHH", height, width, 0, 0)
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, size)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def send(self, number: int) -> None:
        os.kill(self.pid, number)

    def read(self, seconds: float = 0.1) -> None:
        """What has been written by now."""
        while select.select([self._master], [], [], seconds)[0]:
            try:
                piece = os.read(self._master, 1 << 16)
            except OSError:
                return
            if not piece:
                return
            self.written += piece.decode("utf-8", "replace")
            seconds = 0.0

    def until(self, fact: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE
        while not fact():
            in_time = time.monotonic() < deadline and not self.has_ended()
            self.read()
            assert in_time or fact(), self.written[-3000:]

    def shows(self, word: str, after: int = 0) -> None:
        """Until a word was written, beyond a place in all that was written."""
        self.until(lambda: word in plain(self.written[after:]).casefold())

    def has_ended(self) -> bool:
        if self.code is None:
            pid, status = os.waitpid(self._shell, os.WNOHANG)
            self.code = os.waitstatus_to_exitcode(status) if pid else None
        return self.code is not None

    def is_stopped(self) -> bool:
        """Whether Ctrl-Z has had its effect."""
        return Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"

    def hang_up(self) -> None:
        """The window is closed."""
        os.close(self._master)
        self._master = -1

    def close(self) -> None:
        if not self.has_ended():
            for pid in (*children(self._shell), self._shell):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(self._shell, 0)
        if self._master >= 0:
            os.close(self._master)


def _be_a_shell(become: Callable[[], None]) -> None:
    """As much of a shell as Ctrl-Z asks for: a parent, and a group of processes in front."""
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(0, os.getpid())
        signal.signal(signal.SIGTTOU, signal.SIG_DFL)
        become()
    _, status = os.waitpid(child, 0)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _become_tuner(root: Path, words: tuple[str, ...], environment: dict[str, str]) -> None:
    own = {
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
        "TEXTUAL_ANIMATIONS": "none",
    } | environment
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("LC_")}
    command = [sys.executable, "-m", "tuner", "--sessions", str(root), *words]
    os.execve(sys.executable, command, surroundings | own)


def plain(written: str) -> str:
    """Without escape sequences."""
    return re.sub(
        r"\x1b(\[[0-9;?<>=$]*[a-zA-Z~]|[()][A-Z0-9]|\][^\x07]*\x07|[=>78cM])", "", written
    )


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
    for one in opened:
        one.close()


pytestmark = pytest.mark.skipif(not shutil.which("true"), reason="no Unix")


def test_shrunk_to_one_cell_suspended_and_back(tmp_path: Path, terminal: Opener) -> None:
    finished(tmp_path, "done")
    ui = terminal(tmp_path, "open", "done")
    ui.shows("finished")
    for width, height in ((1, 1), (2, 40), (300, 1), (1, 1), (100, 30)):
        ui.resize(width, height)
        ui.read(0.3)
        assert not ui.has_ended(), ui.written[-2000:]
    seen = len(ui.written)
    ui.resize(110, 32)
    ui.shows("finished", after=seen)
    ui.type("\x1a")
    ui.until(ui.is_stopped)
    ui.read()
    is_left_as_it_was(ui.written)
    seen = len(ui.written)
    ui.send(signal.SIGCONT)
    ui.shows("finished", after=seen)
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
    session = make(tmp_path, trials=3)
    worker = work_until(session, evaluations(1), pace=0.1)
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
    finished(tmp_path, "done")
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
    finished(tmp_path, "done")
    settings = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    told = terminal(tmp_path, "trials", "done", **settings)
    told.until(told.has_ended)
    told.read()
    assert told.code == 0, told.written
    assert told.written.isascii(), told.written
    ui = terminal(tmp_path, "open", "done", **settings)
    ui.shows("finished")
    ui.type("q")
    ui.until(ui.has_ended)
    ui.read()
    assert ui.code == 0
    is_left_as_it_was(ui.written)


def test_a_terminal_that_vanishes_without_a_signal_ends_the_screens(tmp_path: Path) -> None:
    """A process that no terminal controls hears no SIGHUP: it has to look for itself."""
    finished(tmp_path, "done")
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    command = [sys.executable, "-m", "tuner", "--sessions", str(tmp_path), "open", "done"]
    environment = {**os.environ, "TERM": "xterm-256color", "HOME": str(tmp_path)}
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    seen = b""
    deadline = time.monotonic() + PATIENCE
    while b"FINISHED" not in seen:
        assert time.monotonic() < deadline, seen[-300:]
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 1 << 16)
    os.close(master)
    process.wait(PATIENCE)
