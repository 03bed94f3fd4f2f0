"""The messages between worker and trainer: one JSON object per line on stdin and stdout.

Numbers are finite, since JSON has no others: a loss that is not a number is sent as `Failed`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tuner.recipe.config import TrialConfig
from tuner.recipe.findings import LoadingReport, ModelDescription, TestReport
from tuner.recipe.kernels import KernelsChoice, KernelsRule


class Message(msgspec.Struct, tag_field="kind", frozen=True, kw_only=True):
    """Tagged by the class's name in snake case."""


# worker → trainer


class Setup(Message, tag="setup", frozen=True):
    """First of all: load data, tokenizer and model. `recipe` is `recipe_to_dict(recipe)`.

    With `check`, `Ready` also has what `tuner check` warns about. `kernels` are those of the
    session, None where they are to be chosen; `kernels_rule` says how far they bind. A choice is
    published in `kernels_folder`, "" for the session's cache, for others who choose at that time.
    """

    session: str
    recipe: dict[str, Any]
    device: str
    threads: int
    check: bool = False
    kernels: KernelsChoice | None = None
    kernels_rule: KernelsRule = "keep"
    kernels_folder: str = ""


class Train(Message, tag="train", frozen=True):
    """Train one trial, from its checkpoint if there is one.

    `metric` and `direction` say which evaluation to keep; a model that is better than `best_value`
    (None: any) is saved to trials/NNNN/model before `Completed` is sent. `best_one_label` says that
    the best one so far predicts one label for all rows, so that any other is better. The trainer
    may use `threads` threads; 0 leaves the number as it is. `halvings` counts how often the trial
    has run out of memory: each time half as many rows go through the model at once, twice as often.

    The checkpoint stays when the trial ends: the worker removes it once the end is in the log.
    """

    trial: int
    config: TrialConfig
    metric: str
    direction: str
    best_value: float | None = None
    best_one_label: bool = False
    threads: int = 0
    halvings: int = 0


class Go(Message, tag="go", frozen=True):
    """The reply to `Evaluated`: train on."""

    trial: int


class Prune(Message, tag="prune", frozen=True):
    """End the trial here: the reply to `Evaluated`, or unasked. The trainer replies `Stopped`."""

    trial: int


class Finish(Message, tag="finish", frozen=True):
    """End the trial with what it has, after one more evaluation unless the last step was evaluated.

    May come unasked. The trainer replies with `Evaluated` and `Completed`.
    """

    trial: int


class Pause(Message, tag="pause", frozen=True):
    """Checkpoint after the current step, reply `Paused`, and exit; closing stdin means the same."""


class Probe(Message, tag="probe", frozen=True):
    """Train a throw-away trial for about so many seconds; the reply is `Probed`, or `Paused`."""

    threads: int
    seconds: float


class Score(Message, tag="score", frozen=True):
    """Score the model in `folder` on the sealed test split; the reply is `Scored`."""

    folder: str


# trainer → worker


class Ready(Message, tag="ready", frozen=True):
    """Data and model are loaded. `rows` counts them by split; `groups` counts trained elements.

    `model` is the shape of the model that was loaded; the worker asks for it where it is missing.
    `batches` is "packed" or "padded"; `threads` is how many of the allowed threads are used, 0 if
    unknown. `loading` says what became of the checkpoint's tensors. `test` describes the sealed
    rows, None where there are none. `label_counts` counts training rows by label. `warnings` are
    those of a check, if `Setup` asked for one. `kernels` are what the trainer computes with.
    """

    device: str
    device_name: str
    versions: dict[str, str]
    labels: list[str]
    rows: dict[str, int]
    parameters: int
    groups: dict[str, int]
    notes: list[str] = []
    warnings: list[str] = []
    model: ModelDescription | None = None
    batches: str = ""
    threads: int = 0
    loading: LoadingReport | None = None
    test: TestReport | None = None
    label_counts: list[int] = []
    kernels: KernelsChoice | None = None


class Refused(Message, tag="refused", frozen=True):
    """The recipe cannot be set up: the study fails with this one line.

    With the `cause` "no room" the disk could not be written to, and the study is paused; with "no
    such kernels" this machine lacks those that the session was begun with.
    """

    error: str
    lines: list[str] = []
    cause: str = ""


class Started(Message, tag="started", frozen=True):
    """`step` is 0, or where the checkpoint was."""

    trial: int
    step: int
    of: int


class Progress(Message, tag="progress", frozen=True):
    """At most two a second. `memory` is peak bytes of the device (or of the process on a CPU)."""

    trial: int
    step: int
    of: int
    loss: float
    learning_rates: dict[str, float]
    examples_per_second: float
    memory: int


class Evaluated(Message, tag="evaluated", frozen=True):
    """Predictions are on disk; the trainer waits for `Go`, `Prune` or `Pause`.

    After a resume, evaluations from before the checkpoint are sent again, in order. metrics holds
    loss, accuracy, f1_macro, mcc and f1.LABEL for every label; train_loss is the mean of the
    `updates` since the evaluation before; gradient_norms are by group, before clipping, of the last
    update. guess_loss is what predicting the label frequencies would have lost on the same rows,
    loss_spread the standard deviation from update to update of the loss beyond that; `updates` is 0
    where these are not known. row_information is how many nats a prediction tells about its row, 0
    for a model that predicts the same for all rows.
    """

    trial: int
    epoch: float
    share: float
    step: int
    of: int
    metrics: dict[str, float]
    confusion: list[list[int]]
    gradient_norms: dict[str, float]
    train_loss: float
    seconds: float
    updates: int = 0
    guess_loss: float = 0.0
    loss_spread: float = 0.0
    row_information: float | None = None


class Completed(Message, tag="completed", frozen=True):
    """`step` is that of the kept evaluation; `saved` says whether trials/NNNN/model exists."""

    trial: int
    value: float
    epoch: float
    step: int
    seconds: float
    memory: int
    saved: bool


class Stopped(Message, tag="stopped", frozen=True):
    """The trial ended at `Prune`."""

    trial: int
    seconds: float


class Paused(Message, tag="paused", frozen=True):
    """The checkpoint is on disk and the trainer exits."""

    trial: int | None
    step: int


class Failed(Message, tag="failed", frozen=True):
    """The trial failed; the trainer can go on.

    `cause` is "out of memory", "not a number", "no room" (on the disk: the trial is not lost),
    "device lost" (to this process, which exits) or "exception".
    """

    trial: int
    cause: str
    error: str
    lines: list[str]
    seconds: float


class Probed(Message, tag="probed", frozen=True):
    """How fast training is with `threads` threads.

    One more trainer takes about `memory` bytes, and `free` bytes are left.
    """

    examples_per_second: float
    threads: int
    memory: int
    free: int


class Scored(Message, tag="scored", frozen=True):
    """The sealed split, scored. Predictions are in FOLDER/../test_predictions.json."""

    n: int
    metrics: dict[str, float]
    confusion: list[list[int]]


class Note(Message, tag="note", frozen=True):
    """Something worth a line in the log."""

    level: str
    text: str


Request = Setup | Train | Go | Prune | Finish | Pause | Probe | Score
Reply = (
    Ready
    | Refused
    | Started
    | Progress
    | Evaluated
    | Completed
    | Stopped
    | Paused
    | Failed
    | Probed
    | Scored
    | Note
)
