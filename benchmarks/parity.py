"""Whether tuner's speed costs anything: final scores, decisions, and losses step by step.

python benchmarks/parity.py [--smoke] [--model NAME] [--data NAME] [--seeds N] [--rates LIST]

Every trial is written down as it ends, and a later call goes on from there (--seconds N begins no
trial after so many).
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kit import report
from kit.batches import rows_of_steps
from kit.ledger import Ledger, TimeLimit
from kit.models import model_at
from kit.options import make_parser
from kit.parity_tables import show_decisions, show_scores, show_steps
from kit.processes import (
    Contender,
    open_conversation,
    plain_environment,
    run_single,
    usable_cores,
)
from kit.tasks import Task, chosen_sources, prepare_task
from kit.work import Work
from tuner.pool.local import trainer_environment

BATCH_SIZE = 16
RATES = {"demo": 3e-3}
USUAL_RATE = 1e-4
SIDES = ("tuner fp32", "tuner bf16", "Trainer fp32")


@dataclass(frozen=True)
class Side:
    """A library in a precision, with what it takes to train its trials."""

    name: str
    work: Work

    @property
    def contender(self) -> Contender:
        """The process that trains this side's trials, one answer each."""
        library, precision = self.name.split()
        module = "contenders.tuner_seeds" if library == "tuner" else "contenders.trainer_seeds"
        environment = trainer_environment if library == "tuner" else plain_environment
        request = replace(self.work, precision=precision).as_request()
        return Contender(module, request, environment(self.work.threads))


def main() -> int:
    """Train what is missing; then all tables and one JSON file."""
    options = parse_options()
    machine_facts = report.describe_machine(options.device)
    report.print_line(report.machine_line(machine_facts))
    ledger, limit = Ledger(report.RESULTS / f"{options.name}.jsonl"), TimeLimit(options.seconds)
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(options, Path(folder), ledger)
        for side in options.sides.split(","):
            if not comparison.train_missing_trials(side, limit):
                report.print_line("time is up; the same call again goes on from here")
                return 0
        steps = comparison.compare_steps() if options.steps else {}
    answers = comparison.answers_by_side()
    document = {
        "benchmark": "parity",
        "smoke": options.smoke,
        "machine": machine_facts,
        "options": vars(options),
        "trials": {
            side: [{"rate": rate, "seed": seed} | answer for (rate, seed), answer in rows.items()]
            for side, rows in answers.items()
        },
        "differences": show_scores(comparison.title, answers),
        "decisions": show_decisions(comparison.title, answers),
        "steps": steps,
    }
    if steps:
        show_steps(steps)
    report.write_document(options.name, document)
    return 0


def parse_options() -> argparse.Namespace:
    """Parse the command line; --smoke takes the embedded model and data unless others are named."""
    parser = make_parser(__doc__)
    parser.add_argument("--rows", type=int, help="training rows; 0: all")
    parser.add_argument("--validation-rows", type=int, help="0: those that the set holds out")
    parser.add_argument("--max-length", type=int, help="tokens of a row; default: the set's own")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--rates", help="learning rates, by commas: every seed with each of them")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--evaluations", type=int, default=1, help="in an epoch, on tuner's sides")
    parser.add_argument("--steps", type=int, help="steps whose losses are compared; 0: none")
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--sides", default=",".join(SIDES), help="by commas")
    parser.add_argument("--seconds", type=float, default=0, help="begin no trial after so many")
    parser.add_argument("--name", help="of the files in results/")
    options = parser.parse_args()
    smoke = ("demo", "demo", 160, 0, 3, 2, 8, "parity-smoke")
    usual = smoke if options.smoke else ("minilm", "trec", 1000, 2000, 10, 3, 50, "parity")
    names = ("model", "data", "rows", "validation_rows", "seeds", "epochs", "steps", "name")
    for key, value in zip(names, usual, strict=True):
        if getattr(options, key) is None:
            setattr(options, key, value)
    options.rates = options.rates or str(RATES.get(options.model, USUAL_RATE))
    if options.seeds < 2:
        raise SystemExit("--seeds: a spread takes two at least")
    unknown = set(options.sides.split(",")) - set(SIDES)
    if unknown:
        raise SystemExit(f"--sides: {', '.join(sorted(unknown))} is not one of {', '.join(SIDES)}")
    return options


class Comparison:
    """The same trials on every side, and what is known of them so far."""

    def __init__(self, options: argparse.Namespace, scratch: Path, ledger: Ledger) -> None:
        self._options, self._scratch, self._ledger = options, scratch, ledger
        name, source = next(iter(chosen_sources(options.data).items()))
        source = replace(source, max_length=options.max_length or source.max_length)
        self._task: Task = prepare_task(
            name, source, scratch, options.rows or None, options.validation_rows or None
        )
        self._trials = [
            (float(rate), seed)
            for seed in range(options.seeds)
            for rate in options.rates.split(",")
        ]
        self._work = replace(
            self._task.training_work(
                model_at(options.model, scratch), BATCH_SIZE, options.threads, options.device
            ),
            epochs=options.epochs,
            evaluations=options.evaluations,
        )
        self.title = (
            f"{options.model} on {self._task.count} rows of {name}, {options.epochs} epochs"
        )

    def train_missing_trials(self, side: str, limit: TimeLimit) -> bool:
        """Train what the ledger lacks of a side; return False where the time was up before."""
        missing = [
            trial
            for trial in self._trials
            if self._ledger.find_answer(self._key_of_trial(side, trial)) is None
        ]
        if not missing or limit.has_passed():
            return not missing
        work = replace(self._work, trials=missing, scratch=self._make_folder(side))
        with open_conversation(Side(side, work).contender) as ask_for_answer:
            for trial in missing:
                if limit.has_passed():
                    return False
                answer = ask_for_answer()
                self._ledger.add_answer(self._key_of_trial(side, trial), answer)
                report.print_line(
                    f"{side}, rate {trial[0]:g}, seed {trial[1]}: {answer['score']:.4f} "
                    f"in {answer['seconds']:.0f} s"
                )
        return True

    def compare_steps(self) -> dict[str, Any]:
        """Train the same batches with tuner in each precision and in a plain loop, in fp32."""
        rows = rows_of_steps(self._task.count, BATCH_SIZE, self._options.steps, seed=0)
        work = replace(self._work, rows=rows, rate=self._trials[0][0])
        answers = {}
        for precision in ("fp32", "bf16"):
            request = replace(
                work, precision=precision, scratch=self._make_folder(f"{precision} steps")
            ).as_request()
            environment = trainer_environment(work.threads)
            answers[precision] = run_single(
                Contender("contenders.same_steps", request, environment)
            )
        return answers

    def answers_by_side(self) -> dict[str, dict[tuple[float, int], dict[str, Any]]]:
        """Return every answer by side and (rate, seed)."""
        return {
            side: {
                trial: answer
                for trial in self._trials
                if (answer := self._ledger.find_answer(self._key_of_trial(side, trial)))
            }
            for side in self._options.sides.split(",")
        }

    def _key_of_trial(self, side: str, trial: tuple[float, int]) -> dict[str, Any]:
        options = self._options
        names = ("model", "data", "rows", "validation_rows", "epochs", "evaluations", "threads")
        settings = {name: getattr(options, name) for name in names}
        if options.max_length:
            settings["max_length"] = options.max_length
        rate, seed = trial
        return settings | {
            "side": side,
            "rate": rate,
            "seed": seed,
        }

    def _make_folder(self, name: str) -> str:
        place = self._scratch / name
        place.mkdir()
        return str(place)


if __name__ == "__main__":
    sys.exit(main())
