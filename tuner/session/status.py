"""A session's state, derived from its log and its lock, and what `status --json` says."""

from __future__ import annotations

import socket
import time
from typing import Any

import msgspec

from tuner.recipe.kernels import KernelsChoice
from tuner.results.intervals import Interval
from tuner.results.majority import Majority
from tuner.session.budget import time_budget_seconds, training_seconds_spent
from tuner.session.fold import TERMINAL_KINDS, load_session_view, pause_running_trials
from tuner.session.folder import Session
from tuner.session.inbox import EndRequests
from tuner.session.lock import lock_holder_pid, read_holder_details
from tuner.session.scores import interval_of_trial, majority_of_validation
from tuner.session.trial_plan import planned_trials_of_view
from tuner.session.view import ALIVE_STATES, ENDED_STATES, SessionState, SessionView, TrialState
from tuner.session.writer import last_event_number

STALLED_AFTER = 60.0


class TrialCounts(msgspec.Struct, frozen=True):
    """Trials by what became of them, each counted once; paused ones are among the waiting."""

    complete: int
    pruned: int
    failed: int
    running: int
    waiting: int
    planned: int
    collapsed: int = 0

    @property
    def ended_count(self) -> int:
        return self.complete + self.pruned + self.collapsed + self.failed


class BestTrial(msgspec.Struct, frozen=True):
    """The best complete trial; `interval` is of the metric at 95 %, null where there is none.

    `one_label`: it, and so every other complete trial, predicts one label for all rows.
    """

    trial: int
    value: float
    params: dict[str, Any]
    interval: Interval | None = None
    one_label: bool = False


class WorkerInfo(msgspec.Struct, frozen=True):
    """The process at work."""

    pid: int
    host: str
    device: str


class Status(msgspec.Struct, frozen=True):
    """The keys of `tuner status --json`. `seconds` were spent on training, `time` is the budget."""

    session: str
    status: SessionState
    metric: str
    direction: str
    trials: TrialCounts
    best: BestTrial | None
    eta_seconds: float | None
    worker: WorkerInfo | None
    majority: Majority | None = None
    reason: str = ""
    seconds: float = 0.0
    time: float | None = None
    kernels: KernelsChoice | None = None


def load_current_session(session: Session) -> tuple[SessionView, SessionState]:
    """Load the session as its log and lock describe it now; without a worker no trial runs."""
    view = load_session_view(session)
    state = derive_session_state(session, view)
    pause_abandoned_trials(view, state)
    return view, state


def pause_abandoned_trials(view: SessionView, state: SessionState) -> list[int]:
    """Mark trials that a dead worker left running as paused; return their numbers."""
    return [] if state in ALIVE_STATES else pause_running_trials(view)


def derive_session_state(
    session: Session, view: SessionView, end_requests: EndRequests | None = None
) -> SessionState:
    """Derive the state from the lock and the last lifecycle event in the view.

    Whoever asks again and again keeps the `end_requests`, so that no command is read twice.
    """
    holder = lock_holder_pid(session.lock_path)
    if holder is None:
        return _derive_state_without_worker(session, view)
    if view.lifecycle in TERMINAL_KINDS and _holder_is_not_a_new_worker(session, view, holder):
        return SessionState(view.lifecycle.removeprefix("session_"))
    if view.lifecycle != "session_started" or holder not in (view.worker_pid, 0):
        return SessionState.STARTING
    is_ending = (end_requests or EndRequests(session)).are_pending(view.commands_done)
    return SessionState.PAUSING if is_ending else SessionState.RUNNING


def is_session_stalled(state: SessionState, view: SessionView, now: float | None = None) -> bool:
    """Check whether a worker is there but has been silent for a minute: a badge, not a state."""
    silent_since = view.last_time or 0.0
    moment = time.time() if now is None else now
    return state in ALIVE_STATES and moment - silent_since > STALLED_AFTER


def build_status(session: Session, view: SessionView, state: SessionState) -> Status:
    """Build what `tuner status --json` prints."""
    return Status(
        session=session.name,
        status=state,
        metric=view.metric,
        direction=view.direction,
        trials=count_trial_states(view),
        best=describe_best_trial(session, view),
        eta_seconds=estimate_seconds_left(view) if state is SessionState.RUNNING else None,
        worker=_worker_at_work(session, view) if state in ALIVE_STATES else None,
        majority=majority_of_validation(view),
        reason=view.reason,
        seconds=training_seconds_spent(view, time.time() if state in ALIVE_STATES else None),
        time=time_budget_seconds(view),
        kernels=view.kernels,
    )


def count_trial_states(view: SessionView) -> TrialCounts:
    return TrialCounts(
        complete=view.count_trials(TrialState.COMPLETE),
        pruned=view.count_trials(TrialState.PRUNED),
        collapsed=view.count_trials(TrialState.COLLAPSED),
        failed=view.count_trials(TrialState.FAILED),
        running=view.count_trials(TrialState.RUNNING),
        waiting=view.count_trials(TrialState.PAUSED, TrialState.WAITING),
        planned=planned_trials_of_view(view),
    )


def describe_best_trial(session: Session, view: SessionView) -> BestTrial | None:
    """Describe the best complete trial with all of its values."""
    best = view.find_best_trial()
    if best is None or best.value is None:
        return None
    params, interval = {**best.fixed, **best.params}, interval_of_trial(session, view, best)
    return BestTrial(best.number, best.value, params, interval, best.one_label)


def estimate_seconds_left(view: SessionView) -> float | None:
    """Estimate the seconds to the end of the search from the mean wall time of ended trials.

    Pruned trials count in that mean, so the estimate has pruning in it. None before the first trial
    has ended and while nothing runs. A time budget bounds it.
    """
    ended = [trial.seconds for trial in view.trials.values() if trial.state in ENDED_STATES]
    if view.lifecycle != "session_started" or not any(ended):
        return None
    mean = sum(ended) / len(ended)
    open_trials = [trial for trial in view.trials.values() if trial.state not in ENDED_STATES]
    trials_to_start = max(0, planned_trials_of_view(view) - len(ended) - len(open_trials))
    seconds_of_work = mean * trials_to_start + sum(
        max(0.0, mean - trial.seconds) for trial in open_trials
    )
    budget = time_budget_seconds(view)
    budget_left = (
        float("inf") if budget is None else max(0.0, budget - training_seconds_spent(view))
    )
    return min(seconds_of_work / max(1, view.slots), budget_left)


def _derive_state_without_worker(session: Session, view: SessionView) -> SessionState:
    if view.lifecycle in TERMINAL_KINDS:
        return SessionState(view.lifecycle.removeprefix("session_"))
    if view.lifecycle in ("", "session_created"):
        return SessionState.DRAFT
    if last_event_number(session.events_path) >= view.next_seq:
        # The worker may have ended in good order since the view was read: no verdict yet.
        started = view.lifecycle == "session_started"
        return SessionState.RUNNING if started else SessionState.STARTING
    return SessionState.CRASHED


def _holder_is_not_a_new_worker(session: Session, view: SessionView, holder: int) -> bool:
    ending = holder == view.worker_pid
    return ending or read_holder_details(session.lock_path).get("purpose") == "test"


def _worker_at_work(session: Session, view: SessionView) -> WorkerInfo | None:
    holder = lock_holder_pid(session.lock_path)
    if holder is None:
        return None
    host = read_holder_details(session.lock_path).get("host") or socket.gethostname()
    return WorkerInfo(holder, host, _device_in_use(view))


def _device_in_use(view: SessionView) -> str:
    running = [t.device for t in view.trials.values() if t.state is TrialState.RUNNING]
    return next((device for device in [*running, *view.devices] if device), "")
