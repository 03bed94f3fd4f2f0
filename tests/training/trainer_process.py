"""A trainer in a process of its own, spoken to as the worker does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

from tuner.pool.protocol import Evaluated, Failed, Go, Refused, Reply, Request, Setup

_DECODER: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


class TrainerProcess:
    """`python -m tuner.training` with one thread."""

    def __init__(
        self, session: Path, recipe: dict[str, Any], log: Path, device: str = "cpu"
    ) -> None:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        self.log = log
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tuner.training"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log.open("ab"),
            env=environment,
        )
        self.send(Setup(session=str(session), recipe=recipe, device=device, threads=1))

    def send(self, request: Request) -> None:
        """Write one request."""
        assert self.process.stdin is not None
        self.process.stdin.write(msgspec.json.encode(request) + b"\n")
        self.process.stdin.flush()

    def receive(self) -> Reply | None:
        """Return the next message, or None at the end."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        return _DECODER.decode(line) if line else None

    def until(self, *kinds: type[Any]) -> list[Reply]:
        """All messages up to the first of these kinds; evaluations on the way are answered Go."""
        messages: list[Reply] = []
        while (message := self.receive()) is not None:
            messages.append(message)
            if isinstance(message, kinds):
                return messages
            assert not isinstance(message, (Failed, Refused)), message
            if isinstance(message, Evaluated):
                self.send(Go(trial=message.trial))
        raise AssertionError(f"ended after {messages}: {self.log.read_text()[-2000:]}")

    def close_stdin(self) -> None:
        """Close the pipe, as happens when the worker is gone."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> int:
        """Wait for the exit code."""
        assert self.process.stdout is not None
        self.process.stdout.close()
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()
        return self.process.wait(timeout=60)
