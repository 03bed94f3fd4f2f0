"""Training speed: examples a second and the share of what the machine's matrix products allow.

    python benchmarks/training.py [--smoke] [--model NAMES] [--data NAMES]

Contenders take the same rows of the same data with the same model, batch size, length and
precision, in processes of their own, one after the other, round by round.
"""

from __future__ import annotations

import argparse
import math
import re
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from kit import report
from kit.arithmetic import Shape, lengths_of, shape_of
from kit.batches import rows_of_steps
from kit.environments import NotInstallable, ensure_installed, is_installed, python_of, versions_in
from kit.memory import memory_shortage
from kit.models import model_at
from kit.neighbours import Neighbours, share_text
from kit.options import make_parser
from kit.processes import (
    Contender,
    ContenderFailed,
    plain_environment,
    run_copies,
    run_single,
    usable_cores,
)
from kit.tasks import Task, chosen_sources, prepare_task
from kit.work import read_rows
from tuner.pool.local import trainer_environment

BATCH_SIZE = 16
SIMPLE = ("simpletransformers", "simpletransformers.classification", "simpletransformers")
REFERENCE = "Trainer"
MOST_SIDE_BY_SIDE = 4


@dataclass(frozen=True)
class Effort:
    """How long a model is measured."""

    steps: int
    rounds: int
    warm_up: int = 2


EFFORTS = {
    "demo": Effort(40, 3),
    "minilm": Effort(20, 3),
    "bert-base": Effort(6, 3, warm_up=1),
    "roberta-large": Effort(2, 2, warm_up=1),
}
# A shape is recorded as a CUDA graph once it has come a few times, which lasts for the session: the
# warm-up is long enough for all of them.
ON_CUDA = Effort(100, 3, warm_up=100)
SMOKE = Effort(6, 1)


@dataclass
class Row:
    """A contender in the table: how it is started, and what each round gave."""

    name: str
    about: str
    contender: Contender
    speeds: list[float] = field(default_factory=list)
    failure: str = ""


@dataclass
class Limit:
    """The matrix products alone: how many processes of how many threads, and what each gave."""

    name: str
    contender: Contender
    rates: list[float] = field(default_factory=list)


def main() -> int:
    """Print the table of every model and data set asked for."""
    options = parse_options()
    machine_facts = report.describe_machine(options.device)
    report.print_line(report.machine_line(machine_facts))
    tables: list[dict[str, Any]] = []
    document = {
        "benchmark": "training",
        "smoke": options.smoke,
        "machine": machine_facts,
        "tables": tables,
    }
    part = "-part" if options.only else ""
    file_name = f"training{part}-smoke" if options.smoke else f"training{part}"
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.model.split(","):
            for task_name, source in chosen_sources(options.data).items():
                task = prepare_task(task_name, source, Path(scratch))
                tables.append(Comparison(options, name, task, Path(scratch)).run_rounds())
                # After each table: an interrupted run keeps those before.
                report.write_document(file_name, document)
    return 0


def parse_options() -> argparse.Namespace:
    """Parse the command line; --smoke takes the embedded model and data unless others are named."""
    import torch

    parser = make_parser(__doc__, "cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, help="timed steps a round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=usable_cores(), help="for one process alone")
    parser.add_argument("--side-by-side", type=int, help="trials at once in a whole study")
    parser.add_argument("--only", help="contenders whose names match one of these, by commas")
    options = parser.parse_args()
    options.model = options.model or ("demo" if options.smoke else "minilm,bert-base,roberta-large")
    options.data = options.data or ("demo" if options.smoke else "rte,trec")
    return options


class Comparison:
    """One model on one data set."""

    def __init__(self, options: argparse.Namespace, model: str, task: Task, scratch: Path) -> None:
        self.options, self.name, self.task = options, model, task
        self.effort = self._choose_effort()
        self.folder = model_at(model, scratch)
        self.shape: Shape = shape_of(str(self.folder), len(task.labels))
        self.every = read_rows(task.train)
        self.lengths = lengths_of(str(self.folder), self.every, task.pair, task.max_length)
        usual = 2 if options.smoke else min(options.threads, MOST_SIDE_BY_SIDE)
        self.side_by_side = int(options.side_by_side or usual)
        self.work = replace(
            task.training_work(self.folder, BATCH_SIZE, options.threads, options.device),
            warm_up=self.effort.warm_up,
        )
        self.neighbours = Neighbours()
        self.others: list[float | None] = []
        self.rows = self._make_rows()
        self.limits = self._make_limits()

    def _choose_effort(self) -> Effort:
        usual = EFFORTS.get(self.name, EFFORTS["minilm"])
        if self.options.device == "cuda":
            usual = ON_CUDA
        effort = SMOKE if self.options.smoke else usual
        return replace(
            effort,
            steps=self.options.steps or effort.steps,
            rounds=self.options.rounds or effort.rounds,
        )

    # --- contenders

    def _make_rows(self) -> list[Row]:
        rows = [*self._tuner_rows(), *self._trainer_rows(), self._simple_row()]
        return [row for row in rows if self._is_selected(row)]

    def _is_selected(self, row: Row) -> bool:
        """Whether --only, if it is given, asks for this row."""
        only = self.options.only
        return not only or any(re.search(pattern, row.name) for pattern in only.split(","))

    def _threads_per_copy(self) -> int:
        return max(1, int(self.options.threads) // self.side_by_side)

    def _tuner_rows(self) -> list[Row]:
        module, count, share = "contenders.tuner_steps", self.side_by_side, self._threads_per_copy()
        environment = trainer_environment(self.options.threads)
        rows = [
            Row("tuner", "one trial", self._make_contender(module, "", environment)),
            Row(
                f"tuner, {count} at once",
                f"as a study runs it: {count} trials × {share} thread(s), all examples",
                self._make_contender(module, "", trainer_environment(share), count),
            ),
        ]
        about = "its fallback: length-sorted, padded"
        contender = self._make_contender(module, "packed", environment)
        rows.append(Row("tuner without packed", about, contender))
        return rows

    def _trainer_rows(self) -> list[Row]:
        module, count, share = (
            "contenders.trainer_steps",
            self.side_by_side,
            self._threads_per_copy(),
        )
        plain = plain_environment(self.options.threads)
        rows = [
            Row(
                REFERENCE,
                "Hugging Face, dynamic padding, tuner's batches",
                self._make_contender(module, "plain", plain),
            ),
            Row(
                "Trainer, grouped",
                'train_sampling_strategy="group_by_length"',
                self._make_contender(module, "grouped", plain),
            ),
            Row(
                "Trainer, best options",
                "grouped, and what its documentation has for this device",
                self._make_contender(module, "best", plain),
            ),
            Row(
                f"Trainer, best, {count} at once",
                f"{count} processes × {share} thread(s), all examples",
                self._make_contender(module, "best", plain_environment(share), count),
            ),
        ]
        return rows[:2] if self.options.smoke else rows

    def _simple_row(self) -> Row:
        name, module, package = SIMPLE
        kind = "roberta" if "roberta" in self.name else "bert"
        row = Row(
            "Simple Transformers",
            "pads every row to max_length",
            self._make_contender(
                "contenders.simple_steps", kind, plain_environment(self.work.threads)
            ),
        )
        if not self._is_selected(row):
            return row
        if self.options.smoke and not is_installed(name, module):
            row.failure = "not installed yet: a run without --smoke installs it"
            return row
        try:
            python = str(ensure_installed(name, module, package))
        except NotInstallable as reason:
            row.failure = f"could not be installed: {reason}"
            return row
        versions = versions_in(python_of(name), "simpletransformers", "transformers", "torch")
        row.about += " (" + ", ".join(f"{key} {value}" for key, value in versions.items()) + ")"
        row.contender = replace(row.contender, python=python)
        return row

    def _make_contender(
        self, module: str, how: str, environment: dict[str, str], copies: int = 1
    ) -> Contender:
        threads = self._threads_per_copy() if copies > 1 else self.options.threads
        request = replace(self.work, how=how, threads=threads).as_request()
        return Contender(module, request, environment, copies)

    def _make_limits(self) -> list[Limit]:
        request = {
            "device": self.options.device,
            "hidden": self.shape.hidden,
            "intermediate": self.shape.intermediate,
            "tokens": round(BATCH_SIZE * sum(self.lengths) / len(self.lengths)),
            "seconds": 0.5 if self.options.smoke else 3.0,
        }
        share, count, threads = self._threads_per_copy(), self.side_by_side, self.options.threads
        ways = {"1 thread": (1, 1)}
        if threads > 1:
            ways[f"{threads} threads"] = (threads, 1)
        if count > 1:
            ways[f"{count} × {share} thread(s)"] = (share, count)
        if self.options.device == "cuda":
            ways = {"GPU": (threads, 1)}
        elif self.options.smoke:
            ways = {"1 thread": (1, 1)}
        return [
            Limit(
                name,
                Contender(
                    "contenders.products",
                    request | {"threads": thread_count},
                    trainer_environment(thread_count),
                    copies,
                ),
            )
            for name, (thread_count, copies) in ways.items()
        ]

    # --- measuring

    def run_rounds(self) -> dict[str, Any]:
        """Run all rounds, print the table, and return it for programs."""
        picked_rows: list[list[int]] = []
        for number in range(self.effort.rounds):
            picked = rows_of_steps(len(self.every), BATCH_SIZE, self.effort.steps, number)
            picked_rows.append(picked)
            self.neighbours.others_share()
            self._run_round(number, picked)
            self.others.append(self.neighbours.others_share())
        self._print_table(picked_rows)
        return self._as_document(picked_rows)

    def _run_round(self, number: int, picked: list[int]) -> None:
        for limit in self.limits:
            answers = run_copies(limit.contender)
            limit.rates.append(sum(answer["flops"] for answer in answers))
        for row in self.rows:
            if row.failure:
                continue
            if self.options.device == "cpu":
                row.failure = memory_shortage(self.shape.parameters, row.contender.copies)
            if row.failure:
                report.print_line(f"{self.name} {self.task.name}: {row.name}: {row.failure}")
                continue
            try:
                row.speeds.append(self._measure_speed(row.contender, picked, number))
            except ContenderFailed as failed:
                row.failure = str(failed)
            speed = row.failure or f"{row.speeds[-1]:.1f} examples/s"
            report.print_line(
                f"{self.name} {self.task.name}, round {number + 1}: {row.name}: {speed}"
            )

    def _measure_speed(self, contender: Contender, picked: list[int], seed: int) -> float:
        """Examples a second of all copies, from the first one's first step to the last one's."""
        with tempfile.TemporaryDirectory() as scratch:
            request = contender.request | {"rows": picked, "seed": seed, "scratch": scratch}
            round_contender = replace(contender, request=request)
            answers = (
                [run_single(round_contender)]
                if contender.copies == 1
                else run_copies(round_contender)
            )
        first = min(answer["first"] for answer in answers)
        last = max(answer["last"] for answer in answers)
        return len(answers) * len(picked) / float(last - first)

    # --- telling

    def _best_limit(self) -> float:
        """Operations a second: the best way to run the products, by its median."""
        return max(report.median(limit.rates) for limit in self.limits)

    def _flop_per_example(self, picked_rows: list[list[int]]) -> float:
        """Operations an example needs without padding, on average."""
        lengths = [self.lengths[row] for picked in picked_rows for row in picked]
        return self.shape.flop_of_rows(lengths) / len(lengths)

    def _print_table(self, picked_rows: list[list[int]]) -> None:
        reference = next((row.speeds for row in self.rows if row.name == REFERENCE), [])
        flop, limit = self._flop_per_example(picked_rows), self._best_limit()
        rows = []
        for row in self.rows:
            if row.failure:
                rows.append((row.name, "-", "-", "-", "-", row.failure))
                continue
            speed = report.median(row.speeds)
            share = speed * flop / limit
            ratio = report.median_ratio(row.speeds, reference)
            rows.append(
                (
                    row.name,
                    f"{speed:.1f}",
                    report.spread(row.speeds),
                    "-" if math.isnan(ratio) else f"{ratio:.2f} ×",
                    f"{share:.0%}",
                    row.about,
                )
            )
        limits = ", ".join(
            f"{fastest_way.name} {report.median(fastest_way.rates) / 1e9:.0f} GFLOP/s"
            for fastest_way in self.limits
        )
        precision = "bf16" if self.options.device == "cuda" else "fp32"
        report.print_table(
            f"{self.name} ({self.shape.parameters / 1e6:.1f} M parameters) on {self.task.name}, "
            f"batch {BATCH_SIZE}, {precision}, {self.effort.steps} steps × {self.effort.rounds}",
            ("contender", "examples/s", "spread", f"to {REFERENCE}", "of the limit", ""),
            rows,
            f"Limit: matrix products of these shapes alone: {limits}; the highest counts. "
            f"An example takes {flop / 1e9:.3g} GFLOP without padding; an epoch of "
            f"{len(self.every)} rows cannot take less than {flop * len(self.every) / limit:.3g} s."
            + share_text(max((share for share in self.others if share is not None), default=None)),
        )

    def _as_document(self, picked_rows: list[list[int]]) -> dict[str, Any]:
        flop, limit = self._flop_per_example(picked_rows), self._best_limit()
        return {
            "model": self.name,
            "data": self.task.name,
            "shape": asdict(self.shape),
            "effort": asdict(self.effort),
            "batch_size": BATCH_SIZE,
            "max_length": self.task.max_length,
            "threads": self.options.threads,
            "side_by_side": self.side_by_side,
            "others_share": self.others,
            "tokens_an_example": sum(self.lengths) / len(self.lengths),
            "flop_an_example": flop,
            "limit_flops": limit,
            "limits": {limit.name: limit.rates for limit in self.limits},
            "contenders": [
                {
                    "name": row.name,
                    "about": row.about,
                    "failure": row.failure,
                    "examples_per_second": row.speeds,
                    "median": report.median(row.speeds) if row.speeds else None,
                    "share_of_limit": report.median(row.speeds) * flop / limit
                    if row.speeds
                    else None,
                }
                for row in self.rows
            ],
        }


if __name__ == "__main__":
    sys.exit(main())
