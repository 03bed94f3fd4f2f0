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
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from kit import report
from kit.processes import BENCHMARKS
from kit.tasks import REPOSITORY
from kit.terminal import Repaint, Terminal
from kit.ui_keys import pressed

sys.path.insert(0, str(REPOSITORY))

from tests.tui import corpus

SIZE = (120, 40)
EVALUATIONS = 10
PLANNED_BEYOND = 50
"""Trials that the long log's session has still to run."""
AHEAD = 2.5
"""Seconds after which the program has imported what is shown later."""


@dataclass(frozen=True)
class Effort:
    """Trials in the long log, rounds, and seconds of watching a running study."""

    trials: int
    rounds: int
    seconds: float


class Start(NamedTuple):
    """Seconds from the start of a process, and those of its processor."""

    seconds: float
    processor: float


FULL = Effort(trials=10_000, rounds=5, seconds=30.0)
SMOKE = Effort(trials=200, rounds=1, seconds=3.0)


def main() -> int:
    """Tables and one JSON file."""
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
        "opening": asdict(opened),
        "at_rest": resting,
    }
    report.write("ui-smoke" if options.smoke else "ui", document)
    return 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="everything once, on little")
    parser.add_argument("--trials", type=int, help="trials in the long log")
    parser.add_argument("--rounds", type=int)
    return parser.parse_args()


def tuner(root: Path, *arguments: str) -> list[str]:
    """Return the command as a user gives it."""
    return [sys.executable, "-m", "tuner", "--sessions", str(root), *arguments]


def environment(root: Path) -> dict[str, str]:
    """Copy the user's environment with another home; keep compiled modules, as a user does."""
    home = str(root.parent)
    kept = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    compiled = str(root.parent / "compiled")
    return {
        **kept,
        "HOME": home,
        "XDG_CONFIG_HOME": home,
        "XDG_STATE_HOME": home,
        "PYTHONPYCACHEPREFIX": compiled,
        "PYTHONPATH": str(REPOSITORY),
    }


# --- first paint


def first_paints(root: Path, effort: Effort) -> dict[str, list[Start]]:
    """From the start of the process to the last word of the first screen, in turn."""
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
        "tuner, seven sessions": (tuner(few), "rte-roberta"),
    }
    found: dict[str, list[Start]] = {name: [] for name in contenders}
    for number in range(effort.rounds + 1):
        for name, (command, text) in contenders.items():
            with Terminal(command, environment(root), SIZE) as terminal:
                start = Start(terminal.until(text), terminal.processor_seconds())
            if number:  # The first round only compiles the modules.
                found[name].append(start)
    return found


# --- a long log


@dataclass
class Opened:
    """What was seen of a long log; `keys` by scene and by what the key does."""

    short: list[Start] = field(default_factory=list)
    first_rows: list[Start] = field(default_factory=list)
    usable: list[Start] = field(default_factory=list)
    silence: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    memory_after: list[float] = field(default_factory=list)
    keys: dict[str, list[Repaint]] = field(default_factory=dict)


def openings(root: Path, effort: Effort) -> Opened:
    """Open the long log, and press keys in it."""
    found = Opened()
    some, whole = f" of {effort.trials + PLANNED_BEYOND}", f"{effort.trials} of "
    for _ in range(effort.rounds):
        with Terminal(tuner(root, "open", "short"), environment(root), SIZE) as terminal:
            seconds = terminal.until("all 12 trials are done")
            found.short.append(Start(seconds, terminal.processor_seconds()))
        with Terminal(tuner(root, "open", "long"), environment(root), SIZE) as terminal:
            terminal.until("Palette")
            silences = [terminal.longest_silence(some)]
            found.first_rows.append(Start(terminal.until(some), terminal.processor_seconds()))
            silences.append(terminal.longest_silence(whole))
            found.silence.append(max(silences))
            found.usable.append(Start(terminal.until(whole), terminal.processor_seconds()))
            terminal.settle(0.5)
            found.memory.append(terminal.memory() / 1e6)
            time.sleep(AHEAD)
            for scene, what, repaint in pressed(terminal):
                found.keys.setdefault(f"{scene}: {what}", []).append(repaint)
            found.memory_after.append(terminal.memory() / 1e6)
    return found


# --- nothing pressed


def at_rest(root: Path, effort: Effort) -> dict[str, list[float]]:
    """Measure the share of one core that the UI takes while a study writes events."""
    found: dict[str, list[float]] = {}
    for name, keys in (("short", ""), ("short", "]"), ("long", ""), ("long", "]")):
        shares = found[f"{name}, {'Analysis' if keys else 'Live'}"] = []
        for _ in range(max(effort.rounds // 2, 1)):
            with talking(root / name):
                shares.append(watched(root, name, effort.seconds, keys))
    return found


def watched(root: Path, name: str, seconds: float, keys: str) -> float:
    """Processor seconds a second, once the log has been read and these keys were pressed."""
    with Terminal(tuner(root, "open", name), environment(root), SIZE) as terminal:
        terminal.until("RUNNING")
        _watch(terminal, AHEAD)
        terminal.type(keys)
        _watch(terminal, AHEAD)
        started, used = time.monotonic(), terminal.processor_seconds()
        _watch(terminal, seconds)
        return (terminal.processor_seconds() - used) / (time.monotonic() - started)


def _watch(terminal: Terminal, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        terminal.settle(0.2, seconds=0.5)


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
    paints: dict[str, list[Start]], opened: Opened, resting: dict[str, list[float]], effort: Effort
) -> None:
    """Print all tables."""
    show_paints(paints)
    show_opened(opened, effort)
    show_keys(opened, effort)
    report.show(
        "A study talks and nothing is pressed: share of one core",
        ("session and view", "median", "spread", "goal"),
        [(name, *_cells([x * 100 for x in values], "{:.1f} %"), "≤ 3 %")
         for name, values in resting.items()],
        f"Over {effort.seconds:g} s, two steps a second and an evaluation every five seconds.",
    )  # fmt: skip


def show_paints(paints: dict[str, list[Start]]) -> None:
    """Seconds, and what the neighbours on the machine change less: those of the processor."""
    base = next(iter(paints.values()))
    rows = []
    for name, starts in paints.items():
        wall, used = ([start[part] for start in starts] for part in (0, 1))
        of_wall, of_used = (
            report.ratio(own, [start[part] for start in base])
            for part, own in enumerate((wall, used))
        )
        seconds, spread = _cells(wall, "{:.2f}")
        processor = f"{report.median(used):.2f}"
        rows.append((name, seconds, spread, f"{of_wall:.2f}", processor, f"{of_used:.2f}"))
    report.show(
        "First paint: from the start of the process, seconds",
        ("program", "seconds", "spread", "× empty app", "processor", "× empty app"),
        rows,
        "Medians; ratios within a round. Goal: at most 2 × the empty app.",
    )


def show_opened(opened: Opened, effort: Effort) -> None:
    """Print how long the long log takes until it can be used."""
    short, usable = opened.short, opened.usable
    beyond = [long.processor - little.processor for long, little in zip(usable, short, strict=True)]
    first = [repaint.first * 1000 for found in opened.keys.values() for repaint in found]
    rows: list[tuple[str, ...]] = [
        ("short session usable, s", *_cells([start.seconds for start in short], "{:.2f}"), ""),
        ("long log, first rows, s", *_cells([s.seconds for s in opened.first_rows], "{:.2f}"), ""),
        ("long log read, s", *_cells([start.seconds for start in usable], "{:.2f}"), "≤ 2"),
        ("processor for it beyond the short one, s", *_cells(beyond, "{:.2f}"), ""),
        ("longest silence, s", *_cells(opened.silence, "{:.3f}"), "no frozen frame"),
        ("key to first frame, all keys, ms", *_cells(first, "{:.1f}"), "≤ 50"),
        ("memory, MB", *_cells(opened.memory, "{:.0f}"), "≤ 250"),
        ("memory after all views, MB", *_cells(opened.memory_after, "{:.0f}"), "≤ 250"),
    ]
    report.show(
        f"A log of {effort.trials} trials × {EVALUATIONS} evaluations",
        ("what", "median", "spread", "goal"),
        rows,
        "From the start of the process: to a table whose keys answer, and to the whole of it.",
    )


def show_keys(opened: Opened, effort: Effort) -> None:
    """One row for each thing that a key does."""
    report.show(
        f"A key with {effort.trials} trials, ms",
        ("key", "first frame", "last frame", "processor", "slowest first frame"),
        [
            (what, *_milliseconds(found), f"{max(x.first for x in found) * 1000:.0f}")
            for what, found in opened.keys.items()
        ],
        "Medians. Panes without the focus may follow in later frames; the processor's time is that "
        "of all threads until nothing is painted any more. Before Escape (close, take off) Textual "
        "waits for 0.1 s whether it begins another key.",
    )


def _milliseconds(found: list[Repaint]) -> tuple[str, ...]:
    parts = ([x.first for x in found], [x.last for x in found], [x.processor for x in found])
    return tuple(f"{report.median(part) * 1000:.0f}" for part in parts)


def _cells(values: list[float], form: str) -> tuple[str, str]:
    return form.format(report.median(values)), report.spread(values)


if __name__ == "__main__":
    sys.exit(main())
