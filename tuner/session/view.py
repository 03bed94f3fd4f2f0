"""A session as its event log describes it: what every screen and command shows."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from tuner.errors import TunerError
from tuner.recipe.kernels import KernelsChoice
from tuner.recipe.types import Recipe
from tuner.results.standing import Standing
from tuner.session.events import (
    AnyEvent,
    BestChanged,
    Evaluated,
    Rung,
    SlotsChosen,
    TestScored,
    TestSealed,
    Unknown,
)


class TrialState(StrEnum):
    """What became of a trial. The glyph that goes with each is in `results.format`."""

    WAITING = "waiting"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETE = "complete"
    PRUNED = "pruned"
    COLLAPSED = "collapsed"
    FAILED = "failed"


class SessionState(StrEnum):
    """Derived from the last lifecycle event and the lock, never stored."""

    DRAFT = "draft"
    STARTING = "starting"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    CRASHED = "crashed"


ENDED_STATES = frozenset(
    {TrialState.COMPLETE, TrialState.PRUNED, TrialState.COLLAPSED, TrialState.FAILED}
)
ALIVE_STATES = frozenset({SessionState.STARTING, SessionState.RUNNING, SessionState.PAUSING})
"""Those of a session with a worker."""


@dataclass(slots=True)
class TrialView:
    """One trial.

    `value` is the metric at the kept evaluation once complete, else the best so far (last where the
    recipe keeps the last one); None before the first evaluation. `only_label` is the number of the
    label that the kept evaluation predicts for all rows; None where it predicts several, or where
    the rows have one label.

    `share` of its schedule was done when it was complete: less than 1 where the time was up before.
    `seconds` counts the time in which it ran; `losses` holds (step, loss), thinned out evenly as it
    grows: every `loss_stride`-th of the `loss_count` points so far.
    """

    number: int
    state: TrialState = TrialState.RUNNING
    generation: int = 0
    params: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, Any] = field(default_factory=dict)
    origin: str = "sampled"
    seed: int = 0
    device: str = ""
    started: float = 0.0
    ended: float | None = None
    seconds: float = 0.0
    value: float | None = None
    epoch: float = 0.0
    step: int = 0
    total_steps: int = 0
    loss: float | None = None
    learning_rates: dict[str, float] = field(default_factory=dict)
    examples_per_second: float = 0.0
    memory: int = 0
    losses: list[tuple[int, float]] = field(default_factory=list)
    evaluations: list[Evaluated] = field(default_factory=list)
    rungs: list[Rung] = field(default_factory=list)
    kept_step: int | None = None
    only_label: int | None = None
    share: float = 1.0
    reason: str = ""
    lines: list[str] = field(default_factory=list)
    attempts: int = 1
    oom_retries: int = 0
    resumed_time: float = 0.0
    seconds_before: float = 0.0
    loss_stride: int = 1
    loss_count: int = 0

    @property
    def one_label(self) -> bool:
        """Whether its kept evaluation predicts one label for all rows: it learned nothing."""
        return self.only_label is not None

    @property
    def finish_order_key(self) -> tuple[float, int]:
        """Sort key among equal trials: the first to finish is the best."""
        return (math.inf if self.ended is None else self.ended, self.number)

    def current_standing(self) -> Standing | None:
        """Return what it is compared with others by; None before the first evaluation."""
        return None if self.value is None else Standing(self.value, self.one_label)


@dataclass(slots=True)
class SessionView:
    """Everything that the log says, folded. Made and changed by `session.fold` alone.

    `history` keeps the events worth reading (no `step`), in order; `best` is a trial's number,
    `best_changes` how it changed. `over_reason` says why the search has come to its end; "" where
    more of it is to come.

    `recipe` is that of the last start; None before the first one, and where an older version wrote
    one that this one cannot read: `recipe_problem` says so. `earlier_recipes` are the first ones of
    each generation; with `keeps_last` a trial counts with its last evaluation, not its best one.

    `lifecycle` is the kind of the last event that changed the session's state. `search_seconds`
    counts the time in which trials were training; `numbers_in_training` are those that were at the
    last event. `since_improvement` counts the trials that ended since the best one did.
    `sealed_test` are the test rows, `scored_test` how the best model did on them, once they were
    opened. `slots` × `threads` is what runs side by side, `slots_choice` how a probe found that.
    `kernels` is the arithmetic of its trials, None in logs of earlier versions; `lacks_kernels`
    says that the last start failed for want of them.
    """

    name: str = ""
    metric: str = "accuracy"
    direction: str = "maximize"
    planned: int = 0
    generation: int = 0
    recipe: Recipe | None = None
    recipe_problem: str = ""
    earlier_recipes: dict[int, Recipe] = field(default_factory=dict)
    keeps_last: bool = False
    lifecycle: str = ""
    reason: str = ""
    over_reason: str = ""
    refused: bool = False
    commands_done: set[str] = field(default_factory=set)
    labels: list[str] = field(default_factory=list)
    label_counts: list[int] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    parameters: int = 0
    group_sizes: dict[str, int] = field(default_factory=dict)
    worker_pid: int | None = None
    worker_host: str | None = None
    devices: list[str] = field(default_factory=list)
    slots: int = 1
    threads: int = 0
    slots_choice: SlotsChosen | None = None
    kernels: KernelsChoice | None = None
    lacks_kernels: bool = False
    batches: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    trials: dict[int, TrialView] = field(default_factory=dict)
    best: int | None = None
    best_changes: list[BestChanged] = field(default_factory=list)
    importance: dict[str, float] = field(default_factory=dict)
    importance_method: str = ""
    importance_trials: int = 0
    sealed_test: TestSealed | None = None
    scored_test: TestScored | None = None
    history: list[AnyEvent | Unknown] = field(default_factory=list)
    next_seq: int = 0
    first_time: float | None = None
    last_time: float | None = None
    search_seconds: float = 0.0
    numbers_in_training: set[int] = field(default_factory=set)
    since_improvement: int = 0
    schema: int = 0

    @property
    def has_recipe(self) -> bool:
        """Whether the log has a recipe, be it one that this version cannot read."""
        return self.recipe is not None or bool(self.recipe_problem)

    def require_recipe(self) -> Recipe:
        """Return the recipe; TunerError, saying why, where there is none to be read."""
        if self.recipe is None:
            raise TunerError(self.recipe_problem or f"{self.name}: its log has no recipe yet")
        return self.recipe

    def find_best_trial(self) -> TrialView | None:
        return None if self.best is None else self.trials[self.best]

    def count_trials(self, *states: TrialState) -> int:
        """Count the trials in any of these states."""
        return sum(trial.state in states for trial in self.trials.values())
