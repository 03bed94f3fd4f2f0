"""Who takes part in training.py: tuner, the Trainer as people write it and at its best, others."""

from __future__ import annotations

import argparse
import re
from dataclasses import dataclass, field, replace

from kit.environments import NotInstallable, ensure_installed, is_installed, python_of, versions_in
from kit.processes import Contender, plain_environment
from kit.work import Work
from tuner.pool.local import trainer_environment

REFERENCE = "Trainer"
_SIMPLE = ("simpletransformers", "simpletransformers.classification", "simpletransformers")
_VARIANTS = {
    "": ("plain", "dynamic padding, tuner's batches"),
    ", grouped": ("grouped", "group_by_length"),
    ", best options": ("best", "grouped, and all documented"),
}


@dataclass
class Row:
    """A contender in the table: how it is started, and what each round gave.

    precision is what it trains in; only_with_fast_bf16: without, it would be another row again.
    """

    name: str
    about: str
    contender: Contender
    precision: str
    only_with_fast_bf16: bool = False
    speeds: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)
    failure: str = ""


class Contenders:
    """Makes the rows for one model and data set."""

    def __init__(
        self, options: argparse.Namespace, work: Work, side_by_side: int, kind: str
    ) -> None:
        self._options, self._work, self._kind = options, work, kind
        self._count = side_by_side
        self._share = max(1, int(options.threads) // side_by_side)
        # On a GPU everybody trains in bf16; there is nothing to tell apart.
        self._usual = "bf16" if options.device == "cuda" else "fp32"

    def make_rows(self) -> list[Row]:
        """All rows, or those whose names match one of --only's patterns."""
        rows = [*self._tuner_rows("auto"), self._padded_row(), *self._trainer_rows(self._usual)]
        if self._options.device != "cuda":
            rows += self._tuner_rows("fp32")
            rows += self._trainer_rows("bf16")
        rows = [row for row in rows if self._is_selected(row.name)]
        return [*rows, *self._simple_rows()]

    def _is_selected(self, name: str) -> bool:
        only = self._options.only
        return not only or any(re.search(pattern, name) for pattern in only.split(","))

    def _tuner_rows(self, precision: str) -> list[Row]:
        name, module = "tuner" + (" fp32" if precision == "fp32" else ""), "contenders.tuner_steps"
        about = f"{self._count} × {self._share} thread(s), as in a study"
        rows = [
            Row(name, "one trial", self._alone(module, "", precision, ours=True), precision),
            Row(
                f"{name}, {self._count} at once",
                about,
                self._side_by_side(module, "", precision, ours=True),
                precision,
            ),
        ]
        return [replace(row, only_with_fast_bf16=precision == "fp32") for row in rows]

    def _padded_row(self) -> Row:
        contender = self._alone("contenders.tuner_steps", "packed", "auto", ours=True)
        return Row("tuner without packed", "length-sorted, padded", contender, "auto")

    def _trainer_rows(self, precision: str) -> list[Row]:
        module, extra = "contenders.trainer_steps", precision != self._usual
        name = REFERENCE + (f" {precision}" if extra else "")
        rows = [
            Row(name + suffix, about, self._alone(module, how, precision), precision, extra)
            for suffix, (how, about) in _VARIANTS.items()
        ]
        copies = self._side_by_side(module, "best", precision)
        about = f"{self._count} × {self._share} thread(s)"
        rows.append(Row(f"{name}, best, {self._count} at once", about, copies, precision, extra))
        return rows[:2] if self._options.smoke else rows

    def _simple_rows(self) -> list[Row]:
        row = Row(
            "Simple Transformers",
            "pads every row to max_length",
            self._alone("contenders.simple_steps", self._kind, "fp32"),
            "fp32",
        )
        if not self._is_selected(row.name):
            return []
        name, module, package = _SIMPLE
        if self._options.smoke and not is_installed(name, module):
            row.failure = "not installed yet: a run without --smoke installs it"
            return [row]
        try:
            python = str(ensure_installed(name, module, package))
        except NotInstallable as reason:
            row.failure = f"could not be installed: {reason}"
            return [row]
        versions = versions_in(python_of(name), "simpletransformers", "transformers", "torch")
        row.about += " (" + ", ".join(f"{key} {value}" for key, value in versions.items()) + ")"
        row.contender = replace(row.contender, python=python)
        return [row]

    def _alone(self, module: str, how: str, precision: str, *, ours: bool = False) -> Contender:
        threads = int(self._options.threads)
        return self._make_contender(module, how, precision, threads, 1, ours)

    def _side_by_side(
        self, module: str, how: str, precision: str, *, ours: bool = False
    ) -> Contender:
        return self._make_contender(module, how, precision, self._share, self._count, ours)

    def _make_contender(
        self, module: str, how: str, precision: str, threads: int, copies: int, ours: bool
    ) -> Contender:
        work = replace(self._work, how=how, precision=precision, threads=threads)
        environment = trainer_environment if ours else plain_environment
        return Contender(module, work.as_request(), environment(threads), copies)
