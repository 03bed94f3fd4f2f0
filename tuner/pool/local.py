"""Trainers as processes on this machine, which talk over stdin and stdout."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

import msgspec

from tuner.interpreter import python_command
from tuner.pool.orphans import hold_lock_for_child, write_holder_pid
from tuner.pool.protocol import Reply, Request
from tuner.pool.trainer import Receive, TrainerExited, TrainerMessage, UndecodableMessage

TRAINER_VARIABLE = "TUNER_TRAINER"
MAX_OUTPUT_LINES = 40

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Reply)


def trainer_command() -> list[str]:
    """Return the trainer's command line; TUNER_TRAINER replaces it (tests use a stand-in)."""
    override = os.environ.get(TRAINER_VARIABLE)
    return shlex.split(override) if override else python_command("-m", "tuner.training")


class LocalTrainer:
    """A trainer process, its stdin, and two threads that read its stdout and stderr.

    It leads a process group of its own, so that Ctrl-C in a terminal reaches the worker alone. It
    inherits the lock on `lock`, which tells the next worker that it is still there (`orphans`).
    """

    def __init__(
        self,
        receive: Receive,
        print_line: Callable[[str], None],
        lock: Path,
        threads: int,
        command: Sequence[str] | None = None,
    ) -> None:
        self._receive = receive
        self._print_line = print_line
        self._last_output_lines: deque[str] = deque(maxlen=MAX_OUTPUT_LINES)
        with hold_lock_for_child(lock) as lock_file:
            self._process = subprocess.Popen(
                command or trainer_command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                pass_fds=[lock_file],
                env=trainer_environment(threads),
            )
            try:
                write_holder_pid(lock_file, self._process.pid)
            except OSError:
                self.kill_process_group()
                raise
        self.is_alive = True
        errors = threading.Thread(target=self._read_stderr, daemon=True)
        errors.start()
        threading.Thread(target=self._read_messages, args=[errors], daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def last_output_lines(self) -> tuple[str, ...]:
        return tuple(self._last_output_lines)

    def send(self, request: Request) -> bool:
        line = _encoder.encode(request) + b"\n"
        stdin = _require_pipe(self._process.stdin)
        if stdin.closed:
            return False
        try:
            stdin.write(line)
            stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def request_end(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            _require_pipe(self._process.stdin).close()

    def kill_process_group(self) -> None:
        # The process is not reaped before its pipes are closed, so the number is still its own.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _read_messages(self, errors: threading.Thread) -> None:
        for line in _require_pipe(self._process.stdout):
            message = self._decode_message(line)
            if message is not None:
                self._receive(self, message)
        errors.join()
        code = self._process.wait()
        self.is_alive = False
        self._receive(self, TrainerExited(code, self.last_output_lines))

    def _decode_message(self, line: bytes) -> TrainerMessage | None:
        """Return None for what a library printed; it goes where stderr goes."""
        try:
            message: Reply = _decoder.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            text = line.decode("utf-8", "replace").rstrip()
            if text.startswith('{"kind":'):
                return UndecodableMessage(text)
            self._keep_output_line(text)
            return None
        return message

    def _read_stderr(self) -> None:
        for line in _require_pipe(self._process.stderr):
            self._keep_output_line(line.decode("utf-8", "replace").rstrip())

    def _keep_output_line(self, text: str) -> None:
        self._last_output_lines.append(text)
        self._print_line(text)


def trainer_environment(threads: int) -> dict[str, str]:
    """Return the environment of a trainer: this process's, with the number of threads set."""
    return os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _require_pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream
