"""Ctrl-C and SIGTERM: the first asks what is followed to pause, the second leaves at once."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

Handler = Callable[[int, FrameType | None], None]
PAUSE_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Terminated(KeyboardInterrupt):
    """A signal that ends the process as Ctrl-C does; `exit_code` is 128 + number, as in shells."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_code = 128 + number


class Interruptions:
    """The signals received so far."""

    def __init__(self) -> None:
        self.received: list[int] = []

    @property
    def any_received(self) -> bool:
        return bool(self.received)

    @property
    def first_exit_code(self) -> int:
        return 128 + self.received[0]

    def record_signal(self, number: int, _frame: FrameType | None) -> None:
        """Record a signal; raises Terminated at the second one."""
        self.received.append(number)
        if len(self.received) > 1:
            raise Terminated(number)


@contextmanager
def record_interruptions() -> Iterator[Interruptions]:
    """Record SIGINT and SIGTERM while open. Signals that are ignored (nohup, &) stay ignored."""
    interruptions = Interruptions()
    with _install_handlers(interruptions.record_signal, PAUSE_SIGNALS):
        yield interruptions


@contextmanager
def exit_on_sigterm() -> Iterator[None]:
    """Make SIGTERM end the process as Ctrl-C does, also on PID 1, which would ignore it."""

    def raise_terminated(number: int, _frame: FrameType | None) -> None:
        raise Terminated(number)

    with _install_handlers(raise_terminated, [signal.SIGTERM]):
        yield


@contextmanager
def _install_handlers(handler: Handler, numbers: Sequence[signal.Signals]) -> Iterator[None]:
    handled_signals = [
        number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN
    ]
    previous_handlers = {number: signal.signal(number, handler) for number in handled_signals}
    try:
        yield
    finally:
        for number, previous_handler in previous_handlers.items():
            signal.signal(number, previous_handler)
