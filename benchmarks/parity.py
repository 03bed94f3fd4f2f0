"""Whether tuner's speed costs anything: final scores over seeds, and losses step by step.

python benchmarks/parity.py [--smoke] [--model NAME] [--data NAME] [--rows N] [--seeds N]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from scipy import stats

from kit import report
from kit.batches import rows_of_steps
from kit.models import model_at
from kit.options import make_parser
from kit.processes import Contender, plain_environment, run_single, usable_cores
from kit.tasks import Task, chosen_sources, prepare_task
from kit.work import Work
from tuner.pool.local import trainer_environment

BATCH_SIZE = 16
RATES = {"demo": 3e-3}
USUAL_RATE = 1e-4
CONFIDENCE = 0.95


def main() -> int:
    """Two tables and one JSON file."""
    options = parse_options()
    machine_facts = report.describe_machine(options.device)
    report.print_line(report.machine_line(machine_facts))
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        name, source = next(iter(chosen_sources(options.data).items()))
        task = prepare_task(name, source, scratch, options.rows or None)
        work = work_of(options, task, scratch)
        ours = trainer_environment(options.threads)
        steps = run_single(
            Contender("contenders.same_steps", request_in_folder(work, scratch, "steps"), ours)
        )
        report.print_line(f"{options.steps} steps on both sides")
        seeds = {
            "tuner": run_single(
                Contender("contenders.tuner_seeds", request_in_folder(work, scratch, "ours"), ours)
            )
        }
        report.print_line(f"tuner: {options.seeds} seeds")
        plain = plain_environment(options.threads)
        theirs = Contender(
            "contenders.trainer_seeds", request_in_folder(work, scratch, "theirs"), plain
        )
        seeds["Trainer"] = run_single(theirs)
        report.print_line(f"Trainer: {options.seeds} seeds")
    compared = {key: mean_difference(seeds, key) for key in ("scores", "losses")}
    show_seeds(options, task, seeds, compared)
    show_steps(steps)
    document = {
        "benchmark": "parity",
        "smoke": options.smoke,
        "machine": machine_facts,
        "options": vars(options),
        "rate": work.rate,
        "training_rows": task.count,
        "seeds": seeds,
        "difference": compared,
        "steps": steps,
    }
    report.write_document("parity-smoke" if options.smoke else "parity", document)
    return 0


def parse_options() -> argparse.Namespace:
    """Parse the command line; --smoke takes the embedded model and data unless others are named."""
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, help="training rows; 0: all")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--steps", type=int, help="steps whose losses are compared")
    parser.add_argument("--threads", type=int, default=usable_cores())
    options = parser.parse_args()
    smoke = ("demo", "demo", 160, 3, 2, 8)
    usual = smoke if options.smoke else ("minilm", "trec", 1000, 10, 3, 50)
    for key, value in zip(
        ("model", "data", "rows", "seeds", "epochs", "steps"), usual, strict=True
    ):
        if getattr(options, key) is None:
            setattr(options, key, value)
    return options


def work_of(options: argparse.Namespace, task: Task, scratch: Path) -> Work:
    """Set the same rates, epochs and rows for both sides."""
    return replace(
        task.training_work(
            model_at(options.model, scratch), BATCH_SIZE, options.threads, options.device
        ),
        rows=rows_of_steps(task.count, BATCH_SIZE, options.steps, seed=0),
        rate=RATES.get(options.model, USUAL_RATE),
        epochs=options.epochs,
        seeds=list(range(options.seeds)),
    )


def request_in_folder(work: Work, scratch: Path, name: str) -> dict[str, Any]:
    """Put the work in a folder of its own."""
    place = scratch / name
    place.mkdir()
    return replace(work, scratch=str(place)).as_request()


def mean_difference(seeds: dict[str, dict[str, Any]], key: str) -> dict[str, float]:
    """Subtract the Trainer's mean from tuner's, with Welch's interval (unequal variances)."""
    ours, theirs = seeds["tuner"][key], seeds["Trainer"][key]
    mean = statistics.fmean(ours) - statistics.fmean(theirs)
    interval = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(CONFIDENCE)
    return {"mean": mean, "low": float(interval.low), "high": float(interval.high)}


def show_seeds(
    options: argparse.Namespace,
    task: Task,
    seeds: dict[str, dict[str, Any]],
    compared: dict[str, dict[str, float]],
) -> None:
    """Both distributions, and the difference of their means."""
    lines = []
    for name, seed_results in seeds.items():
        scores, losses = seed_results["scores"], seed_results["losses"]
        lines.append(
            (
                name,
                f"{statistics.fmean(scores):.4f}",
                f"{statistics.stdev(scores):.4f}",
                f"{min(scores):.4f} … {max(scores):.4f}",
                f"{statistics.fmean(losses):.4f}",
                f"{statistics.stdev(losses):.4f}",
            )
        )
    difference_texts = {
        key: f"{interval['mean']:+.4f} [{interval['low']:+.4f}, {interval['high']:+.4f}]"
        for key, interval in compared.items()
    }
    lines.append(("difference", difference_texts["scores"], "", "", difference_texts["losses"], ""))
    report.print_table(
        f"{options.model} on {task.count} rows of {task.name}, {options.epochs} epochs, "
        f"{options.seeds} seeds a side: the last evaluation",
        ("side", "accuracy", "sd", "least … most", "loss", "sd"),
        lines,
        "The difference of the means with its 95 % interval (Welch, scipy): one that holds 0 shows "
        "no difference.",
    )


def show_steps(steps: dict[str, Any]) -> None:
    """Print the losses, step by step."""
    ours, theirs = steps["tuner"], steps["plain"]
    gaps = [abs(a - b) for a, b in zip(ours, theirs, strict=True)]
    shown_steps = sorted({0, len(gaps) // 4, len(gaps) // 2, len(gaps) - 1})
    report.print_table(
        f"The same {len(ours)} batches, dropout off: tuner against transformers and torch's "
        "AdamW with padding",
        ("step", "tuner's loss", "plain loss", "difference"),
        [
            (str(step + 1), f"{ours[step]:.7f}", f"{theirs[step]:.7f}", f"{gaps[step]:.1e}")
            for step in shown_steps
        ],
        f"Largest difference of a step's loss {max(gaps):.1e}. At the end the weights differ by "
        f"{steps['apart']:.1e} of the way they have come (AdamW turns rounding into steps where a "
        "gradient is next to nothing).",
    )


if __name__ == "__main__":
    sys.exit(main())
