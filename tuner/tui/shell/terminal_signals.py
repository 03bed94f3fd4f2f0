"""Leaving the screen when somebody else ends it: a window closed, a machine shut down."""

from __future__ import annotations

import signal
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from textual.app import App

CHECK_EVERY = 2.0
"""Seconds between two looks whether the terminal is still there."""
_LEAVING = (signal.SIGHUP, signal.SIGTERM)
_PATIENCE = 5


@contextmanager
def leave_on_signals(app: App[Any]) -> Iterator[list[int]]:
    """Leave the app on SIGHUP and SIGTERM as `q` does, while open; yields the signals received.

    The terminal gets back its screen, cursor and mouse.
    """
    received: list[int] = []

    def leave_app(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        # A terminal that is gone may keep the screen from ending: then the kernel does it.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_PATIENCE)
        app.call_later(app.exit)

    previous_handlers = {number: signal.signal(number, leave_app) for number in _LEAVING}
    try:
        yield received
    finally:
        signal.alarm(0)
        for number, handler in previous_handlers.items():
            signal.signal(number, handler)


def watch_terminal(app: App[Any]) -> None:
    """Leave when the terminal is gone without a signal.

    That happens to a process without a session of its own: reading from the terminal would go on
    for ever and use a whole core.
    """
    stream = sys.__stdin__
    if stream is None or not stream.isatty():
        return
    descriptor = stream.fileno()

    def check_terminal() -> None:
        try:
            termios.tcgetattr(descriptor)
        except termios.error:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(_PATIENCE)
            app.exit()

    app.set_interval(CHECK_EVERY, check_terminal)
