"""Training speed: examples a second, memory, and the share of what matrix products allow.

    python benchmarks/training.py [--smoke] [--model NAMES] [--data NAMES] [--only PATTERNS]

Contenders take the same rows of the same data with the same model, batch size and length, in
processes of their own, one after the other, round by round. --seconds N stops after so many, and
the next call goes on.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from kit import report
from kit.arithmetic import Shape, lengths_of, shape_of
from kit.batches import rows_of_steps
from kit.ledger import Ledger, TimeLimit
from kit.limits import Limits
from kit.memory import memory_shortage
from kit.models import model_at
from kit.neighbours import Neighbours, share_text
from kit.options import make_parser
from kit.processes import Contender, ContenderFailed, run_copies, usable_cores
from kit.tasks import Task, chosen_sources, prepare_task
from kit.training_rows import Contenders, Row
from kit.training_table import share_of_limit, show_training
from kit.work import read_rows

BATCH_SIZE = 16
MOST_SIDE_BY_SIDE = 4
_MOST_TRIES = 3


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


class TimeIsUp(Exception):
    """What is measured so far is written down; the same call goes on."""


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
    name = f"training{part}-smoke" if options.smoke else f"training{part}"
    so_far = report.RESULTS / f"{name}.jsonl"
    if not options.seconds:
        so_far.unlink(missing_ok=True)
    ledger, limit = Ledger(so_far), TimeLimit(options.seconds)
    with tempfile.TemporaryDirectory() as scratch:
        for model in options.model.split(","):
            for task_name, source in chosen_sources(options.data).items():
                task = prepare_task(task_name, source, Path(scratch))
                comparison = Comparison(options, model, task, Path(scratch))
                try:
                    tables.append(comparison.run_rounds(ledger, limit))
                except TimeIsUp:
                    report.print_line("time is up; the same call again goes on from here")
                    return 0
                # After each table: an interrupted run keeps those before.
                report.write_document(name, document)
    so_far.unlink(missing_ok=True)
    return 0


def parse_options() -> argparse.Namespace:
    """Parse the command line; --smoke takes the embedded model and data unless others are named."""
    import torch

    parser = make_parser(__doc__, "cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--steps", type=int, help="timed steps a round")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--threads", type=int, default=usable_cores(), help="for one process alone")
    parser.add_argument("--side-by-side", type=int, help="trials at once in a whole study")
    parser.add_argument(
        "--calm", type=float, default=1, help="measure again where others used more of the cores"
    )
    parser.add_argument("--only", help="contenders whose names match one of these, by commas")
    parser.add_argument("--seconds", type=float, default=0, help="begin nothing after so many")
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
        work = replace(
            task.training_work(self.folder, BATCH_SIZE, options.threads, options.device),
            warm_up=self.effort.warm_up,
        )
        kind = "roberta" if "roberta" in model else "bert"
        self.rows: list[Row] = Contenders(options, work, self.side_by_side, kind).make_rows()
        tokens = round(BATCH_SIZE * sum(self.lengths) / len(self.lengths))
        self.limits = Limits(options.device, self.shape, tokens, 0.5 if options.smoke else 2.0)
        self.neighbours = Neighbours()
        self.others: list[float] = []

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

    def _ways(self) -> dict[str, tuple[int, int]]:
        """Return how the products are run, as threads and copies."""
        threads, count = int(self.options.threads), self.side_by_side
        if self.options.device == "cuda":
            return {"GPU": (threads, 1)}
        ways = {"1 thread": (1, 1)}
        if threads > 1 and not self.options.smoke:
            share = max(1, threads // count)
            ways |= {f"{threads} threads": (threads, 1), f"{count} × {share}": (share, count)}
        return ways

    # --- measuring

    def run_rounds(self, ledger: Ledger, limit: TimeLimit) -> dict[str, Any]:
        """Run all rounds, print the table, and return it for programs.

        What the ledger has is not measured again. Raises TimeIsUp.
        """
        picked_rows: list[list[int]] = []
        for number in range(self.effort.rounds):
            picked = rows_of_steps(len(self.every), BATCH_SIZE, self.effort.steps, number)
            picked_rows.append(picked)
            for way, (threads, copies) in self._ways().items():
                key = self._key_of_measurement(number, f"limit, {way}")
                answer = ledger.find_answer(key)
                if answer is None:
                    answer = self._measure_calmly(
                        partial(self.limits.measure_way, threads, copies), limit
                    )
                    ledger.add_answer(key, answer)
                self.limits.add_rates(way, answer["flops"])
            for row in self.rows:
                self._find_or_measure(row, number, picked, ledger, limit)
        self._print_table(picked_rows)
        return self._as_document(picked_rows)

    def _key_of_measurement(self, number: int, name: str) -> dict[str, Any]:
        return {
            "model": self.name,
            "data": self.task.name,
            "effort": asdict(self.effort),
            "threads": self.options.threads,
            "side_by_side": self.side_by_side,
            "round": number,
            "name": name,
        }

    def _measure_calmly(
        self, measure: Callable[[], dict[str, Any]], limit: TimeLimit
    ) -> dict[str, Any]:
        """Measure until others leave the machine alone, a few times at most; raises TimeIsUp."""
        answer: dict[str, Any] = {}
        for _ in range(_MOST_TRIES):
            if limit.has_passed():
                raise TimeIsUp
            self.neighbours.others_share()
            answer = measure()
            share = answer["others"] = self.neighbours.others_share()
            if share is None or share <= self.options.calm:
                break
        return answer

    def _find_or_measure(
        self, row: Row, number: int, picked: list[int], ledger: Ledger, limit: TimeLimit
    ) -> None:
        row.failure = row.failure or self._reason_to_skip(row)
        key = self._key_of_measurement(number, row.name)
        answer = ledger.find_answer(key)
        if answer is None and not row.failure:
            answer = self._measure_calmly(
                partial(self._measure_row, row.contender, picked, number), limit
            )
            ledger.add_answer(key, answer)
            speed = answer.get("failure") or f"{answer['speed']:.1f} examples/s"
            report.print_line(
                f"{self.name} {self.task.name}, round {number + 1}: {row.name}: {speed}"
            )
        if answer is not None:
            self._note_answer(row, answer)

    def _reason_to_skip(self, row: Row) -> str:
        if row.only_with_fast_bf16 and not self.limits.has_fast_bf16():
            return "bf16 is not 1.3 × as fast as fp32 here"
        if self.options.device == "cpu":
            return memory_shortage(self.shape.parameters, row.contender.copies)
        return ""

    def _note_answer(self, row: Row, answer: dict[str, Any]) -> None:
        if answer.get("failure"):
            row.failure = answer["failure"]
            return
        row.speeds.append(answer["speed"])
        row.memory.append(answer["memory"])
        row.precision = answer["precision"] or row.precision
        if answer["others"] is not None:
            self.others.append(answer["others"])

    def _measure_row(self, contender: Contender, picked: list[int], seed: int) -> dict[str, Any]:
        """Time all copies, from the first one's first step to the last one's last."""
        with tempfile.TemporaryDirectory() as scratch:
            request = contender.request | {"rows": picked, "seed": seed, "scratch": scratch}
            try:
                answers = run_copies(replace(contender, request=request))
            except ContenderFailed as failed:
                return {"failure": str(failed)}
        first = min(answer["first"] for answer in answers)
        last = max(answer["last"] for answer in answers)
        return {
            "speed": len(answers) * len(picked) / float(last - first),
            "memory": sum(answer["memory"] for answer in answers),
            "precision": answers[0].get("precision"),
        }

    # --- telling

    def _flop_per_example(self, picked_rows: list[list[int]]) -> float:
        """Operations an example needs without padding, on average."""
        lengths = [self.lengths[row] for picked in picked_rows for row in picked]
        return self.shape.flop_of_rows(lengths) / len(lengths)

    def _print_table(self, picked_rows: list[list[int]]) -> None:
        title = (
            f"{self.name} ({self.shape.parameters / 1e6:.1f} M parameters) on {self.task.name}, "
            f"batch {BATCH_SIZE}, {self.effort.steps} steps × {self.effort.rounds}"
        )
        place = "the GPU" if self.options.device == "cuda" else "all its processes, resident"
        show_training(
            title,
            self.rows,
            self.limits,
            self._flop_per_example(picked_rows),
            f"Memory is the peak of {place}." + share_text(max(self.others, default=None)),
        )

    def _as_document(self, picked_rows: list[list[int]]) -> dict[str, Any]:
        flop = self._flop_per_example(picked_rows)
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
            "limit_flops": self.limits.best_rate(),
            "limits": self.limits.rates,
            "contenders": [
                {
                    "name": row.name,
                    "about": row.about,
                    "failure": row.failure,
                    "precision": row.precision,
                    "examples_per_second": row.speeds,
                    "memory": row.memory,
                    "median": report.median(row.speeds) if row.speeds else None,
                    "share_of_limit": share_of_limit(row, self.limits, flop)
                    if row.speeds
                    else None,
                }
                for row in self.rows
            ],
        }


if __name__ == "__main__":
    sys.exit(main())
