"""The instants at which a process can be lost: before each call that changes what others see.

Installed in a worker or trainer that is about to begin its work; the product knows nothing of it.
After one such call is before the next one, so that stopping before each visits every instant.
"""

from __future__ import annotations

import builtins
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

_really_write = os.write
_CALLS = ("fsync", "ftruncate", "mkdir", "rename", "replace", "rmdir", "unlink", "remove")
_WRITES = ("write", "pwrite")


@dataclass(frozen=True, slots=True)
class Kill:
    """The call (counted from 1) before which a process is killed.

    A `torn` write is half done by then; with `all_of_it` the worker's trainers are killed at the
    same moment.
    """

    call_number: int
    torn: bool = False
    all_of_it: bool = False


class Points:
    """Counts the calls of this process that concern a session's folder."""

    def __init__(self, folder: Path, kill: Kill | None, trace: Path | None) -> None:
        self._folder = str(folder)
        self._kill = kill
        self._seen = 0
        self._trace: int | None = None
        if trace is not None:
            self._trace = os.open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.others: Callable[[], list[int]] = list
        self._process = os.getpid()

    def visit(self, name: str, half: Callable[[], object] | None = None) -> None:
        """Note a call that is about to be made, and die where that was asked for.

        A worker's points are not those of the trainers that are forked from it.
        """
        if os.getpid() != self._process:
            return
        self._seen += 1
        if self._trace is not None:
            _really_write(self._trace, f"{name}\n".encode())
        if self._kill is None or self._seen != self._kill.call_number:
            return
        if self._kill.torn and half is not None:
            half()
        self._die()

    def _die(self) -> NoReturn:
        if self._kill is not None and self._kill.all_of_it:
            for pid in self.others():
                kill_group(pid)
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    def place(self, target: object, folder: int | None = None) -> str | None:
        """Return the path below the session's folder that a path or descriptor stands for."""
        path = f"/proc/self/fd/{target}" if isinstance(target, int) else os.fspath(target)  # type: ignore[call-overload]
        if isinstance(target, int) or folder is not None:
            base = path if folder is None else f"/proc/self/fd/{folder}"
            try:
                real = os.readlink(base)
            except OSError:
                return None
            path = real if folder is None else f"{real}/{path}"
        path = os.path.abspath(path)
        inside = path.startswith(self._folder + os.sep)
        return path.removeprefix(self._folder + os.sep) if inside else None


def install(points: Points) -> None:
    """Let every such call of this process visit its point first."""
    for name in _CALLS:
        _wrap_call(points, name)
    for name in _WRITES:
        _wrap_write(points, name)
    _wrap_open(points)
    _wrap_commit(points)
    _wrap_messages(points)


def _wrap_call(points: Points, name: str) -> None:
    really = getattr(os, name)

    def call(target: Any, *args: Any, **kwargs: Any) -> Any:
        place = points.place(target, kwargs.get("dir_fd"))
        if place is not None:
            points.visit(f"{name} {place}")
        return really(target, *args, **kwargs)

    setattr(os, name, call)


def _wrap_write(points: Points, name: str) -> None:
    really = getattr(os, name)

    def write(file: int, content: Any, *args: Any) -> Any:
        place = points.place(file)
        if place is not None:
            half = bytes(content)[: len(content) // 2]
            kind = _kind_of_event(bytes(content)) if place == "events.jsonl" else ""
            points.visit(f"{name} {place}{kind}", lambda: really(file, half, *args))
        return really(file, content, *args)

    setattr(os, name, write)


def _kind_of_event(line: bytes) -> str:
    start = line.find(b'"kind":"')
    return "" if start < 0 else " " + line[start + 8 :].split(b'"', 1)[0].decode()


def _wrap_open(points: Points) -> None:
    """Visit files that C or Rust write to.

    They are visited when they are made, and again when they are moved into their place.
    """
    really = builtins.open

    def visited_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        place = points.place(file) if isinstance(file, str | Path) and mode[0] in "wax" else None
        if place is not None:
            points.visit(f"open {place}")
        return really(file, mode, *args, **kwargs)

    really_os_open = os.open

    def open_descriptor(path: Any, flags: int, *args: Any, **kwargs: Any) -> int:
        place = points.place(path, kwargs.get("dir_fd")) if flags & os.O_CREAT else None
        if place is not None:
            points.visit(f"open {place}")
        return really_os_open(path, flags, *args, **kwargs)

    builtins.open = visited_open
    os.open = open_descriptor


def _wrap_commit(points: Points) -> None:
    class VisitedConnection(sqlite3.Connection):
        def commit(self) -> None:
            points.visit("commit study.db")
            super().commit()

    module: Any = sqlite3
    really = module.connect

    def connect(*args: Any, **kwargs: Any) -> Any:
        return really(*args, **{"factory": VisitedConnection, **kwargs})

    module.connect = connect


def _wrap_messages(points: Points) -> None:
    from tuner.pool.local import LocalTrainer
    from tuner.training.channel import Channel

    for sender, method in ((LocalTrainer, "send"), (Channel, "send_message")):
        _wrap_send(points, sender, method)


def _wrap_send(points: Points, sender: type, method: str) -> None:
    really = getattr(sender, method)

    def send(self: Any, message: Any) -> Any:
        points.visit(f"say {type(message).__name__}")
        return really(self, message)

    setattr(sender, method, send)


def kill_group(leader: int) -> None:
    """SIGKILL to a process and its group, also before it leads one."""
    for kill in (os.killpg, os.kill):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            kill(leader, signal.SIGKILL)


def without_numbers(name: str) -> str:
    """Remove from a point's name what differs from one run to the next."""
    pattern = "".join("#" if character.isdigit() else character for character in name)
    while "##" in pattern:
        pattern = pattern.replace("##", "#")
    return pattern


if not sys.platform.startswith("linux"):
    raise ImportError("the points are told apart through /proc")
