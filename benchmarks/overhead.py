"""What is not training: between trials, before the first step, and in the worker.

python benchmarks/overhead.py [--smoke] [--model NAME] [--data NAME]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kit import report
from kit.batches import rows_of_steps
from kit.cpu import CpuWatch
from kit.models import model_at
from kit.options import make_parser
from kit.processes import Contender, plain_environment, run_single, usable_cores
from kit.sessions import run_session
from kit.tasks import chosen_sources, prepare_task
from kit.work import Work
from tuner.pool.local import trainer_environment
from tuner.recipe.presets import preset_document
from tuner.session import events as e
from tuner.session.folder import create_session

BATCH_SIZE = 16


@dataclass(frozen=True)
class Effort:
    """Rows to train on between two gaps, gaps a round, rounds, and the real sessions' trials."""

    rows: int
    trials: int
    rounds: int
    session_trials: int
    session_epochs: int


FULL = Effort(rows=64, trials=6, rounds=5, session_trials=24, session_epochs=6)
SMOKE = Effort(rows=32, trials=3, rounds=1, session_trials=4, session_epochs=1)


@dataclass
class Measured:
    """A contender and the answers of its rounds."""

    name: str
    about: str
    contender: Contender
    answers: list[dict[str, Any]] = field(default_factory=list)

    def all_values(self, key: str) -> list[float]:
        """One number of every round, or all numbers of every round's list."""
        round_values = [answer[key] for answer in self.answers]
        return [
            x
            for round_value in round_values
            for x in (round_value if isinstance(round_value, list) else [round_value])
        ]

    def gap_parts(self, name: str) -> list[float]:
        """List the times of a part of the gaps that is accounted for separately."""
        return [x for answer in self.answers for x in answer["parts"].get(name, [])]


def main() -> int:
    """Three tables and one JSON file."""
    options = parse_options()
    effort = SMOKE if options.smoke else FULL
    if options.rounds:
        effort = replace(effort, rounds=options.rounds)
    machine_facts = report.describe_machine(options.device)
    report.print_line(report.machine_line(machine_facts))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        work = work_of(options, effort, scratch)
        between, start = between_trials(work), to_first_step(work, scratch)
        for number in range(effort.rounds):
            for row in [*between, *start]:
                row.answers.append(measure_row(row, scratch, number))
                report.print_line(f"round {number + 1}: {row.name}")
        sessions = real_sessions(effort, scratch)
    show_between(between, sessions, options)
    show_start(start, sessions, options)
    show_worker(sessions)
    document = {
        "benchmark": "overhead",
        "smoke": options.smoke,
        "machine": machine_facts,
        "model": options.model,
        "data": options.data,
        "between_trials": {row.name: row.answers for row in between},
        "start": {row.name: row.answers for row in start},
        "sessions": sessions,
    }
    report.write_document("overhead-smoke" if options.smoke else "overhead", document)
    return 0


def parse_options() -> argparse.Namespace:
    parser = make_parser(__doc__)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=usable_cores())
    options = parser.parse_args()
    options.model = options.model or ("demo" if options.smoke else "minilm")
    options.data = options.data or ("demo" if options.smoke else "rte")
    return options


def work_of(options: argparse.Namespace, effort: Effort, scratch: Path) -> Work:
    """Take few rows, so that trials are short and the time between them is seen often."""
    name, source = next(iter(chosen_sources(options.data).items()))
    task = prepare_task(name, source, scratch, effort.rows)
    return replace(
        task.training_work(
            model_at(options.model, scratch), BATCH_SIZE, options.threads, options.device
        ),
        rows=rows_of_steps(task.count, BATCH_SIZE, steps=1, seed=0),
        seeds=list(range(effort.trials)),
    )


def between_trials(work: Work) -> list[Measured]:
    """Who trains one trial after the other in one process."""
    ours, plain = trainer_environment(work.threads), plain_environment(work.threads)
    search = replace(work, how="search").as_request()
    again = replace(work, how="recreated").as_request()
    module = "contenders.trainer_gaps"
    return [
        Measured(
            "tuner",
            "restore, fresh optimizer, predictions",
            Contender("contenders.tuner_gaps", work.as_request(), ours),
        ),
        Measured(
            "hyperparameter_search",
            "the Trainer's own, model_init, Optuna in memory",
            Contender(module, search, plain),
        ),
        Measured(
            "Trainer per trial",
            "a new Trainer and model_init each time",
            Contender(module, again, plain),
        ),
    ]


def to_first_step(work: Work, scratch: Path) -> list[Measured]:
    """Who starts a process for it."""
    cached = str(scratch / "cached")
    ours, plain = trainer_environment(work.threads), plain_environment(work.threads)
    module = "contenders.tuner_start"
    return [
        Measured("tuner, first time", "tokenizes", Contender(module, work.as_request(), ours)),
        Measured(
            "tuner, again",
            "tokens from the session's cache",
            Contender(module, replace(work, scratch=cached).as_request(), ours),
        ),
        Measured(
            "Trainer script",
            "tokenizes",
            Contender("contenders.trainer_start", work.as_request(), plain),
        ),
    ]


def measure_row(row: Measured, scratch: Path, number: int) -> dict[str, Any]:
    """One answer, in a folder of its own unless the contender brings one."""
    request = row.contender.request
    if not request["scratch"]:
        place = scratch / f"{row.name}-{number}"
        place.mkdir()
        request = request | {"scratch": str(place)}
    elif not Path(request["scratch"]).exists():
        Path(request["scratch"]).mkdir()
        run_single(replace(row.contender, request=request))
    return run_single(replace(row.contender, request=request))


# --- real sessions


def real_sessions(effort: Effort, scratch: Path) -> dict[str, dict[str, Any]]:
    """`tuner run` on the demo's recipe: as it is, and with one trial at a time."""
    facts_by_session = {}
    for name, slots in (("as it comes", None), ("one slot", 1)):
        document = preset_document("demo")
        document.set_value("search.trials", effort.session_trials)
        document.set_value("training.epochs", effort.session_epochs)
        if slots is not None:
            document.set_value("search.slots", slots)
            document.set_value("search.pruner", "none")
        session = create_session(scratch / "sessions", name.replace(" ", "-"), document.toml_text)
        run = run_session(session)
        report.print_line(f"demo session, {name}: {run.seconds:.1f} s")
        starts = run.events_of_kind(e.TrialStarted)
        ends = {event.trial: event.time for event in run.events_of_kind(e.TrialCompleted)}
        facts_by_session[name] = {
            "trials": effort.session_trials,
            "seconds": run.seconds,
            "to_first_trial": starts[0].time - run.started,
            "to_first_step": _first_time(
                run.events_of_kind(e.Step), run.events_of_kind(e.Evaluated)
            )
            - run.started,
            "between": [
                start.time - ends[start.trial - 1] for start in starts if start.trial - 1 in ends
            ]
            if slots == 1
            else [],
            "worker_cpu": run.worker_cpu,
            "trainers_cpu": run.trainers_cpu,
        }
    return facts_by_session


def _first_time(*kinds: list[Any]) -> float:
    return min(float(event.time) for kind in kinds for event in kind)


# --- telling


def show_between(
    rows: list[Measured], sessions: dict[str, dict[str, Any]], options: argparse.Namespace
) -> None:
    """Print the time between trials."""
    lines = []
    for row in rows:
        gaps = row.all_values("gaps")
        evaluations, saves = row.gap_parts("evaluation"), row.gap_parts("save")
        lines.append(
            (
                row.name,
                median_milliseconds(gaps),
                report.spread(gaps),
                median_milliseconds(evaluations),
                median_milliseconds(saves),
                row.about,
            )
        )
    whole = sessions["one slot"]["between"]
    about = "demo model: from a trial's end in the log to the next one's start"
    lines.append(
        ("tuner run, one slot", median_milliseconds(whole), report.spread(whole), "", "", about)
    )
    report.print_table(
        f"Between two trials, {options.model}: last step to the next first step, without "
        "evaluation and saving",
        ("contender", "ms", "spread", "evaluation ms", "save ms", ""),
        lines,
        "Medians of all gaps. tuner writes the model where it is the best so far, here always; the "
        "Trainer saves nothing here.",
    )


def show_start(
    rows: list[Measured], sessions: dict[str, dict[str, Any]], options: argparse.Namespace
) -> None:
    """Print the time to the first step."""
    lines = []
    for row in rows:
        imported, ended = row.all_values("imported"), row.all_values("ended")
        after = [end - start for end, start in zip(ended, imported, strict=True)]
        lines.append(
            (
                row.name,
                f"{report.median(imported):.2f}",
                f"{report.median(after):.2f}",
                f"{report.median(ended):.2f}",
                report.spread(ended),
                row.about,
            )
        )
    for name, session in sessions.items():
        whole = f"{session['to_first_step']:.2f}"
        about = "demo model: to the log's first step, at most two a second"
        lines.append((f"tuner run, {name}", "", "", whole, "one run", about))
    report.print_table(
        f"From the process's start to the end of the first training step, {options.model}, seconds",
        ("contender", "to torch", "after torch", "whole", "spread", ""),
        lines,
        "Medians of the rounds.",
    )


def show_worker(sessions: dict[str, dict[str, Any]]) -> None:
    """Print the worker's share of the processor time."""
    lines = []
    for name, session in sessions.items():
        worker, trainers = session["worker_cpu"], session["trainers_cpu"]
        both = worker + trainers
        lines.append(
            (
                name,
                str(session["trials"]),
                f"{session['seconds']:.1f}",
                f"{worker:.2f}",
                f"{trainers:.2f}",
                f"{worker / both:.0%}" if both else "-",
            )
        )
    report.print_table(
        "The worker's share, `tuner run` on the demo's recipe, processor seconds",
        ("session", "trials", "wall s", "worker", "trainers", "worker's share"),
        lines,
        "The worker's own imports are in it: Optuna and its database take about a second."
        if CpuWatch.is_possible()
        else "This system does not tell processor seconds.",
    )


def median_milliseconds(values: list[float]) -> str:
    """Write a median, or a dash."""
    return f"{report.median(values) * 1000:.1f}" if values else "-"


if __name__ == "__main__":
    sys.exit(main())
