"""A session's state, derived from its log and its lock, and what `status --json` says."""

from __future__ import annotations

import socket
import time
from typing import Any

import msgspec

from tuner.results.intervals import Interval
from tuner.results.majority import Majority
from tuner.session.budget import seconds_spent, time_budget
from tuner.session.commands import Drain, Pause, Stop
from tuner.session.fold import ENDED, TERMINAL, interrupt, load_view
from tuner.session.folder import Session
from tuner.session.inbox import CommandTail
from tuner.session.lock import holder_details, lock_holder
from tuner.session.plan import trials_planned
from tuner.session.scores import interval_of, validation_majority
from tuner.session.view import SessionState, SessionView, TrialState
from tuner.session.writer import last_seq

STALLED_AFTER = 60.0
ALIVE = frozenset({SessionState.STARTING, SessionState.RUNNING, SessionState.PAUSING})


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
    def ended(self) -> int:
        """Trials that have come to an end, whatever end."""
        return self.complete + self.pruned + self.collapsed + self.failed


class BestTrial(msgspec.Struct, frozen=True):
    """The best complete trial; `interval` is of the metric at 95 %, null where there is none.

    `one_label`: it, and so every other complete trial, has one answer for all rows.
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


def current(session: Session) -> tuple[SessionView, SessionState]:
    """The session as its log and its lock tell it now; without a worker no trial runs."""
    view = load_view(session)
    state = session_state(session, view)
    settle(view, state)
    return view, state


def settle(view: SessionView, state: SessionState) -> list[int]:
    """What the log of a lost worker left running waits, as the next one will say; its numbers."""
    return [] if state in ALIVE else interrupt(view)


def session_state(session: Session, view: SessionView) -> SessionState:
    """Where the session stands by its lock and the last lifecycle event that the view knows."""
    holder = lock_holder(session.lock_path)
    if holder is None:
        return _state_without_worker(session, view)
    if view.lifecycle in TERMINAL and _is_not_a_new_worker(session, view, holder):
        return SessionState(view.lifecycle.removeprefix("session_"))
    if view.lifecycle != "session_started" or holder not in (view.worker_pid, 0):
        return SessionState.STARTING
    return SessionState.PAUSING if _pause_is_pending(session, view) else SessionState.RUNNING


def stalled(state: SessionState, view: SessionView, now: float | None = None) -> bool:
    """Whether a worker is there but has said nothing for a minute: a badge, not a state."""
    silent_since = view.last_time or 0.0
    moment = time.time() if now is None else now
    return state in ALIVE and moment - silent_since > STALLED_AFTER


def status(session: Session, view: SessionView, state: SessionState) -> Status:
    """What `tuner status --json` says of the `current` session."""
    return Status(
        session=session.name,
        status=state,
        metric=view.metric,
        direction=view.direction,
        trials=trial_counts(view),
        best=best_trial(session, view),
        eta_seconds=eta_seconds(view) if state is SessionState.RUNNING else None,
        worker=_worker(session, view) if state in ALIVE else None,
        majority=validation_majority(view),
        reason=view.reason,
        seconds=seconds_spent(view, time.time() if state in ALIVE else None),
        time=time_budget(view),
    )


def trial_counts(view: SessionView) -> TrialCounts:
    """Trials by state."""
    return TrialCounts(
        complete=view.count(TrialState.COMPLETE),
        pruned=view.count(TrialState.PRUNED),
        collapsed=view.count(TrialState.COLLAPSED),
        failed=view.count(TrialState.FAILED),
        running=view.count(TrialState.RUNNING),
        waiting=view.count(TrialState.PAUSED, TrialState.WAITING),
        planned=trials_planned(view),
    )


def best_trial(session: Session, view: SessionView) -> BestTrial | None:
    """The best complete trial with every value that it was given."""
    best = view.best_trial()
    if best is None or best.value is None:
        return None
    params, interval = {**best.fixed, **best.params}, interval_of(session, view, best)
    return BestTrial(best.number, best.value, params, interval, best.one_label)


def eta_seconds(view: SessionView) -> float | None:
    """Seconds to the end of the search, at the mean wall time of the trials ended so far.

    Pruned trials count in that mean, so the estimate has pruning in it. None before the first trial
    has ended and while nothing runs. A time budget bounds it.
    """
    ended = [trial.seconds for trial in view.trials.values() if trial.state in ENDED]
    if view.lifecycle != "session_started" or not any(ended):
        return None
    mean = sum(ended) / len(ended)
    open_trials = [trial for trial in view.trials.values() if trial.state not in ENDED]
    fresh = max(0, trials_planned(view) - len(ended) - len(open_trials))
    rest = mean * fresh + sum(max(0.0, mean - trial.seconds) for trial in open_trials)
    budget = time_budget(view)
    left = float("inf") if budget is None else max(0.0, budget - seconds_spent(view))
    return min(rest / max(1, view.slots), left)


def _state_without_worker(session: Session, view: SessionView) -> SessionState:
    if view.lifecycle in TERMINAL:
        return SessionState(view.lifecycle.removeprefix("session_"))
    if view.lifecycle in ("", "session_created"):
        return SessionState.DRAFT
    if last_seq(session.events_path) >= view.next_seq:
        # The worker may have ended in good order since the view was read: no verdict yet.
        started = view.lifecycle == "session_started"
        return SessionState.RUNNING if started else SessionState.STARTING
    return SessionState.CRASHED


def _is_not_a_new_worker(session: Session, view: SessionView, holder: int) -> bool:
    ending = holder == view.worker_pid
    return ending or holder_details(session.lock_path).get("purpose") == "test"


def _pause_is_pending(session: Session, view: SessionView) -> bool:
    commands = CommandTail(session.commands_path).read()
    ending = (command for command in commands if isinstance(command, Pause | Drain | Stop))
    return any(command.id not in view.commands_done for command in ending)


def _worker(session: Session, view: SessionView) -> WorkerInfo | None:
    holder = lock_holder(session.lock_path)
    if holder is None:
        return None
    host = holder_details(session.lock_path).get("host") or socket.gethostname()
    return WorkerInfo(holder, host, _device(view))


def _device(view: SessionView) -> str:
    running = [t.device for t in view.trials.values() if t.state is TrialState.RUNNING]
    return next((device for device in [*running, *view.devices] if device), "")
