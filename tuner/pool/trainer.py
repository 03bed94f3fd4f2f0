"""What the worker needs of a trainer, wherever that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tuner.pool.protocol import Reply, Request


@dataclass(frozen=True, slots=True)
class Lost:
    """The trainer ended: always its last message. `code` is that of its process, −9 for SIGKILL."""

    code: int
    lines: tuple[str, ...]

    def describe(self) -> str:
        """One line for people."""
        if self.code < 0:
            return f"the trainer was ended by signal {-self.code}"
        return f"the trainer ended with exit code {self.code}"


@dataclass(frozen=True, slots=True)
class Garbled:
    """A message that this version does not understand; the trainer cannot be trusted any more."""

    line: str


TrainerMessage = Reply | Lost | Garbled
Receive = Callable[["Trainer", TrainerMessage], None]


class Trainer(Protocol):
    """One model on one device. Messages arrive in order through the `Receive` it was started with;
    the last one is `Lost`, after which the trainer holds no file and no device.
    """

    def send(self, request: Request) -> bool:
        """Hand over a request; False where the trainer is gone (`Lost` is on its way)."""

    @property
    def alive(self) -> bool:
        """Whether `Lost` has not been received yet."""

    @property
    def last_lines(self) -> tuple[str, ...]:
        """The end of what it printed."""

    def end(self) -> None:
        """Ask it to checkpoint and end."""

    def kill(self) -> None:
        """End it at once."""
