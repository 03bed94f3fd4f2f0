"""A session that a worker on another host holds, or held: waiting to learn whether it still lives.

Where a pod comes back under another name, the one before may be gone or about to end. On a shared
disk only silence tells.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tuner.cli.interruptions import Interruptions
from tuner.cli.output import print_note
from tuner.results.format import format_duration_in_words, format_time_ago
from tuner.session.folder import Session
from tuner.session.lock import GONE_AFTER, TOUCH_EVERY, RemoteHolder, find_remote_holder

POLL_SECONDS = 0.5
REPORT_EVERY = 10.0


def is_running_on_other_host(session: Session, interruptions: Interruptions | None = None) -> bool:
    """Tell whether a process on another host is working on the session.

    A holder that has been silent for a moment is waited for, with a note to the user, until it
    shows a sign of life or has been silent for so long that it counts as lost.
    """
    first = find_remote_holder(session.lock_path)
    reported_silence = float("inf")
    while first is not None and not (interruptions and interruptions.any_received):
        holder = find_remote_holder(session.lock_path)
        if holder is None:
            print_note(f"{_holder_text(first)} is gone: taking over")
            return False
        if holder.touched != first.touched:
            print_note(f"{_holder_text(holder)} is working on {session.name}")
            return True
        if (
            reported_silence - holder.seconds_since_touch <= -REPORT_EVERY
            or reported_silence == float("inf")
        ):
            reported_silence = holder.seconds_since_touch
            print_note(takeover_countdown(session, holder))
        time.sleep(POLL_SECONDS)
    return False


def was_lost_on_other_host(session: Session) -> bool:
    """Tell whether a worker on another host held the session and turned out to be lost."""
    was_held = find_remote_holder(session.lock_path) is not None
    return was_held and not is_running_on_other_host(session)


def takeover_countdown(session: Session, holder: RemoteHolder) -> str:
    """Say which worker held the session, how long it is silent, and when it counts as lost."""
    seconds_left = max(GONE_AFTER - holder.seconds_since_touch, 0.0)
    return (
        f"{session.name} was held by {_holder_text(holder)}, "
        f"last seen {format_time_ago(holder.seconds_since_touch)}: "
        f"taking over in {format_duration_in_words(seconds_left)} unless it shows a sign of life"
    )


class SilenceWatch:
    """Reports, while a session is followed, that its worker on another host has gone silent."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._last_look = self._last_report = time.monotonic()

    def report_silence(self, report_line: Callable[[str], None]) -> None:
        """Report the silence every few seconds, once it is longer than a live worker's ever is."""
        now = time.monotonic()
        if now - self._last_look < 1.0:
            return
        self._last_look = now
        holder = find_remote_holder(self._session.lock_path)
        silent = holder is not None and holder.seconds_since_touch > 2 * TOUCH_EVERY
        if holder is not None and silent and now - self._last_report >= REPORT_EVERY:
            self._last_report = now
            report_line(takeover_countdown(self._session, holder))


def _holder_text(holder: RemoteHolder) -> str:
    return f"pid {holder.pid} on {holder.host}"
