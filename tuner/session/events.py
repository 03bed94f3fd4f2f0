"""What the worker reports: one JSON object per line in events.jsonl, read by everybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import Meta

from tuner.recipe.kernels import Precision, Products

SCHEMA = 1

# Values that no worker can have meant are rejected when a line is decoded, so that all other code
# can rely on numbers that fit a machine word or a date, and on square matrices.
_MANY = 10**9
_FAR = 1e39
_BYTES = 2**60
_YEAR_9999 = 253_370_764_800.0
Count = Annotated[int, Meta(ge=0, le=_MANY)]
Bytes = Annotated[int, Meta(ge=0, le=_BYTES)]
Moment = Annotated[float, Meta(ge=0.0, le=_YEAR_9999)]
Seconds = Annotated[float, Meta(ge=0.0, le=_YEAR_9999)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
Amount = Annotated[float, Meta(ge=0.0, le=_FAR)]
Real = Annotated[float, Meta(ge=-_FAR, le=_FAR)]
Whole = Annotated[int, Meta(ge=-(2**62), le=2**62)]
if TYPE_CHECKING:
    Values = dict[str, Any]
else:
    Values = dict[str, bool | Whole | Real | str | None]
Confusion = list[list[Count]]


def _check_square(confusion: list[list[int]]) -> None:
    """Raise ValueError for a matrix that is not square; msgspec reports it as a decoding error."""
    side = len(confusion)
    for row in confusion:  # A hundred thousand matrices when a long log is opened.
        if len(row) != side:
            raise ValueError("a confusion matrix is not square")


class Event(msgspec.Struct, tag_field="kind", kw_only=True, frozen=True, omit_defaults=False):
    """`seq` counts from 0 without a gap, `time` is UTC in seconds; the log writer fills both in."""

    seq: Annotated[int, Meta(ge=-1, le=_BYTES)] = -1
    time: Moment = 0.0


class SessionCreated(Event, tag="session_created", frozen=True):
    schema: Count
    name: str
    tuner: str


class SessionStarted(Event, tag="session_started", frozen=True):
    """A worker took the session on: for the first time, or again."""

    trials: Count
    metric: str
    direction: str
    generation: Count = 0
    resumed: bool = False
    recipe: dict[str, Any] = {}


class SessionPaused(Event, tag="session_paused", frozen=True):
    reason: str = ""


class SessionFinished(Event, tag="session_finished", frozen=True):
    reason: str = ""


class SessionStopped(Event, tag="session_stopped", frozen=True):
    reason: str = ""


class SessionFailed(Event, tag="session_failed", frozen=True):
    """The study cannot go on, or has ended without a complete trial.

    `over` says why the search came to its end; "" where something interrupted it. `refused`: recipe
    or data are wrong, and a user can fix them; with the `cause` "no such kernels" this machine
    lacks those of the session.
    """

    reason: str
    over: str = ""
    refused: bool = False
    cause: str = ""


class WorkerStarted(Event, tag="worker_started", frozen=True):
    pid: Count
    host: str
    versions: dict[str, str]
    devices: list[str]
    slots: Count = 1


class TrialStarted(Event, tag="trial_started", frozen=True):
    """A trainer has the trial, from the beginning or from a checkpoint.

    `params` are the searched values; `fixed` the values that this trial has instead of the recipe's
    own; `origin` is one of `recipe.origins`: "sampled", "enqueued", "rerun of 9" …
    """

    trial: Count
    generation: Count
    params: Values
    seed: Whole
    device: str
    fixed: Values = {}
    origin: str = "sampled"
    resumed_at: Count = 0


class Step(Event, tag="step", frozen=True):
    """At most two a second. `memory` is the trial's peak in bytes."""

    trial: Count
    step: Count
    of: Count
    loss: Real
    learning_rates: dict[str, Amount]
    examples_per_second: Amount
    memory: Bytes = 0


class Evaluated(Event, tag="evaluated", frozen=True):
    """`share` of the schedule that is done, 0…1; confusion[i][j] counts label i predicted as j.

    `train_loss` is the mean of the `updates` since the evaluation before, `guess_loss` the
    loss of predicting the label frequencies on the same rows, and `loss_spread` the standard
    deviation from update to update of the loss beyond that; `row_information` the nats that a
    prediction tells of its row, 0 for one prediction for all rows. Logs of earlier versions have
    0 updates.
    """

    trial: Count
    epoch: Amount
    share: Share
    step: Count
    of: Count
    metrics: dict[str, Real]
    confusion: Confusion
    gradient_norms: dict[str, Amount]
    train_loss: Real
    seconds: Seconds = 0.0
    updates: Count = 0
    guess_loss: Amount = 0.0
    loss_spread: Amount = 0.0
    row_information: Amount | None = None

    def __post_init__(self) -> None:
        _check_square(self.confusion)


class Rung(Event, tag="rung", frozen=True):
    """A trial was compared at a share of its schedule. `rank` counts from 1 among `among`.

    `spared`: the rule would have pruned it, and it was kept all the same, as `rule` says.
    `one_label`: whatever its value, the trial was compared as the worst there is, because its
    model predicted one label for all rows.
    """

    trial: Count
    share: Share
    kept: bool
    value: Real
    cutoff: Real | None
    rank: Count
    among: Count
    rule: str
    spared: bool = False
    one_label: bool = False


class TrialPruned(Event, tag="trial_pruned", frozen=True):
    trial: Count
    reason: str
    value: Real | None = None
    seconds: Seconds = 0.0


class TrialCollapsed(Event, tag="trial_collapsed", frozen=True):
    trial: Count
    reason: str
    label: str
    seconds: Seconds = 0.0


class TrialCompleted(Event, tag="trial_completed", frozen=True):
    """`value` is the metric at the evaluation that was kept, `epoch` and `step` where that was.

    `one_label`: that one predicts one label for all rows, so that any other trial ranks above
    this one. None in logs of versions that compared trials by the value alone.
    `share` of the schedule was done: less than 1 where the time was used up before.
    """

    trial: Count
    value: Real
    epoch: Amount
    step: Count
    seconds: Seconds
    memory: Bytes = 0
    one_label: bool | None = None
    share: Share = 1.0


class TrialFailed(Event, tag="trial_failed", frozen=True):
    """The trial is over without a value.

    `cause` is one of `pool.causes`: "out of memory", "not a number", "exception", "died", "hung",
    "device lost" or "stopped".
    """

    trial: Count
    cause: str
    error: str
    lines: list[str] = []
    seconds: Seconds = 0.0


class TrialRetried(Event, tag="trial_retried", frozen=True):
    """The trainer was lost or ran out of memory: the trial goes on from its checkpoint.

    `cause` is "died", "hung", "device lost" or, where half the rows at once are tried next, "out of
    memory".
    """

    trial: Count
    cause: str
    error: str
    attempt: Count


class BestChanged(Event, tag="best_changed", frozen=True):
    trial: Count
    value: Real


class Importance(Event, tag="importance", frozen=True):
    values: dict[str, Real]
    method: str
    trials: Count


class GenerationOpened(Event, tag="generation_opened", frozen=True):
    generation: Count
    changes: dict[str, Any]
    carried: Count


class DataRead(Event, tag="data_read", frozen=True):
    """What the first trainer found: rows per split, the labels in order, the model's size.

    `batches` is "packed" or "padded"; `threads` counts those that a trainer uses; `label_counts`
    are the training rows of each label, [] in logs of earlier versions.
    """

    rows: dict[str, Count]
    labels: list[str]
    parameters: Bytes
    groups: dict[str, Bytes]
    device: str = ""
    device_name: str = ""
    batches: str = ""
    threads: Count = 0
    label_counts: list[Count] = []


class SlotsChosen(Event, tag="slots_chosen", frozen=True):
    """What a probe found for slots = "auto": how many trials side by side, and why.

    `measured` is examples a second of all together, by the number side by side; `threads` those
    that each uses. It holds for as long as the session runs on this device and so many `cores`.
    """

    slots: Count
    threads: Count
    measured: dict[Count, Amount]
    reason: str
    cores: Count
    device: str


class KernelsChosen(Event, tag="kernels_chosen", frozen=True):
    """Which arithmetic all trials are computed with from here on: a `KernelsChoice`.

    Once a session; once more where somebody asked to choose anew or changed the recipe. `speeds`
    are GFLOP/s a thread by candidate.
    """

    precision: Precision
    products: Products
    attention: Precision
    requested_precision: str = "auto"
    requested_kernels: str = "auto"
    device: str = ""
    processor: str = ""
    torch: str = ""
    speeds: dict[str, Amount] = {}
    notes: list[str] = []


class TestSealed(Event, tag="test_sealed", frozen=True):
    """These rows are the test from now on.

    `source` is data.test as written, "" where a share of validation is sealed. `digest` names the
    content, texts and labels in any order; `texts` the texts alone.
    """

    __test__ = False
    source: str
    rows: Count
    digest: str
    texts: str = ""


class TestReplaced(Event, tag="test_replaced", frozen=True):
    """data.test was set anew before it was opened: what is read next is sealed."""

    __test__ = False
    source: str


class TestScored(Event, tag="test_scored", frozen=True):
    """The sealed split was opened.

    `opened` counts how often rows of this content were, in all sessions of the folder; `sessions`
    names the other ones that opened them before, and `shared` counts the rows that others opened
    as a part of their own test. `texts` names the content, "" in logs of earlier versions.
    """

    __test__ = False
    trial: Count
    n: Count
    metrics: dict[str, Real]
    confusion: Confusion
    opened: Count
    texts: str = ""
    sessions: list[str] = []
    shared: dict[str, Count] = {}

    def __post_init__(self) -> None:
        _check_square(self.confusion)


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
    | KernelsChosen
    | TestSealed
    | TestReplaced
    | TestScored
    | CommandDone
    | Log
)
