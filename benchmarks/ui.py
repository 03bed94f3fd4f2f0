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
from kit.ui_keys import press_all_keys

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
    options = parse_options()
    effort = SMOKE if options.smoke else FULL
    effort = replace(
        effort,
        trials=options.trials or effort.trials,
        rounds=options.rounds or effort.rounds,
    )
    machine_facts = report.describe_machine("cpu")
    report.print_line(report.machine_line(machine_facts))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "sessions"
        corpus.record_finished_session(root, "short")
        session = corpus.long_story(root, effort.trials, EVALUATIONS)
        size = session.events_path.stat().st_size / 1e6
        report.print_line(
            f"{effort.trials} trials × {EVALUATIONS} evaluations: {size:.0f} MB of log"
        )
        paints = first_paints(root, effort)
        opened = measure_openings(root, effort)
        resting = at_rest(root, effort)
    show_tables(paints, opened, resting, effort)
    document = {
        "benchmark": "ui",
        "smoke": options.smoke,
        "machine": machine_facts,
        "trials": effort.trials,
        "first_paint": paints,
        "opening": asdict(opened),
        "at_rest": resting,
    }
    report.write_document("ui-smoke" if options.smoke else "ui", document)
    return 0


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="everything once, on little")
    parser.add_argument("--trials", type=int, help="trials in the long log")
    parser.add_argument("--rounds", type=int)
    return parser.parse_args()


def tuner_command(root: Path, *arguments: str) -> list[str]:
    """Return the command as a user gives it."""
    return [sys.executable, "-m", "tuner", "--sessions", str(root), *arguments]


def clean_environment(root: Path) -> dict[str, str]:
    """Copy the user's environment with another home; keep compiled modules, as a user does."""
    home = str(root.parent)
    inherited = {
        name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }
    compiled = str(root.parent / "compiled")
    return {
        **inherited,
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
    corpus.record_whole_corpus(few)
    contenders = {
        "an empty Textual app": (
            [sys.executable, str(BENCHMARKS / "contenders" / "empty_app.py")],
            "everything-is-painted",
        ),
        "tuner, no sessions": (tuner_command(empty), "Palette"),
        "tuner, seven sessions": (tuner_command(few), "rte-roberta"),
    }
    starts_by_program: dict[str, list[Start]] = {name: [] for name in contenders}
    for number in range(effort.rounds + 1):
        for name, (command, text) in contenders.items():
            with Terminal(command, clean_environment(root), SIZE) as terminal:
                start = Start(terminal.wait_for_text(text), terminal.processor_seconds())
            if number:  # The first round only compiles the modules.
                starts_by_program[name].append(start)
    return starts_by_program


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


def measure_openings(root: Path, effort: Effort) -> Opened:
    """Open the long log, and press keys in it."""
    opened = Opened()
    some, whole = f" of {effort.trials + PLANNED_BEYOND}", f"{effort.trials} of "
    for _ in range(effort.rounds):
        with Terminal(
            tuner_command(root, "open", "short"), clean_environment(root), SIZE
        ) as terminal:
            seconds = terminal.wait_for_text("all 12 trials are done")
            opened.short.append(Start(seconds, terminal.processor_seconds()))
        with Terminal(
            tuner_command(root, "open", "long"), clean_environment(root), SIZE
        ) as terminal:
            terminal.wait_for_text("Palette")
            silences = [terminal.longest_silence(some)]
            opened.first_rows.append(
                Start(terminal.wait_for_text(some), terminal.processor_seconds())
            )
            silences.append(terminal.longest_silence(whole))
            opened.silence.append(max(silences))
            opened.usable.append(Start(terminal.wait_for_text(whole), terminal.processor_seconds()))
            terminal.wait_until_quiet(0.5)
            opened.memory.append(terminal.resident_memory() / 1e6)
            time.sleep(AHEAD)
            for scene, what, repaint in press_all_keys(terminal):
                opened.keys.setdefault(f"{scene}: {what}", []).append(repaint)
            opened.memory_after.append(terminal.resident_memory() / 1e6)
    return opened


# --- nothing pressed


def at_rest(root: Path, effort: Effort) -> dict[str, list[float]]:
    """Measure the share of one core that the UI takes while a study writes events."""
    shares_by_scene: dict[str, list[float]] = {}
    for name, keys in (("short", ""), ("short", "]"), ("long", ""), ("long", "]")):
        shares = shares_by_scene[f"{name}, {'Analysis' if keys else 'Live'}"] = []
        for _ in range(max(effort.rounds // 2, 1)):
            with writing_log(root / name):
                shares.append(measure_load(root, name, effort.seconds, keys))
    return shares_by_scene


def measure_load(root: Path, name: str, seconds: float, keys: str) -> float:
    """Processor seconds a second, once the log has been read and these keys were pressed."""
    with Terminal(tuner_command(root, "open", name), clean_environment(root), SIZE) as terminal:
        terminal.wait_for_text("RUNNING")
        _drain_output(terminal, AHEAD)
        terminal.type_keys(keys)
        _drain_output(terminal, AHEAD)
        started, used = time.monotonic(), terminal.processor_seconds()
        _drain_output(terminal, seconds)
        return (terminal.processor_seconds() - used) / (time.monotonic() - started)


def _drain_output(terminal: Terminal, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        terminal.wait_until_quiet(0.2, seconds=0.5)


@contextmanager
def writing_log(session: Path) -> Iterator[None]:
    """Somebody writes the log as a worker does."""
    command = [sys.executable, "-m", "contenders.talking_worker", str(session)]
    process = subprocess.Popen(command, cwd=BENCHMARKS)
    try:
        yield
    finally:
        process.kill()
        process.wait()


# --- telling


def show_tables(
    paints: dict[str, list[Start]], opened: Opened, resting: dict[str, list[float]], effort: Effort
) -> None:
    """Print all tables."""
    show_paints(paints)
    show_opened(opened, effort)
    show_keys(opened, effort)
    report.print_table(
        "A study talks and nothing is pressed: share of one core",
        ("session and view", "median", "spread", "goal"),
        [(name, *_median_and_spread([x * 100 for x in values], "{:.1f} %"), "≤ 3 %")
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
            report.median_ratio(part_values, [start[part] for start in base])
            for part, part_values in enumerate((wall, used))
        )
        seconds, spread = _median_and_spread(wall, "{:.2f}")
        processor = f"{report.median(used):.2f}"
        rows.append((name, seconds, spread, f"{of_wall:.2f}", processor, f"{of_used:.2f}"))
    report.print_table(
        "First paint: from the start of the process, seconds",
        ("program", "seconds", "spread", "× empty app", "processor", "× empty app"),
        rows,
        "Medians; ratios within a round. Goal: at most 2 × the empty app.",
    )


def show_opened(opened: Opened, effort: Effort) -> None:
    """Print how long the long log takes until it can be used."""
    short, usable = opened.short, opened.usable
    beyond = [long.processor - little.processor for long, little in zip(usable, short, strict=True)]
    first = [repaint.first * 1000 for repaints in opened.keys.values() for repaint in repaints]
    rows: list[tuple[str, ...]] = [
        (
            "short session usable, s",
            *_median_and_spread([start.seconds for start in short], "{:.2f}"),
            "",
        ),
        (
            "long log, first rows, s",
            *_median_and_spread([s.seconds for s in opened.first_rows], "{:.2f}"),
            "",
        ),
        (
            "long log read, s",
            *_median_and_spread([start.seconds for start in usable], "{:.2f}"),
            "≤ 2",
        ),
        ("processor for it beyond the short one, s", *_median_and_spread(beyond, "{:.2f}"), ""),
        ("longest silence, s", *_median_and_spread(opened.silence, "{:.3f}"), "no frozen frame"),
        ("key to first frame, all keys, ms", *_median_and_spread(first, "{:.1f}"), "≤ 50"),
        ("memory, MB", *_median_and_spread(opened.memory, "{:.0f}"), "≤ 250"),
        ("memory after all views, MB", *_median_and_spread(opened.memory_after, "{:.0f}"), "≤ 250"),
    ]
    report.print_table(
        f"A log of {effort.trials} trials × {EVALUATIONS} evaluations",
        ("what", "median", "spread", "goal"),
        rows,
        "From the start of the process: to a table whose keys answer, and to the whole of it.",
    )


def show_keys(opened: Opened, effort: Effort) -> None:
    """One row for each thing that a key does."""
    report.print_table(
        f"A key with {effort.trials} trials, ms",
        ("key", "first frame", "last frame", "processor", "slowest first frame"),
        [
            (what, *_repaint_milliseconds(repaints), f"{max(x.first for x in repaints) * 1000:.0f}")
            for what, repaints in opened.keys.items()
        ],
        "Medians. Panes without the focus may follow in later frames; the processor's time is that "
        "of all threads until nothing is painted any more. Before Escape (close, take off) Textual "
        "waits for 0.1 s whether it begins another key.",
    )


def _repaint_milliseconds(repaints: list[Repaint]) -> tuple[str, ...]:
    parts = (
        [x.first for x in repaints],
        [x.last for x in repaints],
        [x.processor for x in repaints],
    )
    return tuple(f"{report.median(part) * 1000:.0f}" for part in parts)


def _median_and_spread(values: list[float], form: str) -> tuple[str, str]:
    return form.format(report.median(values)), report.spread(values)


if __name__ == "__main__":
    sys.exit(main())
