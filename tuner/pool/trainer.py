"""What the worker needs of a trainer, wherever it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tuner.pool.protocol import Reply, Request


@dataclass(frozen=True, slots=True)
class TrainerExited:
    """The trainer exited: always its last message. `code` is its exit code, −9 for SIGKILL."""

    code: int
    lines: tuple[str, ...]

    def describe_exit(self) -> str:
        if self.code < 0:
            return f"the trainer was killed by signal {-self.code}"
        return f"the trainer exited with code {self.code}"


@dataclass(frozen=True, slots=True)
class UndecodableMessage:
    """A message that this version cannot decode; the trainer cannot be trusted any more."""

    line: str


TrainerMessage = Reply | TrainerExited | UndecodableMessage
Receive = Callable[["Trainer", TrainerMessage], None]


class Trainer(Protocol):
    """One model on one device.

    Messages arrive in order through the `Receive` it was started with; the last one is
    `TrainerExited`, after which the trainer holds no file and no device.
    """

    def send(self, request: Request) -> bool:
        """Hand over a request; False if the trainer is gone (`TrainerExited` is on its way)."""

    @property
    def is_alive(self) -> bool:
        """Whether `TrainerExited` has not been received yet."""

    @property
    def last_output_lines(self) -> tuple[str, ...]: ...

    def request_end(self) -> None:
        """Ask the trainer to checkpoint and exit."""

    def kill_process_group(self) -> None: ...
