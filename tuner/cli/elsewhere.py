"""A session that a worker on another host holds, or held: waiting to learn whether it still lives.

Where a pod comes back under another name, the one before may be gone or about to end. On a shared
disk only silence tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tuner.cli.interruptions import Interruptions
from tuner.cli.output import note
from tuner.session.folder import Session
from tuner.session.lock import GONE_AFTER, TOUCH_EVERY, HolderElsewhere, holder_elsewhere

POLL_SECONDS = 0.5
TELL_EVERY = 10.0


def lives_elsewhere(session: Session, interruptions: Interruptions | None = None) -> bool:
    """Whether a process on another host is at work on the session.

    One that has not shown itself for a moment is waited for, saying so: until it does, or has been
    silent for so long that it counts as lost.
    """
    first = holder_elsewhere(session.lock_path)
    told = float("inf")
    while first is not None and not (interruptions and interruptions.asked):
        holder = holder_elsewhere(session.lock_path)
        if holder is None:
            note(f"{_who(first)} is gone: taking over")
            return False
        if holder.touched != first.touched:
            note(f"{_who(holder)} is at work on {session.name}")
            return True
        if told - holder.silence <= -TELL_EVERY or told == float("inf"):
            told = holder.silence
            note(countdown(session, holder))
        time.sleep(POLL_SECONDS)
    return False


def was_lost_elsewhere(session: Session) -> bool:
    """Whether another host's worker had the session, and turned out to be lost."""
    held = holder_elsewhere(session.lock_path) is not None
    return held and not lives_elsewhere(session)


def countdown(session: Session, holder: HolderElsewhere) -> str:
    """Who was last at work, since when nothing was heard, and when that will be enough."""
    left = max(GONE_AFTER - holder.silence, 0.0)
    return (
        f"{session.name} was held by {_who(holder)}, last seen {holder.silence:.0f} s ago: "
        f"taking over in {left:.0f} s unless it shows itself"
    )


class SilenceElsewhere:
    """Tells, while a session is followed, that its worker on another host shows no sign of life."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._looked = self._told = time.monotonic()

    def tell(self, say: Callable[[str], None]) -> None:
        """Say so every now and then, where it has been silent for longer than it ever is."""
        now = time.monotonic()
        if now - self._looked < 1.0:
            return
        self._looked = now
        holder = holder_elsewhere(self._session.lock_path)
        silent = holder is not None and holder.silence > 2 * TOUCH_EVERY
        if holder is not None and silent and now - self._told >= TELL_EVERY:
            self._told = now
            say(countdown(self._session, holder))


def _who(holder: HolderElsewhere) -> str:
    return f"pid {holder.pid} on {holder.host}"
