"""What may be done to a session in which state, and why not: commands and screens ask here."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.errors import TunerError
from tuner.session.view import ALIVE_STATES, SessionState

_ALL = frozenset(SessionState)
ALLOWED_STATES: Mapping[str, frozenset[SessionState]] = {
    "start": frozenset({SessionState.DRAFT}),
    "resume": frozenset({SessionState.PAUSED, SessionState.CRASHED, SessionState.FAILED}),
    "pause": frozenset({SessionState.STARTING, SessionState.RUNNING}),
    "drain": frozenset({SessionState.STARTING, SessionState.RUNNING}),
    "stop": ALIVE_STATES,
    "prune": frozenset({SessionState.RUNNING}),
    "enqueue": _ALL - {SessionState.STOPPED},
    "edit": _ALL - ALIVE_STATES,
    "change": _ALL - ALIVE_STATES - {SessionState.STOPPED},
    "delete": _ALL - ALIVE_STATES,
}
"""By action: `start` is the first time, `resume` a later one; `edit` opens the recipe, `change`
writes it."""
_NEED_WORKER = ("pause", "drain", "stop", "prune")
_AFTER_STOP = {
    "enqueue": "it accepts no more trials",
    "change": "its recipe can no longer be changed; clone it to continue",
}


def is_allowed(action: str, state: SessionState) -> bool:
    """Check an action's state; what is not in ALLOWED_STATES is possible in all of them."""
    return state in ALLOWED_STATES.get(action, _ALL)


def reason_not_allowed(action: str, name: str, state: SessionState) -> str:
    """Say in one sentence why the session cannot be started, paused and so on; "" where it can."""
    if is_allowed(action, state):
        return ""
    if action in _NEED_WORKER:
        return f"{name} is not running, it is {state}: nothing to {action}"
    if state is SessionState.STOPPED:
        return f"{name} was stopped for good: {_AFTER_STOP.get(action, 'clone it to continue')}"
    if state in ALIVE_STATES:
        starts = action in ("start", "resume")
        return f"{name} is already {state}" if starts else f"{name} is {state}: pause it first"
    if state is SessionState.FINISHED:
        return f"{name} is finished: edit its recipe to continue"
    return f"{name} was {'never' if state is SessionState.DRAFT else 'already'} started"


def refuse_unless_allowed(action: str, name: str, state: SessionState) -> None:
    """Raise TunerError, saying why, where the action is not possible in this state."""
    reason = reason_not_allowed(action, name, state)
    if reason:
        raise TunerError(reason)
