"""What each of the trainer's techniques brings: steps with and without it, in turn.

python benchmarks/techniques.py [--smoke] [--model NAMES] [--data NAMES] [--steps N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from kit import report
from kit.batches import rows_of_steps
from kit.models import model_at
from kit.options import make_parser
from kit.processes import Contender, run_single
from kit.tasks import Task, chosen_sources, prepare_task
from tuner.pool.local import trainer_environment
from tuner.training.techniques import Techniques

BATCH_SIZE = 16
# On a GPU as long as in training.py: steps that are yet to be recorded as CUDA graphs do not count.
WARM_UP = {"cpu": 2, "cuda": 100}
ONLY_ON = {"graphs": "cuda", "cheap_dropout": "cpu"}


def main() -> int:
    """Print a table for every model and data set; write one JSON file."""
    options = parse_options()
    machine_facts = report.describe_machine(options.device)
    report.print_line(report.machine_line(machine_facts))
    tables = []
    with tempfile.TemporaryDirectory() as folder:
        for model in options.model.split(","):
            for name, source in chosen_sources(options.data).items():
                task = prepare_task(name, source, Path(folder))
                tables.append(compare_techniques(options, model, task, Path(folder)))
    document = {"benchmark": "techniques", "machine": machine_facts, "tables": tables}
    report.write_document("techniques-smoke" if options.smoke else "techniques", document)
    return 0


def parse_options() -> argparse.Namespace:
    """Parse the command line; --smoke takes the embedded model and data unless others are named."""
    import torch

    parser = make_parser(__doc__, "cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, help="timed pairs of steps")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--precision", default="auto", help="auto, fp32 or bf16")
    options = parser.parse_args()
    options.model = options.model or ("demo" if options.smoke else "minilm")
    options.data = options.data or ("demo" if options.smoke else "rte,trec")
    options.steps = options.steps or (4 if options.smoke else 40)
    return options


def compare_techniques(
    options: argparse.Namespace, model: str, task: Task, scratch: Path
) -> dict[str, Any]:
    """Every technique that this device has a use for."""
    warm_up = WARM_UP.get(options.device, WARM_UP["cpu"])
    work = replace(
        task.training_work(model_at(model, scratch), BATCH_SIZE, options.threads, options.device),
        rows=rows_of_steps(task.count, BATCH_SIZE, warm_up + options.steps, seed=0),
        warm_up=warm_up,
        precision=options.precision,
    )
    environment = trainer_environment(options.threads)
    seconds_by_technique = {}
    for technique in (field.name for field in fields(Techniques)):
        if ONLY_ON.get(technique, options.device) == options.device:
            with tempfile.TemporaryDirectory() as place:
                request = work.as_request() | {"how": technique, "scratch": place}
                seconds_by_technique[technique] = run_single(
                    Contender("contenders.paired_steps", request, environment)
                )
            report.print_line(f"{model}, {task.name}: {technique}")
    show_techniques(
        f"{model} on {task.name}, batch {BATCH_SIZE}, {options.threads} thread(s), precision "
        f"{options.precision}",
        seconds_by_technique,
    )
    return {
        "model": model,
        "data": task.name,
        "threads": options.threads,
        "precision": options.precision,
        "seconds": seconds_by_technique,
    }


def show_techniques(title: str, seconds_by_technique: dict[str, dict[str, list[float]]]) -> None:
    """Medians, and the ratio of each pair of steps."""
    rows = []
    for technique, seconds in seconds_by_technique.items():
        ratios = [
            without / used
            for used, without in zip(seconds["with"], seconds["without"], strict=True)
        ]
        low, middle, high = statistics.quantiles(ratios, n=4)
        rows.append(
            (
                technique,
                f"{1000 * report.median(seconds['without']):.0f} ms",
                f"{1000 * report.median(seconds['with']):.0f} ms",
                f"{middle:.3f} ×",
                f"{low:.3f} … {high:.3f}",
            )
        )
    notes = "Faster by: the median over pairs of steps, then the middle half of them."
    report.print_table(
        title, ("technique", "without", "with", "faster by", "half of the pairs"), rows, notes
    )


if __name__ == "__main__":
    sys.exit(main())
