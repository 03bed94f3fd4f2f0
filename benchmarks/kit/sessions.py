"""Real sessions: `tuner run` on a recipe, in processes of their own, and what its log says."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from kit import report
from kit.cpu import CpuWatch
from kit.processes import plain_environment
from kit.tasks import REPOSITORY, Task
from tuner.recipe.toml_text import format_toml_value
from tuner.session import events as e
from tuner.session.folder import Session, create_session
from tuner.session.tail import EventTail

# Each look takes milliseconds from cores that the trainers fill.
_BETWEEN_LOOKS = 0.5
Kind = TypeVar("Kind", bound=e.Event)


@dataclass(frozen=True)
class Run:
    """A session that came to its end: wall seconds of `tuner run`, and everything in the log.

    worker_cpu and trainers_cpu are processor seconds, 0 where the system does not tell.
    """

    started: float
    seconds: float
    worker_cpu: float
    trainers_cpu: float
    events: list[Any]

    def events_of_kind(self, kind: type[Kind]) -> list[Kind]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]


def recipe_text(raw: dict[str, Any]) -> str:
    """Write a recipe as TOML, section by section."""
    lines = []
    for section, values in raw.items():
        for table in values if isinstance(values, list) else [values]:
            lines.append(f"[[{section}]]" if isinstance(values, list) else f"[{section}]")
            lines += [f"{key} = {format_toml_value(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def data_section(task: Task) -> dict[str, Any]:
    """Return the section [data] for a prepared task."""
    return {
        "train": str(task.train),
        "validation": str(task.validation),
        "text": ["text", "second"] if task.pair else "text",
        "label": "label",
    }


def make_session(folder: Path, name: str, raw: dict[str, Any]) -> Session:
    return create_session(folder, name, recipe_text(raw))


def run_session(session: Session) -> Run:
    """`tuner run` to the end, as a user does. RuntimeError where the session fails."""
    watch = CpuWatch(session)
    command = [sys.executable, "-m", "tuner", "run", session.name]
    command += ["--sessions", str(session.path.parent)]
    started, clock = time.time(), time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env=plain_environment(),
        cwd=REPOSITORY,
        text=True,
    )
    while process.poll() is None:
        watch.sample_processes()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_BETWEEN_LOOKS)
    seconds = time.perf_counter() - clock
    error_output = process.communicate()[1].strip()
    if process.returncode:
        raise RuntimeError(f"tuner run ended with {process.returncode}: {error_output[-300:]}")
    report.neighbours.add_own_seconds(watch.worker_seconds + watch.trainer_seconds)
    events = EventTail(session.events_path).read_all_events()
    return Run(started, seconds, watch.worker_seconds, watch.trainer_seconds, events)
