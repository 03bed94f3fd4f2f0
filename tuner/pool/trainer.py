"""What the worker needs of a trainer, wherever that runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tuner.pool.protocol import Reply, Request


@dataclass(frozen=True, slots=True)
class TrainerExited:
    """The trainer ended: always its last message. `code` is that of its process, −9 for SIGKILL."""

    code: int
    lines: tuple[str, ...]

    def describe_exit(self) -> str:
        """One line for people."""
        if self.code < 0:
            return f"the trainer was ended by signal {-self.code}"
        return f"the trainer ended with exit code {self.code}"


@dataclass(frozen=True, slots=True)
class UndecodableMessage:
    """A message that this version does not understand; the trainer cannot be trusted any more."""

    line: str


TrainerMessage = Reply | TrainerExited | UndecodableMessage
Receive = Callable[["Trainer", TrainerMessage], None]


class Trainer(Protocol):
    """One model on one device. Messages arrive in order through the `Receive` it was started with;
    the last one is `TrainerExited`, after which the trainer holds no file and no device.
    """

    def send(self, request: Request) -> bool:
        """Hand over a request; False where the trainer is gone (`TrainerExited` is on its way)."""

    @property
    def is_alive(self) -> bool:
        """Whether `TrainerExited` has not been received yet."""

    @property
    def last_output_lines(self) -> tuple[str, ...]:
        """The end of what it printed."""

    def request_end(self) -> None:
        """Ask it to checkpoint and end."""

    def kill_process_group(self) -> None:
        """End it at once."""
