"""The UI on a terminal: first paint, keys, a long log, and what it takes while nothing is pressed.

python benchmarks/ui.py [--smoke] [--trials N] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit import report
from kit.processes import BENCHMARKS
from kit.tasks import REPOSITORY
from kit.terminal import Terminal

sys.path.insert(0, str(REPOSITORY))

from tests.tui import corpus

SIZE = (120, 40)
EVALUATIONS = 10
KEYS = ("j", "k", "j", "G", "g", "o", "R", "2", "1", "z", "z", "/", "\x1b", "]", "[")
"""Moving, sorting, panes, zoom, filter, views: each of them paints."""


@dataclass(frozen=True)
class Effort:
    """Trials in the long log, rounds, and seconds of watching a running study."""

    trials: int
    rounds: int
    seconds: float


FULL = Effort(trials=10_000, rounds=5, seconds=30.0)
SMOKE = Effort(trials=200, rounds=1, seconds=3.0)


def main() -> int:
    """Four tables and one JSON file."""
    options = parsed()
    effort = SMOKE if options.smoke else FULL
    effort = replace(
        effort,
        trials=options.trials or effort.trials,
        rounds=options.rounds or effort.rounds,
    )
    seen = report.machine("cpu")
    report.say(report.machine_line(seen))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sessions"
        corpus.finished(root, "short")
        session = corpus.long_story(root, effort.trials, EVALUATIONS)
        size = session.events_path.stat().st_size / 1e6
        report.say(f"{effort.trials} trials × {EVALUATIONS} evaluations: {size:.0f} MB of log")
        paints = first_paints(root, effort)
        opened = openings(root, effort)
        resting = at_rest(root, effort)
    show(paints, opened, resting, effort)
    document = {
        "benchmark": "ui",
        "smoke": options.smoke,
        "machine": seen,
        "trials": effort.trials,
        "first_paint": paints,
        "opening": opened,
        "at_rest": resting,
    }
    report.write("ui-smoke" if options.smoke else "ui", document)
    return 0


def parsed() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="everything once, on little")
    parser.add_argument("--trials", type=int, help="trials in the long log")
    parser.add_argument("--rounds", type=int)
    return parser.parse_args()


def tuner(root: Path, *arguments: str) -> list[str]:
    """The command as a user gives it."""
    return [sys.executable, "-m", "tuner", "--sessions", str(root), *arguments]


def environment(root: Path) -> dict[str, str]:
    """The user's own, without the user's settings."""
    home = str(root.parent)
    return {**os.environ, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_STATE_HOME": home}


# --- first paint


def first_paints(root: Path, effort: Effort) -> dict[str, list[float]]:
    """Seconds from the start of the process to the last word of the first screen, in turn."""
    empty = root.parent / "no-sessions"
    empty.mkdir()
    few = root.parent / "few"
    corpus.all_of_them(few)
    contenders = {
        "an empty Textual app": (
            [sys.executable, str(BENCHMARKS / "contenders" / "empty_app.py")],
            "everything-is-painted",
        ),
        "tuner, no sessions": (tuner(empty), "Palette"),
        "tuner, seven sessions": (tuner(few), "trec-bert"),
    }
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(effort.rounds + 1):
        for name, (command, text) in contenders.items():
            with Terminal(command, environment(root), SIZE) as terminal:
                seconds = terminal.until(text)
            if number:  # The first round only fills the caches.
                found[name].append(seconds)
    return found


# --- a long log


def openings(root: Path, effort: Effort) -> dict[str, list[float]]:
    """Opening the long log, and pressing keys in it."""
    found: dict[str, list[float]] = {
        "usable": [],
        "longest_silence": [],
        "keys": [],
        "memory": [],
        "empty_usable": [],
    }
    for _ in range(effort.rounds):
        with Terminal(tuner(root, "open", "short"), environment(root), SIZE) as terminal:
            found["empty_usable"].append(terminal.until("all 12 trials are done"))
        with Terminal(tuner(root, "open", "long"), environment(root), SIZE) as terminal:
            terminal.until("Palette")
            found["longest_silence"].append(terminal.longest_silence(f"{effort.trials} of "))
            found["usable"].append(terminal.until(f"{effort.trials} of "))
            terminal.settle(0.5)
            found["keys"] += [terminal.press(key) for key in KEYS]
            found["memory"].append(terminal.memory() / 1e6)
    return found


# --- nothing pressed


def at_rest(root: Path, effort: Effort) -> dict[str, list[float]]:
    """The share of one core that the UI takes while a study talks."""
    found: dict[str, list[float]] = {}
    for name in ("short", "long"):
        found[name] = []
        for _ in range(max(effort.rounds // 2, 1)):
            with talking(root / name):
                found[name].append(watched(root, name, effort.seconds))
    return found


def watched(root: Path, name: str, seconds: float) -> float:
    """Processor seconds a second, once the log has been read."""
    with Terminal(tuner(root, "open", name), environment(root), SIZE) as terminal:
        terminal.until("RUNNING")
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            terminal.settle(0.2, seconds=0.5)
        started, used = time.monotonic(), terminal.processor_seconds()
        while time.monotonic() - started < seconds:
            terminal.settle(0.2, seconds=0.5)
        return (terminal.processor_seconds() - used) / (time.monotonic() - started)


@contextmanager
def talking(session: Path) -> Iterator[None]:
    """Somebody writes the log as a worker does."""
    command = [sys.executable, "-m", "contenders.talking_worker", str(session)]
    process = subprocess.Popen(command, cwd=BENCHMARKS)
    try:
        yield
    finally:
        process.kill()
        process.wait()


# --- telling


def show(
    paints: dict[str, list[float]],
    opened: dict[str, list[float]],
    resting: dict[str, list[float]],
    effort: Effort,
) -> None:
    """The tables."""
    base = next(iter(paints.values()))
    report.show(
        "First paint: from the start of the process, seconds",
        ("program", "seconds", "spread", "× empty app"),
        [
            (name, f"{report.median(x):.2f}", report.spread(x), f"{report.ratio(x, base):.2f}")
            for name, x in paints.items()
        ],
        "Medians; ratios within a round. Goal: at most 2 × the empty app.",
    )
    rows: list[tuple[Any, ...]] = [
        ("short session usable, s", *_cells(opened["empty_usable"], "{:.2f}"), ""),
        ("long log usable, s", *_cells(opened["usable"], "{:.2f}"), "≤ 2 beyond the short one"),
        ("longest silence, s", *_cells(opened["longest_silence"], "{:.3f}"), "no frozen frame"),
        ("key to repaint, ms", *_cells([x * 1000 for x in opened["keys"]], "{:.1f}"), "≤ 50"),
        ("memory, MB", *_cells(opened["memory"], "{:.0f}"), "≤ 250"),
    ]
    report.show(
        f"A log of {effort.trials} trials × {EVALUATIONS} evaluations",
        ("what", "median", "spread", "goal"),
        rows,
        "From the start of the process to the whole table; repaint until nothing more is painted.",
    )
    report.show(
        "A study talks and nothing is pressed: share of one core",
        ("session", "median", "spread", "goal"),
        [(name, *_cells([x * 100 for x in values], "{:.1f} %"), "≤ 3 %")
         for name, values in resting.items()],
        f"Over {effort.seconds:g} s, two steps a second and an evaluation every five seconds.",
    )  # fmt: skip


def _cells(values: list[float], form: str) -> tuple[str, str]:
    return form.format(report.median(values)), report.spread(values)


if __name__ == "__main__":
    sys.exit(main())
