"""What the worker says: one JSON object a line in events.jsonl, read by everybody."""

from __future__ import annotations

from typing import Any

import msgspec

SCHEMA = 1


class Event(msgspec.Struct, tag_field="kind", kw_only=True, frozen=True, omit_defaults=False):
    """`seq` counts from 0 without a gap, `time` is UTC in seconds; the log writer fills both in."""

    seq: int = -1
    time: float = 0.0


class SessionCreated(Event, tag="session_created", frozen=True):
    schema: int
    name: str
    tuner: str


class SessionStarted(Event, tag="session_started", frozen=True):
    """A worker took the session on: for the first time, or again."""

    trials: int
    metric: str
    direction: str
    generation: int = 0
    resumed: bool = False
    recipe: dict[str, Any] = {}


class SessionPaused(Event, tag="session_paused", frozen=True):
    reason: str = ""


class SessionFinished(Event, tag="session_finished", frozen=True):
    reason: str = ""


class SessionStopped(Event, tag="session_stopped", frozen=True):
    reason: str = ""


class SessionFailed(Event, tag="session_failed", frozen=True):
    reason: str


class WorkerStarted(Event, tag="worker_started", frozen=True):
    pid: int
    host: str
    versions: dict[str, str]
    devices: list[str]
    slots: int = 1


class TrialStarted(Event, tag="trial_started", frozen=True):
    """`params` are the searched values; `fixed` the values that this trial has instead of the
    recipe's own; `origin` is "baseline", "middle", "enqueued" or "sampled"."""

    trial: int
    generation: int
    params: dict[str, Any]
    seed: int
    device: str
    fixed: dict[str, Any] = {}
    origin: str = "sampled"
    resumed_at: int = 0


class Step(Event, tag="step", frozen=True):
    """At most two a second. `memory` is the trial's peak in bytes."""

    trial: int
    step: int
    of: int
    loss: float
    learning_rates: dict[str, float]
    examples_per_second: float
    memory: int = 0


class Evaluated(Event, tag="evaluated", frozen=True):
    """`share` of the schedule that is done, 0…1; confusion[i][j] counts label i answered as j."""

    trial: int
    epoch: float
    share: float
    step: int
    of: int
    metrics: dict[str, float]
    confusion: list[list[int]]
    gradient_norms: dict[str, float]
    train_loss: float
    seconds: float = 0.0


class Rung(Event, tag="rung", frozen=True):
    """A trial was compared at a share of its schedule. `rank` counts from 1 among `among`.

    `spared`: the rule would have pruned it, and it was kept all the same, as `rule` says.
    """

    trial: int
    share: float
    kept: bool
    value: float
    cutoff: float | None
    rank: int
    among: int
    rule: str
    spared: bool = False


class TrialPruned(Event, tag="trial_pruned", frozen=True):
    trial: int
    reason: str
    value: float | None = None
    seconds: float = 0.0


class TrialCollapsed(Event, tag="trial_collapsed", frozen=True):
    trial: int
    reason: str
    label: str
    seconds: float = 0.0


class TrialCompleted(Event, tag="trial_completed", frozen=True):
    """`value` is the metric at the evaluation that was kept, `epoch` and `step` where that was."""

    trial: int
    value: float
    epoch: float
    step: int
    seconds: float
    memory: int = 0


class TrialFailed(Event, tag="trial_failed", frozen=True):
    """`cause` is "out of memory", "not a number", "exception", "died" or "stopped"."""

    trial: int
    cause: str
    error: str
    lines: list[str] = []
    seconds: float = 0.0


class TrialRetried(Event, tag="trial_retried", frozen=True):
    """The trainer was lost; the trial goes on from its checkpoint in a fresh one."""

    trial: int
    cause: str
    error: str
    attempt: int


class BestChanged(Event, tag="best_changed", frozen=True):
    trial: int
    value: float


class Importance(Event, tag="importance", frozen=True):
    values: dict[str, float]
    method: str
    trials: int


class GenerationOpened(Event, tag="generation_opened", frozen=True):
    generation: int
    changes: dict[str, Any]
    carried: int


class DataRead(Event, tag="data_read", frozen=True):
    """What the first trainer found: rows per split, the labels in order, the model's size.

    `batches` is "packed" or "padded"; `threads` counts those that a trainer uses.
    """

    rows: dict[str, int]
    labels: list[str]
    parameters: int
    groups: dict[str, int]
    device: str = ""
    device_name: str = ""
    batches: str = ""
    threads: int = 0


class SlotsChosen(Event, tag="slots_chosen", frozen=True):
    """What a probe found for slots = "auto": how many trials side by side, and why.

    `measured` is examples a second of all together, by the number side by side; `threads` those
    that each uses. It holds for as long as the session runs on this device and so many `cores`.
    """

    slots: int
    threads: int
    measured: dict[int, float]
    reason: str
    cores: int
    device: str


class TestScored(Event, tag="test_scored", frozen=True):
    """The sealed split was opened."""

    __test__ = False
    trial: int
    n: int
    metrics: dict[str, float]
    confusion: list[list[int]]
    opened: int


class CommandDone(Event, tag="command_done", frozen=True):
    id: str
    result: str
    ok: bool = True


class Log(Event, tag="log", frozen=True):
    level: str
    text: str


class Unknown(msgspec.Struct, frozen=True):
    """An event of a newer version: kept as it is and shown raw."""

    seq: int
    time: float
    kind: str
    raw: dict[str, Any]


AnyEvent = (
    SessionCreated
    | SessionStarted
    | SessionPaused
    | SessionFinished
    | SessionStopped
    | SessionFailed
    | WorkerStarted
    | TrialStarted
    | Step
    | Evaluated
    | Rung
    | TrialPruned
    | TrialCollapsed
    | TrialCompleted
    | TrialFailed
    | TrialRetried
    | BestChanged
    | Importance
    | GenerationOpened
    | DataRead
    | SlotsChosen
    | TestScored
    | CommandDone
    | Log
)
