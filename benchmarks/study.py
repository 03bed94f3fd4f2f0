"""The whole way, end to end: a study by `tuner run` against a script with Optuna and the Trainer.

    python benchmarks/study.py [--smoke] [--model NAME] [--data NAME] [--search] [--parts]

Both sides train the same configurations for the same epochs from the start of a process to its end,
each evaluation included. With --search each side searches the same range in its own usual way
instead, pruning as it does by default. With --parts only tuner runs: how fast the whole study is
against its training steps alone, and where the rest of the time goes.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kit import report
from kit.batches import rows_of_steps
from kit.models import model_at
from kit.options import make_parser
from kit.processes import (
    Contender,
    ContenderFailed,
    plain_environment,
    run_copies,
    run_single,
    usable_cores,
)
from kit.sessions import data_section, make_session, run_session
from kit.study_parts import divide_study, show_parts
from kit.tasks import Task, chosen_sources, prepare_task
from tuner.pool.local import trainer_environment
from tuner.session import events as e

BATCH_SIZE = 16
WARM_UP = 0.06
PARTS_STEPS = 30
SCRIPT = "Optuna + Trainer"
RANGES = {"demo": (3e-4, 1e-2)}
USUAL_RANGE = (1e-5, 1e-4)


@dataclass(frozen=True)
class Outcome:
    """One run: its wall seconds, each rate's score, and how many trials did not reach the end."""

    seconds: float
    scores: dict[str, float]
    ended_early: int


@dataclass
class Side:
    """A contender and its runs."""

    name: str
    about: str
    run: Callable[[Path], Outcome]
    runs: list[Outcome] = field(default_factory=list)
    failure: str = ""

    @property
    def seconds(self) -> list[float]:
        return [run.seconds for run in self.runs]


def main() -> int:
    """One table and one JSON file."""
    options = parse_options()
    machine_facts = report.describe_machine(options.device)
    report.print_line(report.machine_line(machine_facts))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        name, source = next(iter(chosen_sources(options.data).items()))
        task = prepare_task(name, source, scratch, options.rows or None)
        if options.parts:
            return measure_parts(options, task, scratch, machine_facts)
        sides = make_sides(options, task, scratch)
        for number in range(options.rounds):
            for side in sides:
                place = scratch / f"{side.name}-{number}".replace(" ", "-").replace(",", "")
                place.mkdir()
                try:
                    side.runs.append(side.run(place))
                    outcome_text = f"{side.seconds[-1]:.1f} s"
                except (ContenderFailed, RuntimeError) as failed:
                    side.failure = outcome_text = str(failed)
                report.print_line(f"round {number + 1}: {side.name}: {outcome_text}")
    show_sides(options, task, sides)
    document = {
        "benchmark": "study",
        "smoke": options.smoke,
        "machine": machine_facts,
        "options": vars(options),
        "rates": learning_rates(options),
        "training_rows": task.count,
        "sides": [
            {
                "name": side.name,
                "about": side.about,
                "failure": side.failure,
                "runs": [vars(run) for run in side.runs],
            }
            for side in sides
        ],
    }
    name = "study-search" if options.search else "study"
    report.write_document(f"{name}-smoke" if options.smoke else name, document)
    return 0


def parse_options() -> argparse.Namespace:
    """Parse the command line; --smoke takes the embedded model and data unless others are named."""
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, help="training rows; 0: all")
    parser.add_argument("--trials", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--slots", help="trials at once of tuner, by commas: auto, 1, 2, …")
    parser.add_argument("--search", action="store_true", help="each side with its own defaults")
    parser.add_argument(
        "--parts", action="store_true", help="where a study's time goes; tuner only"
    )
    options = parser.parse_args()
    usual = _parts_settings() if options.parts else _full_settings()
    if options.smoke:
        usual = ("demo", "demo", 96, 3, 2, "2" if options.parts else "auto")
    for key, value in zip(
        ("model", "data", "rows", "trials", "epochs", "slots"), usual, strict=True
    ):
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options


def _full_settings() -> tuple[str, str, int, int, int, str]:
    many = min(usable_cores(), 4)
    return "minilm", "rte", 640, 12, 3, f"auto,{many}" if many > 1 else "auto"


def _parts_settings() -> tuple[str, str, int, int, int, str]:
    return "minilm", "rte", 480, 6, 2, str(min(usable_cores(), 4))


def learning_rates(options: argparse.Namespace) -> list[float]:
    """Spread the learning rates of the trials evenly on a log scale."""
    low, high = RANGES.get(options.model, USUAL_RANGE)
    steps = max(1, options.trials - 1)
    return [float(f"{low * (high / low) ** (n / steps):.3g}") for n in range(options.trials)]


def make_sides(options: argparse.Namespace, task: Task, scratch: Path) -> list[Side]:
    """List tuner with each number of slots, and the script."""
    model = str(model_at(options.model, scratch))
    sides = [
        Side(
            f"tuner, slots {slots}",
            "tuner run: worker, database, predictions, best model saved",
            lambda place, slots=slots: tuner_run(options, task, model, place, slots),  # type: ignore[misc]
        )
        for slots in options.slots.split(",")
    ]
    about = "SQLite, a Trainer a trial, dynamic padding; nothing saved"
    return [
        *sides,
        Side(SCRIPT, about, lambda place: script_run(options, task, model, place)),
    ]


def study_recipe(options: argparse.Namespace, task: Task, model: str, slots: str) -> dict[str, Any]:
    """Make the recipe of tuner's side."""
    rate: dict[str, Any] = {"choices": learning_rates(options)}
    search: dict[str, Any] = {"trials": options.trials, "baseline": False, "metric": "accuracy"}
    if options.search:
        low, high = min(learning_rates(options)), max(learning_rates(options))
        rate = {"low": low, "high": high, "scale": "log"}
    else:
        search |= {"sampler": "grid", "pruner": "none"}
    search["slots"] = slots if slots == "auto" else int(slots)
    return {
        "model": {"name": model, "max_length": task.max_length},
        "data": data_section(task),
        "training": {
            "epochs": options.epochs,
            "batch_size": BATCH_SIZE,
            "warmup": WARM_UP,
            "seed": 42,
        },
        "groups": [{"name": "all", "rest": True, "lr": rate}],
        "search": search,
    }


def tuner_run(
    options: argparse.Namespace, task: Task, model: str, place: Path, slots: str
) -> Outcome:
    """Run a session from `tuner run` to its end."""
    run = run_session(make_session(place, "study", study_recipe(options, task, model, slots)))
    used = {event.trial: event.params["lr.all"] for event in run.events_of_kind(e.TrialStarted)}
    complete = run.events_of_kind(e.TrialCompleted)
    scores = {str(used[event.trial]): event.value for event in complete}
    return Outcome(run.seconds, scores, options.trials - len(complete))


def measure_parts(
    options: argparse.Namespace, task: Task, scratch: Path, machine_facts: dict[str, Any]
) -> int:
    """Run whole studies, and in the same rounds their parts by themselves."""
    model, slots = str(model_at(options.model, scratch)), int(options.slots)
    threads = max(1, usable_cores() // slots)
    work = replace(
        task.training_work(model, BATCH_SIZE, threads, options.device),
        rows=rows_of_steps(task.count, BATCH_SIZE, PARTS_STEPS, seed=0),
        scratch=str(scratch / "parts"),
    )
    contender = Contender(
        "contenders.tuner_parts", work.as_request(), trainer_environment(threads), copies=slots
    )
    examples, rounds = options.trials * options.epochs * task.count, []
    for number in range(options.rounds):
        place = scratch / f"round-{number}"
        place.mkdir()
        run = run_session(
            make_session(place, "study", study_recipe(options, task, model, options.slots))
        )
        copies = run_copies(contender)
        rounds.append(divide_study(run, slots, examples, len(work.rows), copies))
        report.print_line(f"round {number + 1}: {rounds[-1].whole_speed:.1f} examples/s")
    title = (
        f"{options.model} on {task.count} rows of {task.name}: {options.trials} trials × "
        f"{options.epochs} epochs, batch {BATCH_SIZE}, {slots} slots × {threads} threads"
    )
    show_parts(title, rounds)
    document = {
        "benchmark": "study-parts",
        "smoke": options.smoke,
        "machine": machine_facts,
        "options": vars(options),
        "rounds": [vars(each) for each in rounds],
    }
    name = "study-parts"
    report.write_document(f"{name}-smoke" if options.smoke else name, document)
    return 0


def script_run(options: argparse.Namespace, task: Task, model: str, place: Path) -> Outcome:
    """Run the script from its start to its end."""
    work = replace(
        task.training_work(model, BATCH_SIZE, usable_cores(), options.device),
        scratch=str(place),
        how="search" if options.search else "fixed",
        epochs=options.epochs,
        rates=learning_rates(options),
    )
    started = time.perf_counter()
    contender = Contender("contenders.optuna_study", work.as_request(), plain_environment())
    answer = run_single(contender)
    return Outcome(time.perf_counter() - started, answer["scores"], answer["ended_early"])


def show_sides(options: argparse.Namespace, task: Task, sides: list[Side]) -> None:
    """Wall time, and what came of it."""
    reference = sides[-1].seconds
    lines: list[tuple[str, ...]] = []
    for side in sides:
        if side.failure:
            lines.append((side.name, *("-",) * 6, side.failure))
            continue
        scores = [score for run in side.runs for score in run.scores.values()]
        early = sum(run.ended_early for run in side.runs)
        whole = options.trials * len(side.runs)
        lines.append(
            (
                side.name,
                f"{report.median(side.seconds):.1f}",
                report.spread(side.seconds),
                f"{report.median_ratio(reference, side.seconds):.2f} ×",
                f"{whole - early} of {whole}",
                f"{max(scores, default=math.nan):.4f}",
                f"{sum(scores) / max(1, len(scores)):.4f}",
                side.about,
            )
        )
    how = "a search, each side its own way" if options.search else "the same configurations"
    report.print_table(
        f"{options.model} on {task.count} rows of {task.name}: {options.trials} trials × "
        f"{options.epochs} epochs, batch {BATCH_SIZE}, {how}",
        ("side", "wall s", "spread", "speed-up", "to the end", "best", "mean", ""),
        lines,
        f"Speed-up is wall time against {SCRIPT}, round by round. Where trials did not come to the "
        "end (pruned, or collapsed to one label) the work was not the same.",
    )


if __name__ == "__main__":
    sys.exit(main())
