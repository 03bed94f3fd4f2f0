"""Contenders in processes of their own, with the environment that their users would have."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from kit.child import ANSWER, READY

BENCHMARKS = Path(__file__).resolve().parents[1]
_THREADS = ("OMP_", "MKL_", "GOMP_", "KMP_", "TOKENIZERS_", "RAYON_")
_MEMORY = ("MALLOC_", "GLIBC_", "LD_PRELOAD")


class ContenderFailed(Exception):
    """A contender ended without an answer; the message is the last line it wrote."""


@dataclass(frozen=True)
class Contender:
    """A module to run, `copies` of it at once; `python` is its environment's interpreter."""

    module: str
    request: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)
    copies: int = 1
    python: str = sys.executable


def usable_cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def plain_environment(threads: int | None = None) -> dict[str, str]:
    """Drop all settings of threads and memory; set `threads` only to use fewer than all cores."""
    variables = {
        key: value for key, value in os.environ.items() if not key.startswith(_THREADS + _MEMORY)
    }
    variables |= {"HF_HUB_DISABLE_TELEMETRY": "1", "WANDB_MODE": "disabled"}
    if threads is not None and threads < usable_cores():
        variables["OMP_NUM_THREADS"] = str(threads)
    return variables


def run_copies(contender: Contender) -> list[dict[str, Any]]:
    """Start all copies, let them begin together, and return what each measured."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        started = [_start_copy(contender, errors) for _ in range(contender.copies)]
        try:
            for process in started:
                _read_until(process, READY, errors)
            for process in started:
                _let_begin(process)
            return [_read_answer(process, errors) for process in started]
        finally:
            for process in started:
                process.kill()
                process.communicate()


def run_single(contender: Contender) -> dict[str, Any]:
    """One copy's answer."""
    return run_copies(contender)[0]


@contextmanager
def open_conversation(contender: Contender) -> Iterator[Callable[[], dict[str, Any]]]:
    """Start a contender that answers more than once; what is yielded asks for the next answer."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = _start_copy(contender, errors)

        def ask_for_answer() -> dict[str, Any]:
            _read_until(process, READY, errors)
            _let_begin(process)
            return _read_answer(process, errors)

        try:
            yield ask_for_answer
        finally:
            process.kill()
            process.communicate()


def _let_begin(process: subprocess.Popen[str]) -> None:
    pipe = _require_pipe(process.stdin)
    pipe.write("\n")
    pipe.flush()


def _start_copy(contender: Contender, errors: IO[str]) -> subprocess.Popen[str]:
    request = contender.request | {"started_at": time.time()}
    return subprocess.Popen(
        [contender.python, "-m", contender.module, json.dumps(request)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env=contender.environment or plain_environment(),
        cwd=BENCHMARKS,
        text=True,
    )


def _read_until(process: subprocess.Popen[str], mark: str, errors: IO[str]) -> str:
    for line in _require_pipe(process.stdout):
        if line.startswith(mark):
            return line.removeprefix(mark)
    process.wait()
    errors.seek(0)
    error_lines = [line.strip() for line in errors if line.strip()]
    raise ContenderFailed(
        error_lines[-1][:300] if error_lines else f"exit code {process.returncode}"
    )


def _read_answer(process: subprocess.Popen[str], errors: IO[str]) -> dict[str, Any]:
    answered: dict[str, Any] = json.loads(_read_until(process, ANSWER, errors))
    return answered


def _require_pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
