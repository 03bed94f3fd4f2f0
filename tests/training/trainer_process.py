"""A trainer in a process of its own, spoken to as the worker does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from tests.faults.processes import become_process, fork_server
from tuner.pool.protocol import Evaluated, Failed, Go, Refused, Reply, Request, Setup
from tuner.training.serve import serve_requests

_DECODER: msgspec.json.Decoder[Reply] = msgspec.json.Decoder(Reply)


class ForkedProcess:
    """A main function as a process; as much of subprocess.Popen as is asked for here."""

    def __init__(self, main: Callable[[], int], log: Path) -> None:
        context = fork_server()
        requests, stdin = context.Pipe(duplex=False)
        stdout, replies = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_run_forked, args=(main, requests, replies, log), daemon=True
        )
        self._process.start()
        for end in (requests, replies):
            end.close()
        self.stdin = os.fdopen(os.dup(stdin.fileno()), "wb")
        self.stdout = os.fdopen(os.dup(stdout.fileno()), "rb")
        for end in (stdin, stdout):
            end.close()

    def send_signal(self, number: int) -> None:
        """Send it to the process alone."""
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    def wait(self, timeout: float) -> int:
        """Wait for the exit code, negative for a signal."""
        self._process.join(timeout)
        assert self._process.exitcode is not None, "it goes on and on"
        return self._process.exitcode


def _run_forked(
    main: Callable[[], int], requests: Connection, replies: Connection, log: Path
) -> NoReturn:
    with log.open("ab") as errors:
        files = [requests.fileno(), replies.fileno(), errors.fileno()]
        become_process(main, files, [], {})


class TrainerProcess:
    """`python -m tuner.training` with one thread."""

    process: subprocess.Popen[bytes] | ForkedProcess

    def __init__(
        self, session: Path, recipe: dict[str, Any], log: Path, device: str = "cpu"
    ) -> None:
        self.log = log
        self.start()
        self.send(Setup(session=str(session), recipe=recipe, device=device, threads=1))

    def start(self) -> None:
        """Start an interpreter."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tuner.training"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.log.open("ab"),
            env=os.environ | {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"},
        )

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


class ForkedTrainerProcess(TrainerProcess):
    """The trainer alone, without the seconds in which an interpreter imports torch."""

    def start(self) -> None:
        """Fork one that has imported everything."""
        self.process = ForkedProcess(serve_requests, self.log)
