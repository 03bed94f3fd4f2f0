"""What is known about a model and a recipe before training: plain values that cross processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

FindingLevel = Literal["ok", "warning", "error"]
_REPEATED = 3


class Finding(msgspec.Struct, frozen=True):
    """One fact that a check found.

    `topic` is "data", "model", "groups", "search", "disk" or "recipe".
    """

    level: FindingLevel
    topic: str
    text: str


class ModelDescription(msgspec.Struct, frozen=True):
    """A model's shape, without its weights.

    `parameters` are (name, shape) in the model's order, tied ones once; `layers` is the number of
    encoder layers (1 where all share their weights, and `shared_layers` tells so).
    """

    name: str
    model_type: str
    layers: int
    shared_layers: bool
    hidden_size: int
    labels: list[str]
    parameters: list[tuple[str, tuple[int, ...]]]


class LoadingReport(msgspec.Struct, frozen=True):
    """What became of a checkpoint's tensors; `lines` and `warnings` say so in words.

    `loaded` come from the checkpoint, `fresh` are drawn anew for every trial, `left_out` are not
    needed by a classifier, `prefix` was stripped from all names. `head` says whether the rows of
    the classifier are the checkpoint's ("kept"), it had none ("drawn"), or they did not match
    ("dropped").
    """

    loaded: int
    fresh: list[str]
    left_out: int = 0
    prefix: str = ""
    head: Literal["kept", "drawn", "dropped"] = "drawn"
    lines: list[str] = []
    warnings: list[str] = []


class CheckReport(msgspec.Struct, frozen=True):
    """Everything that `tuner check` found; `model` is None if it could not be read.

    `rehearsed`: weights were loaded and one step was tried, successfully or not.
    """

    findings: list[Finding]
    model: ModelDescription | None = None
    rows: dict[str, int] = {}
    labels: list[str] = []
    rehearsed: bool = False


def summarize_check_warnings(warnings: Sequence[str], session: str) -> str:
    counted = "1 warning" if len(warnings) == 1 else f"{len(warnings)} warnings"
    first_warnings = "; ".join(warnings[:_REPEATED]) + ("; …" if len(warnings) > _REPEATED else "")
    return f"check: {counted}: {first_warnings} · tuner check {session}"


class TestRows(msgspec.Struct, frozen=True):
    """The sealed test rows as they were read, in any order; nothing in it reveals a score.

    `source` is data.test as written, "" if a share of validation is sealed. `digest` is of texts
    and labels, `texts` of the texts alone.
    """

    __test__ = False
    source: str
    rows: int
    digest: str
    texts: str


class TestReport(msgspec.Struct, frozen=True):
    """What reading the test rows without scoring showed; a `problem` rules out scoring them."""

    __test__ = False
    sealed: TestRows | None = None
    warnings: list[str] = []
    problem: str = ""
