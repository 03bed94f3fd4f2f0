"""What may be done to a session in which state, and why not: commands and screens ask here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from tuner.errors import TunerError
from tuner.session.view import ALIVE_STATES, SessionState

Action = Literal[
    "start", "resume", "pause", "drain", "stop", "prune", "enqueue", "edit", "change", "delete"
]
"""`edit` opens the recipe, `change` writes it; `start` is the first time, `resume` a later one."""

_ALL = frozenset(SessionState)
_NEED_WORKER = ("pause", "drain", "stop", "prune")
_ALLOWED_STATES: Mapping[Action, frozenset[SessionState]] = {
    "start": frozenset({SessionState.DRAFT}),
    "resume": frozenset(
        {SessionState.PAUSED, SessionState.CRASHED, SessionState.FAILED, SessionState.FINISHED}
    ),
    "pause": ALIVE_STATES,
    "drain": ALIVE_STATES,
    "stop": ALIVE_STATES,
    "prune": frozenset({SessionState.RUNNING}),
    "enqueue": _ALL - {SessionState.STOPPED},
    "edit": _ALL - ALIVE_STATES,
    "change": _ALL - ALIVE_STATES - {SessionState.STOPPED},
    "delete": _ALL - ALIVE_STATES,
}
_AFTER_STOP: Mapping[Action, str] = {
    "start": "clone it to go on",
    "resume": "clone it to go on",
    "enqueue": "it takes no more trials",
    "change": "its recipe stays as it was; clone it to go on",
}


def is_allowed(action: Action, state: SessionState) -> bool:
    return state in _ALLOWED_STATES[action]


def reason_not_allowed(action: Action, name: str, state: SessionState) -> str:
    """Say in one sentence why the session cannot be started, paused and so on; "" where it can."""
    if is_allowed(action, state):
        return ""
    if action in _NEED_WORKER:
        return f"{name} is not running, it is {state}: nothing to {action}"
    if state is SessionState.STOPPED:
        return f"{name} was stopped for good: {_AFTER_STOP[action]}"
    if state in ALIVE_STATES:
        running = action in ("start", "resume")
        return f"{name} is already {state}" if running else f"{name} is {state}: pause it first"
    return f"{name} was {'never' if state is SessionState.DRAFT else 'already'} started"


def refuse_unless_allowed(action: Action, name: str, state: SessionState) -> None:
    """Raise TunerError, saying why, where the action is not possible in this state."""
    reason = reason_not_allowed(action, name, state)
    if reason:
        raise TunerError(reason)
