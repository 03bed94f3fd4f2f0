"""Leaving the screen when somebody else ends it: a window closed, a machine shut down."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from textual.app import App

_LEAVING = (signal.SIGHUP, signal.SIGTERM)
_PATIENCE = 5


@contextmanager
def leaving_on_signals(app: App[Any]) -> Iterator[list[int]]:
    """While this is open, SIGHUP and SIGTERM leave the app as `q` does: the terminal gets back its
    screen, cursor and mouse. Gives the signals that came.
    """
    received: list[int] = []

    def leave(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        # A terminal that is gone may keep the screen from ending: then the kernel does it.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_PATIENCE)
        app.call_later(app.exit)

    before = {number: signal.signal(number, leave) for number in _LEAVING}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
