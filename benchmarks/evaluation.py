"""Speed of evaluation and prediction: rows a second of tuner, of a pipeline and of the Trainer.

python benchmarks/evaluation.py [--smoke] [--model NAME] [--data NAMES] [--rows N]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kit import report
from kit.ledger import Ledger, TimeLimit
from kit.models import model_at
from kit.options import make_parser
from kit.processes import Contender, plain_environment, run_single, usable_cores
from kit.tasks import Task, chosen_sources, prepare_task
from kit.work import Work
from tuner.pool.local import trainer_environment

BATCH_SIZE = 16
REFERENCE = "pipeline"


@dataclass
class Row:
    """A way to predict: how it is started, and what each round gave by batch size."""

    name: str
    about: str
    contender: Contender
    rates: list[dict[str, float]] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    precision: str = ""

    @property
    def best_rates(self) -> list[float]:
        """Rows a second with the best batch size of each round."""
        return [max(rates.values()) for rates in self.rates]


def main() -> int:
    """Print a table for every data set; write one JSON file."""
    options = parse_options()
    machine_facts = report.describe_machine(options.device)
    report.print_line(report.machine_line(machine_facts))
    name = "evaluation-smoke" if options.smoke else "evaluation"
    so_far = report.RESULTS / f"{name}.jsonl"
    if not options.seconds:
        so_far.unlink(missing_ok=True)
    ledger, limit = Ledger(so_far), TimeLimit(options.seconds)
    tables: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for data, source in chosen_sources(options.data).items():
            task = prepare_task(data, source, Path(folder), validation_rows=options.rows)
            rows = make_rows(options, task, Path(folder))
            if not measure_rows(options, task, rows, ledger, limit):
                report.print_line("time is up; the same call again goes on from here")
                return 0
            tables[data] = show_rows(options, task, rows)
    so_far.unlink(missing_ok=True)
    document = {
        "benchmark": "evaluation",
        "smoke": options.smoke,
        "machine": machine_facts,
        "options": vars(options),
        "tables": tables,
    }
    report.write_document(name, document)
    return 0


def parse_options() -> argparse.Namespace:
    """Parse the command line; --smoke takes the embedded model and data unless others are named."""
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, help="rows that are predicted")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--precisions", default="fp32,bf16", help="by commas")
    parser.add_argument("--seconds", type=float, default=0, help="begin nothing after so many")
    options = parser.parse_args()
    usual = ("demo", "demo", 64, 1) if options.smoke else ("minilm", "rte,trec", 256, 3)
    for key, value in zip(("model", "data", "rows", "rounds"), usual, strict=True):
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options


def make_rows(options: argparse.Namespace, task: Task, scratch: Path) -> list[Row]:
    """Every way in every precision."""
    model = model_at(options.model, scratch)
    work = task.training_work(model, BATCH_SIZE, options.threads, options.device)
    return [
        row
        for precision in options.precisions.split(",")
        for row in rows_of_precision(replace(work, precision=precision))
    ]


def rows_of_precision(work: Work) -> list[Row]:
    """From tokens: tuner's evaluation, Trainer.predict; from texts: tuner's test, a pipeline."""
    ours, theirs = "contenders.tuner_predictions", "contenders.pipeline_predictions"
    environments = {
        ours: trainer_environment(work.threads),
        theirs: plain_environment(work.threads),
    }
    ways = {
        "tuner, evaluation": (ours, "evaluation", "from tokens, between epochs"),
        "tuner, test": (ours, "test", "from texts, a saved model"),
        REFERENCE: (theirs, "pipeline", 'from texts, pipeline("text-classification")'),
        "Trainer.predict": (theirs, "Trainer", "from tokens"),
    }
    return [
        Row(
            f"{name}, {work.precision}",
            about,
            Contender(module, replace(work, how=how).as_request(), environments[module]),
            precision=work.precision,
        )
        for name, (module, how, about) in ways.items()
    ]


def measure_rows(
    options: argparse.Namespace, task: Task, rows: list[Row], ledger: Ledger, limit: TimeLimit
) -> bool:
    """Run all rounds; return False where the time was up before."""
    for number in range(options.rounds):
        for row in rows:
            settings = {"data": task.name, "name": row.name, "round": number}
            key = {**settings, "model": options.model, "rows": options.rows}
            answer = ledger.find_answer(key)
            if answer is None:
                if limit.has_passed():
                    return False
                with tempfile.TemporaryDirectory() as place:
                    request = row.contender.request | {"scratch": place}
                    answer = run_single(replace(row.contender, request=request))
                ledger.add_answer(key, answer)
                rate = max(answer["rates"].values())
                report.print_line(f"{task.name}, round {number + 1}: {row.name}: {rate:.0f} rows/s")
            row.rates.append(answer["rates"])
            row.memory.append(answer["memory"])
            row.precision = answer.get("precision") or row.precision
    return True


def show_rows(options: argparse.Namespace, task: Task, rows: list[Row]) -> list[dict[str, Any]]:
    """Medians, and ratios to the pipeline in the same type and to the fastest of its types."""
    pipelines = [row for row in rows if row.name.startswith(REFERENCE)]
    best = max(pipelines, key=lambda row: report.median(row.best_rates))
    lines = []
    for row in rows:
        own = next(other for other in pipelines if other.precision == row.precision)
        sizes = {size: report.median([r[size] for r in row.rates]) for size in row.rates[0]}
        lines.append(
            (
                row.name,
                f"{report.median(row.best_rates):.0f}",
                report.spread(row.best_rates),
                f"{report.median_ratio(row.best_rates, own.best_rates):.2f} ×",
                f"{report.median_ratio(row.best_rates, best.best_rates):.2f} ×",
                max(sizes, key=lambda size: sizes[size]) or "its own",
                f"{max(row.memory) / 1e6:.0f}",
                row.about,
            )
        )
    report.print_table(
        f"{options.model}, {options.rows} rows of {task.name}, {options.threads} threads",
        ("way", "rows/s", "spread", "to its pipeline", "to the best", "batch", "MB", ""),
        lines,
        "Each with its best batch size. Its pipeline is that of the same type; the best is "
        f"{best.name}.",
    )
    return [
        {
            "name": row.name,
            "precision": row.precision,
            "rows_per_second": row.rates,
            "memory": row.memory,
        }
        for row in rows
    ]


if __name__ == "__main__":
    sys.exit(main())
